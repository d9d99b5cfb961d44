/** Of the project, on this machine: where checkpoints are brought before their instance is terminated. Never sent back with the code. */
export const PULL_FOLDER = 'runctl-checkpoints'
