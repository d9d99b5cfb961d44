/** Of the project, on this machine: where checkpoints are brought from instances. Never sent back with the code. */
export const PULL_FOLDER = 'runctl-checkpoints'
