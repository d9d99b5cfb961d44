import type {RunStatus} from '../agent/protocol.js'
import type {Checkpoint} from '../model/checkpoint.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import {pathForShell} from '../model/quote-for-shell.js'
import {createInstance, type CreateInput} from './create-instance.js'
import {endInstance} from './end-instance.js'
import {findInstance} from './find-instance.js'
import {finishRun} from './finish-run.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {planResume} from './plan-resume.js'
import {pullCheckpoints} from './pull-checkpoints.js'
import {step} from './progress.js'
import {readCheckpoints} from './read-checkpoints.js'
import {runLedger, type RunLedger} from './run-ledger.js'
import {saysEnded} from './run-outcome.js'
import {startInstance} from './start-instance.js'
import {settlePlaces} from './store-place.js'
import type {PullReport, SyncReport} from './sync/reports.js'
import {train, type TrainInput} from './train.js'

/** `auto`: stop what this workflow created or started if it costs money, keep what ran before or costs nothing. */
export type Then = 'auto' | 'keep' | 'stop' | 'terminate'

export interface WorkflowInput {
  /** An instance that exists; null creates one. */
  readonly instanceId: string | null
  readonly create: CreateInput
  readonly train: Omit<TrainInput, 'instanceId'>
  readonly then: Then
  readonly graceMs: number
  readonly meanTimeToInterruptionMs: number
  /** For the training; null waits as long as it takes. */
  readonly timeoutMs: number | null
  readonly readyTimeoutMs: number
  /** Where checkpoints go before an instance is terminated: a folder on this machine. */
  readonly pullTo: string
  readonly log: (bytes: Uint8Array) => unknown
}

export interface WorkflowResult {
  readonly instance: ResourceRow
  readonly run: RunStatus
  /** What the run has cost, the machine alone, and what came of it. */
  readonly ledger: RunLedger
  readonly sync: SyncReport | null
  /** What was done to the instance before the training. */
  readonly began: 'created' | 'started' | 'was-running'
  /** The checkpoints that this run wrote, oldest first. */
  readonly checkpoints: readonly Checkpoint[]
  readonly verified_count: number
  readonly then: Exclude<Then, 'auto'>
  /** What was copied here before a terminate. */
  readonly pulled: PullReport | null
  readonly duration_s: number
  /** US dollars from the instance's launch to the end of this workflow; null where unknown. */
  readonly cost_usd: number | null
  /** The commands with which to go on. */
  readonly next: readonly string[]
}

/** From nothing to verified checkpoints: an instance, the code, the training to its end, the proof, and the end that was asked for. */
export async function runWorkflow(input: WorkflowInput, deps: PlatformDeps): Promise<WorkflowResult> {
  // Before a machine is made for it; what there is to resume from is read again when it is there.
  const places = settlePlaces(input.train, deps.provider)
  await planResume({...input.train, output: places.output}, deps)
  const startedAt = deps.clock.now().getTime()
  const {began, instance} = await provide(input, deps)
  const then = input.then === 'auto' ? chooseEnd(began, instance) : input.then
  const trained = await train({...input.train, instanceId: instance.id, readyTimeoutMs: input.readyTimeoutMs}, deps).catch(async (error: unknown) => {
    throw isRefusal(error) && began !== 'was-running' ? await stopAfter(error, instance, then, input, deps) : error
  })
  let run: RunStatus
  try {
    await deps.progress.pause()
    // Ending the instance writes the tags: once is enough.
    const recorded = then === 'keep'
    run = await finishRun({instance: trained.instance, runId: trained.result.run.run_id, timeoutMs: input.timeoutMs, log: input.log, recorded, save: input}, deps)
  } catch (error) {
    throw await afterFailure(error, instance, then, input, deps)
  }
  const ledger = runLedger(run, trained.instance, deps)
  // Told below; until then a rejection (Ctrl-C) must not be one that nobody handles.
  ledger.catch(() => undefined)
  const listing = await step(
    deps.progress, 'verify', 'Verify the checkpoints', () => readCheckpoints(deps.agent(instance.id), {run_id: run.run_id}, deps.signal),
    answer => `${answer.checkpoints.filter(({state}) => state === 'complete').length} of ${answer.checkpoints.length} complete`,
  )
  const broken = listing.checkpoints.filter(({state}) => state === 'corrupt' || state === 'partial')
  for (const checkpoint of broken) {
    deps.progress.emit({type: 'warning', message: `${checkpoint.path} is ${checkpoint.state}${checkpoint.state_detail ? `: ${checkpoint.state_detail}` : ''}`})
  }
  if (broken.length > 0 && !listing.latest_good) {
    const error = new RunctlError('verification_failed', `${run.run_id} completed, but none of its ${listing.checkpoints.length} checkpoints verifies`, {
      next: [`runctl checkpoint list --instance-id ${instance.id}`],
      details: {instance_id: instance.id, run_id: run.run_id},
    })
    throw await afterFailure(error, instance, then, input, deps)
  }
  const pulled = then === 'terminate' && listing.checkpoints.length > 0
    ? await pullCheckpoints({instanceId: instance.id, project: run.project, destination: `${input.pullTo}/${run.run_id}`, cwd: '/'}, deps)
    : null
  const end = then === 'keep' ? null : await endInstance({...endInput(input, instance.id, then), force: false}, deps)
  if (then === 'keep') deps.footprint.forget(instance.id)
  const last = end?.instance ?? (await resourceRow(await findInstance(instance.id, deps), deps))
  return {
    instance: last,
    run,
    ledger: await ledger,
    sync: trained.result.sync,
    began,
    checkpoints: listing.checkpoints,
    verified_count: listing.checkpoints.filter(({state}) => state === 'complete').length,
    then,
    pulled,
    duration_s: (deps.clock.now().getTime() - startedAt) / 1000,
    cost_usd: end ? end.cost_usd : last.estimated_cost,
    next: nextCommands(last, run, listing.latest_good, then),
  }
}

async function provide(input: WorkflowInput, deps: PlatformDeps): Promise<{began: WorkflowResult['began']; instance: ResourceRow}> {
  if (input.instanceId === null) return {began: 'created', ...(await createInstance(input.create, deps))}
  const {changed, instance} = await startInstance({instanceId: input.instanceId, wait: true, timeoutMs: input.readyTimeoutMs}, deps)
  return {began: changed ? 'started' : 'was-running', instance}
}

const chooseEnd = (began: WorkflowResult['began'], instance: ResourceRow): 'keep' | 'stop' =>
  began === 'was-running' || instance.cost_per_hour === 0 ? 'keep' : 'stop'

const endInput = (input: WorkflowInput, instanceId: string, kind: 'stop' | 'terminate') =>
  ({instanceId, kind, graceMs: input.graceMs, requestId: input.create.requestId, timeoutMs: input.readyTimeoutMs})

/** A failed training is worth its disk: where the end was to be `terminate`, it is `stop`. A time limit or a detach ends nothing. */
async function afterFailure(error: unknown, instance: ResourceRow, then: Exclude<Then, 'auto'>, input: WorkflowInput, deps: PlatformDeps): Promise<unknown> {
  const ended = saysEnded(error) || (isRunctlError(error) && error.code === 'verification_failed')
  return ended ? stopAfter(error, instance, then, input, deps) : error
}

/** The script was not started, for sure: what was made for it alone has nothing to do. */
const isRefusal = (error: unknown): boolean => isRunctlError(error) && !['timed_out', 'unreachable'].includes(error.code)

async function stopAfter(error: unknown, instance: ResourceRow, then: Exclude<Then, 'auto'>, input: WorkflowInput, deps: PlatformDeps): Promise<unknown> {
  if (then === 'keep') return error
  try {
    await endInstance({...endInput(input, instance.id, 'stop'), force: true}, deps)
  } catch (failure) {
    // Why the training failed is still the answer; the footprint tells that the instance runs.
    deps.progress.emit({type: 'warning', message: `${instance.id} could not be stopped: ${failure instanceof Error ? failure.message : String(failure)}`})
    return error
  }
  deps.progress.emit({type: 'note', message: `${instance.id} is stopped; its disk with the log is kept: runctl ${instance.platform} start ${instance.id} --wait`})
  return error
}

function nextCommands(instance: ResourceRow, run: RunStatus, good: Checkpoint | null, then: Exclude<Then, 'auto'>): readonly string[] {
  const {id, platform} = instance
  if (then === 'terminate') return []
  const list = `runctl checkpoint list --instance-id ${id}`
  const resume = good ? [`runctl ${platform} train ${id} ${pathForShell(run.script)} --wait --resume latest`] : []
  if (then === 'stop') return [`runctl ${platform} start ${id} --wait`, ...resume]
  return [list, ...resume, `runctl ${platform} stop ${id}`]
}
