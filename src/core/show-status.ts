import type {GuardAnswer} from '../agent/guard-protocol.js'
import type {RunStatus} from '../agent/protocol.js'
import {isRunctlError} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import {hasLimits, type LimitsState} from '../model/limits.js'
import type {SaveFit} from '../model/save-fit.js'
import {machineAtRisk, type WorkAtRisk} from '../model/work-at-risk.js'
import {findInstance} from './find-instance.js'
import {stateOf} from './guard-request.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {readStatus} from './read-runs.js'
import {withAnswer} from './resources-at-risk.js'
import {fitOf} from './run-warnings.js'
import type {SaveSettings} from './save-settings.js'

/** An instance, and what runs there. Also its JSON form. */
export interface InstanceStatus extends ResourceRow {
  /** Active runs, and the newest one if it has ended, newest first; null where the instance could not be asked. */
  readonly runs: readonly RunStatus[] | null
  /** Why it could not be asked: `stopped`, or what the shell said. */
  readonly runs_unknown_because: string | null
  /** What would be gone with the machine now; null where nothing runs, or nobody answered. */
  readonly at_risk: WorkAtRisk | null
  /** Whether a save of the run that is active is over in time; null before anything of it was measured. */
  readonly save_fit: SaveFit | null
  /** When it stops itself, as it says; null where nothing does that, and where it was not asked. */
  readonly limits: LimitsState | null
  /** What its limits did last, as the instance wrote it into its tags: why it stopped itself, or why a stop is put off. Data: escape before display. */
  readonly limits_note: string | null
}

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>

/** Asks the platform and, if the instance runs, the agent. An agent that does not answer is part of the answer, not an error. */
export async function showStatus(instanceId: string, settings: SaveSettings, deps: Deps): Promise<InstanceStatus> {
  const instance = await findInstance(instanceId, deps)
  // A command to a stopped instance may wait until it runs: only one that runs is asked.
  const [row, asked] = await Promise.all([resourceRow(instance, deps), instance.state === 'running' ? askRuns(instanceId, deps) : `the instance is ${instance.state}`])
  const limits_note = noteOf(instance)
  if (typeof asked === 'string') return {...row, runs: null, runs_unknown_because: asked, at_risk: null, save_fit: null, limits: null, limits_note}
  const {guard, runs} = asked
  const now = deps.clock.now()
  const [active] = runs.filter(({state}) => state !== 'stopped')
  return {
    ...withAnswer(row, asked, now),
    runs,
    runs_unknown_because: null,
    at_risk: machineAtRisk(runs, row.cost_per_hour, now),
    save_fit: active ? fitOf(active, instance, settings) : null,
    limits: guard && hasLimits(guard) ? stateOf(guard) : null,
    // It says so itself, and what the tags say is older.
    limits_note: null,
  }
}

/** While it runs the note may be of a stop long ago. */
function noteOf({state, stateReason, tags}: Instance): string | null {
  const isEnded = state !== 'running' && state !== 'pending'
  return isEnded && (stateReason === 'budget' || stateReason === 'idle' || stateReason === null) ? (tags[TAGS.guard] ?? null) : null
}

/** The runs and limits, or why they are not known. */
async function askRuns(instanceId: string, deps: Deps): Promise<{readonly runs: readonly RunStatus[]; readonly guard: GuardAnswer | null} | string> {
  try {
    const {guard, runs} = await readStatus(deps.agent(instanceId), 50, deps.signal)
    return {guard, runs: runs.filter((run, index) => index === 0 || run.state !== 'stopped')}
  } catch (error) {
    if (!isRunctlError(error)) throw error
    return error.message
  }
}
