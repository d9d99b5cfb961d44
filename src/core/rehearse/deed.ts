import type {CheckpointsAnswer} from '../../agent/checkpoint-protocol.js'
import {readCheckpoints} from '../read-checkpoints.js'
import type {Attempt} from './attempt.js'
import type {Drill} from './drill.js'
import type {KillRecord} from './rehearsal-record.js'

/** What one kind of kill has done. */
export type Deed = Partial<Pick<KillRecord, 'atMs' | 'overwrote' | 'savedOnRequest' | 'saveTook_s'>> & {
  readonly did: string
  /** Another one to go on with, where the instance was lost; and what was on it then. */
  readonly instanceId?: string
  readonly listing?: CheckpointsAnswer
}

/** All checkpoints of the project, oldest first. */
export const listAll = ({instanceId, run}: Pick<Attempt, 'instanceId' | 'run'>, {deps}: Drill): Promise<CheckpointsAnswer> =>
  readCheckpoints(deps.agent(instanceId), {project: run.project}, deps.signal)
