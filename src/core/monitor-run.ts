import type {Checkpoint} from '../model/checkpoint.js'
import type {RunStatus} from '../agent/protocol.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import {hasLimits, type LimitsState} from '../model/limits.js'
import type {SaveFit} from '../model/save-fit.js'
import {findRunningInstance} from './find-instance.js'
import {bytesPerAnswer} from './follow-run.js'
import {stateOf} from './guard-request.js'
import {zlibInflate} from './inflate.js'
import type {PlatformDeps} from './platform-deps.js'
import {readCheckpoints} from './read-checkpoints.js'
import {fitOf} from './run-warnings.js'
import type {SaveSettings} from './save-settings.js'
import {keepsLimits} from './set-limits.js'

export interface MonitorInput {
  readonly instanceId: string
  readonly runId: string | null
  readonly lines: number
  readonly save: SaveSettings
}

/** A look at a run now: its state, the end of its log, its checkpoints. */
export interface MonitorResult {
  readonly instance_id: string
  readonly run: RunStatus
  /** The last bytes of the log as they are. */
  readonly log: Uint8Array
  readonly checkpoints: readonly Checkpoint[]
  /** Whether a save of this run is over in time; null where it has ended, and before anything of it was measured. */
  readonly save_fit: SaveFit | null
  /** When the machine stops itself; asked where its tags name limits, else null. */
  readonly limits: LimitsState | null
}

/** A log can be one line of gigabytes: the end of it is shown, never more than this, or so much for each line that is asked for. */
const MAX_BYTES = 64 * 1024
const BYTES_PER_LINE = 256

export async function monitorRun(input: MonitorInput, deps: Pick<PlatformDeps, 'agent' | 'provider' | 'signal'>): Promise<MonitorResult> {
  const {lines, runId} = input
  const instance = await findRunningInstance(input.instanceId, deps)
  const agent = deps.agent(instance.id)
  const request = runId === null ? {} : {run_id: runId}
  const maxBytes = Math.min(Math.max(MAX_BYTES, lines * BYTES_PER_LINE), bytesPerAnswer(agent))
  try {
    const [logs, {checkpoints}, limits] = await Promise.all([
      agent.call('logs', {...request, tail_lines: lines, max_bytes: maxBytes}, {signal: deps.signal}),
      readCheckpoints(agent, request, deps.signal),
      keepsLimits(instance) ? askLimits(instance.id, deps) : null,
    ])
    // Without a run, the answer is of all runs of the newest one's project.
    const own = checkpoints.filter(({run_id}) => runId !== null || run_id === logs.run_id)
    // The run may have ended between the two answers: its last checkpoint belongs to its end.
    const isLate = logs.run.state === 'stopped' && own.length < logs.run.checkpoint_count
    const all = isLate ? (await readCheckpoints(agent, {run_id: logs.run_id}, deps.signal)).checkpoints : own
    return {instance_id: instance.id, run: logs.run, log: zlibInflate(logs.data), checkpoints: all, save_fit: logs.run.state === 'stopped' ? null : fitOf(logs.run, instance, input.save), limits}
  } catch (error) {
    if (runId === null && isRunctlError(error) && error.code === 'not_found') throw nothingRun(instance.id, instance.platform)
    throw error
  }
}

async function askLimits(instanceId: string, deps: Pick<PlatformDeps, 'agent' | 'signal'>): Promise<LimitsState | null> {
  const {guard} = await deps.agent(instanceId).call('status', {all: true, limit: 1}, {signal: deps.signal})
  return guard && hasLimits(guard) ? stateOf(guard) : null
}

export async function newestRun(instanceId: string, platform: string, deps: Pick<PlatformDeps, 'agent' | 'signal'>): Promise<RunStatus> {
  const {runs} = await deps.agent(instanceId).call('status', {all: true, limit: 1}, {signal: deps.signal})
  const [run] = runs
  if (run) return run
  throw nothingRun(instanceId, platform)
}

function nothingRun(instanceId: string, platform: string): RunctlError {
  return new RunctlError('not_found', `nothing has been run on ${instanceId} yet`, {next: [`runctl ${platform} train ${instanceId} SCRIPT`]})
}
