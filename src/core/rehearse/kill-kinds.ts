/**
 * What may happen to a training, and what the drill does for it.
 *
 * - `term`: a person stops the run: it is asked to save, has its grace, and is ended
 * - `kill`: the script is gone from one moment to the next: SIGKILL to its process group
 * - `write`: the same while it writes a checkpoint
 * - `upload`: the machine is lost for good while a checkpoint is half uploaded; another one goes on from the store
 * - `instance`: the machine loses its power and is started again
 */
export const KILL_KINDS = ['term', 'kill', 'write', 'upload', 'instance'] as const
export type KillKind = (typeof KILL_KINDS)[number]
