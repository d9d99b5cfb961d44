import path from 'node:path'

import type {RunStatus, StartRequest} from '../agent/protocol.js'
import {isRunctlError, RunctlError, withContext} from '../model/errors.js'
import type {Instance} from '../model/instance.js'
import {hasLimits, type LimitsState, type LimitWish} from '../model/limits.js'
import {pathForShell, wordForShell} from '../model/quote-for-shell.js'
import {newRunId} from '../model/run.js'
import {checkScript} from './check-script.js'
import {findInstance, notRunning} from './find-instance.js'
import {stateOf} from './guard-request.js'
import {hourlyPrice} from './instance-cost.js'
import {tellLaunch} from './launch-line.js'
import {isUndelivered, patientAgent} from './patient-agent.js'
import type {PlatformDeps} from './platform-deps.js'
import {planResume} from './plan-resume.js'
import {waitUntilStarted} from './prepare-run.js'
import {step} from './progress.js'
import {recordStart} from './record-start.js'
import {limitsRequest, outdatedTag, withoutLimitsAdvice} from './set-limits.js'
import {isStoreUri, settlePlaces, storeRequest, type StorePlaces} from './store-place.js'
import {startWithSync, syncData, type StartDeps, type SyncReport} from './sync-and-start.js'
import {waitForInstance} from './wait-for-instance.js'

export interface TrainInput {
  readonly instanceId: string
  /** As typed, relative to `cwd`; with `syncCode: false` relative to the project folder on the instance. */
  readonly script: string
  /** Given to the script as they are. */
  readonly args: readonly string[]
  readonly cwd: string
  /** The folder that is synced; the script lies in it. */
  readonly projectRoot: string
  readonly projectName: string
  readonly syncCode: boolean
  readonly include: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** A local folder to sync as data, an absolute path on the instance given as `instance:/path`, an address in the platform's store, or null. */
  readonly data: string | null
  /** Where in the platform's store checkpoints, log and outputs go as they are written; null leaves them on the instance. */
  readonly output: string | null
  /** The same from the configuration: passed over, with a note, where the platform has no such store. */
  readonly defaultOutput: string | null
  readonly checkpointDir: string
  readonly checkpointPatterns: readonly string[]
  readonly outputDir: string
  /** `latest`, a run id, an address in the platform's store, or a path on the instance; null starts from nothing. */
  readonly resume: string | null
  /** The script's argument for the path to resume from; null: it gets none; absent: `--resume-from`. */
  readonly resumeArgument?: string | null
  readonly name: string | null
  readonly python: string | null
  readonly concurrent: boolean
  /** Limits of the machine, set before the script starts. Absent: those that it has. */
  readonly limits?: LimitWish
  /** It was told already what the machine costs and when it stops itself. */
  readonly launchTold?: boolean
  /** The flags of all this as they were typed, as words for a shell, without values of environment variables: for the command to go on with. */
  readonly typedFlags?: readonly string[]
  /** Wait for an instance that is still on its way, at most so long (milliseconds); null: it must be running. */
  readonly readyTimeoutMs: number | null
  /** The caller follows the log from its first byte: what comes before the script is seen there, and not waited for here. */
  readonly followed: boolean
}

export interface TrainResult {
  readonly instance_id: string
  readonly platform: string
  readonly run: RunStatus
  readonly sync: SyncReport | null
  readonly data_sync: SyncReport | null
  /** When the machine stops itself; null: nothing does that. */
  readonly limits: LimitsState | null
  readonly resume_skipped: readonly {readonly path: string; readonly why: string}[]
}

/** What a caller goes on with, and what it tells. */
export interface Trained {
  readonly instance: Instance
  readonly result: TrainResult
}

/** How long the answer to a start waits for the script to run, in seconds: longer than a script takes that needs nothing installed. */
const START_WAIT_S = 4
const NO_WISH: LimitWish = {set: {}, defaults: {}, overrun_s: 0}

/** Brings the code to the instance and starts the script there. Resolves as soon as the script runs (or has ended); where the caller follows, as soon as it was taken on. */
export async function train(input: TrainInput, deps: PlatformDeps): Promise<Trained> {
  const places = settlePlaces(input, deps.provider)
  const script = await checkScript(input, `runctl ${deps.provider.name} train ${input.instanceId}`)
  const resume = planResume({...input, output: places.output}, deps)
  // Told below; until then a rejection must not be one that nobody handles.
  resume.catch(() => undefined)
  const instance = await findReady(input, deps)
  // Looked up beside the start, which does not wait for it; before it only where limits need it.
  const price = askedOnce(async () => hourlyPrice(instance, deps))
  const [guard, resumePlan] = await Promise.all([limitsRequest(input.limits ?? NO_WISH, instance, price, deps), resume])
  const runId = newRunId(deps.clock.now())
  await deps.lifecycle.run('pretrain', {instance, run_id: runId, script, args: input.args})
  announce(input, places, deps)
  const patient = {...deps, agent: patiently(instance, input, deps)}
  const data = await resolveData(input, patient)
  const request: Omit<StartRequest, 'sync'> = {
    run_id: runId,
    project: input.projectName,
    name: input.name,
    script,
    args: input.args,
    python: input.python,
    env: input.env,
    checkpoint_dir: input.checkpointDir,
    checkpoint_patterns: input.checkpointPatterns,
    output_dir: input.outputDir,
    data: data.name,
    ...(await storeRequest(places, deps.provider)),
    ...resumePlan,
    ...(input.resumeArgument === undefined ? {} : {resume_argument: input.resumeArgument}),
    interruptible: instance.lifecycle === 'spot',
    concurrent: input.concurrent,
    ...(guard ? {guard} : {}),
    ...(input.followed ? {} : {wait_s: START_WAIT_S}),
  }
  // The request may arrive although its answer is not waited for, or is lost.
  deps.footprint.note(runId, {stillRunning: `perhaps ${runId} on ${instance.id}: it was being started`, next: [`runctl ${instance.platform} status ${instance.id}`]})
  const started = await startWithSync({request, input, onSend: price}, patient).catch((error: unknown) => {
    if (isUndelivered(error) || (isRunctlError(error) && error.code !== 'timed_out' && error.code !== 'unreachable')) deps.footprint.forget(runId)
    throw withContext(isRunctlError(error) && error.details['limits'] === true ? withoutLimitsAdvice(error, instance) : error, {next: adviceFor(error, instance, input)})
  })
  const kept = started.guard ? stateOf(started.guard) : null
  const limits = kept && hasLimits(kept) ? kept : null
  for (const skipped of started.resume_skipped) {
    deps.progress.emit({type: 'warning', message: `passed over ${skipped.path} when resuming: ${skipped.why}`})
  }
  // From here on the script runs, whatever fails here.
  deps.footprint.forget(runId)
  deps.footprint.note(started.run.run_id, {stillRunning: `${started.run.run_id} on ${instance.id}`, next: [`runctl ${instance.platform} monitor ${instance.id} --follow`]})
  const [run] = await Promise.all([
    input.followed ? started.run : waitUntilStarted(started.run, request.data_source, instance, deps),
    recordStart({runId: started.run.run_id, project: input.projectName, output: places.output, tags: outdatedTag(instance, limits)}, instance, deps),
    input.launchTold ? undefined : price().then(known => tellLaunch(instance, known, limits, deps)),
  ])
  if (run.state === 'stopped') deps.footprint.forget(run.run_id)
  const result = {instance_id: instance.id, platform: instance.platform, run, sync: started.sync, data_sync: data.report, limits, resume_skipped: started.resume_skipped}
  return {instance, result}
}

/** Asked once, when it is first wanted. */
function askedOnce<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined
  return () => {
    if (asked) return asked
    asked = ask()
    // Told to whoever waits for it; until then a rejection (Ctrl-C) must not be one that nobody handles.
    asked.catch(() => undefined)
    return asked
  }
}

/** The instance, running. One on its way is waited for where that is wanted. */
async function findReady(input: TrainInput, deps: PlatformDeps): Promise<Instance> {
  const instance = await findInstance(input.instanceId, deps)
  if (instance.state === 'running') return instance
  if (instance.state !== 'pending') throw notRunning(instance)
  if (input.readyTimeoutMs === null) throw withContext(notRunning(instance), {next: [waitingCommand(instance, input)]})
  const timeoutMs = input.readyTimeoutMs
  return step(deps.progress, 'ready', `Wait until ${instance.id} answers`, () =>
    waitForInstance({instanceId: input.instanceId, until: 'running', timeoutMs}, deps))
}

function waitingCommand({id, platform}: Instance, {args, script, typedFlags = []}: TrainInput): string {
  const rest = args.length === 0 ? [] : ['--', ...args.map(wordForShell)]
  return ['runctl', platform, 'train', id, pathForShell(script), ...typedFlags, '--wait', ...rest].join(' ')
}

/** A cloud says that an instance runs before it takes commands: the first call that does not arrive waits for that, or says so. */
function patiently(instance: Instance, input: TrainInput, deps: PlatformDeps): StartDeps['agent'] {
  const {id, platform} = instance
  return () => patientAgent(deps.agent(id), async error => {
    const timeoutMs = input.readyTimeoutMs
    if (timeoutMs === null) throw notAnswering(error, [`runctl ${platform} wait ${id}`, waitingCommand(instance, input)])
    deps.progress.emit({type: 'note', message: `${id} runs, but takes no commands yet; waiting for that (at most ${timeoutMs / 60_000} min)`})
    await waitForInstance({instanceId: id, until: 'running', timeoutMs}, deps)
  })

  function notAnswering({code, details, message, next}: RunctlError, advice: readonly string[]): RunctlError {
    return new RunctlError(code, `instance ${id} is not ready: ${message}`, {next: [...advice, ...next.filter(command => !advice.includes(command))], details})
  }
}

/** Once a command. */
function announce({defaultOutput, env}: TrainInput, {output}: StorePlaces, {progress, provider}: PlatformDeps): void {
  if (defaultOutput !== null && output === null) {
    progress.emit({type: 'note', message: `${provider.name} has no store like ${defaultOutput}: what this run writes stays on the instance`})
  }
  if (!provider.shell.recordsInput || Object.keys(env).length === 0) return
  const better = provider.setup ? `; with a bucket they travel in an object that expires: runctl ${provider.name} setup` : ''
  progress.emit({type: 'warning', message: `the values of --env stay readable in the command history of ${provider.name}${better}`})
}

async function resolveData(input: TrainInput, deps: StartDeps): Promise<{name: string | null; report: SyncReport | null}> {
  if (input.data === null || isStoreUri(input.data)) return {name: null, report: null}
  if (input.data.startsWith('instance:')) return {name: input.data.slice('instance:'.length), report: null}
  return syncData({directory: path.resolve(input.cwd, input.data), instanceId: input.instanceId}, deps)
}

function adviceFor(error: unknown, instance: Instance, input: TrainInput): readonly string[] {
  if (!isRunctlError(error)) return []
  const {id, platform} = instance
  if (error.code === 'run_active') {
    const active = error.details['run_id']
    const stop = typeof active === 'string' ? [`runctl run stop ${active}`] : []
    return [`runctl ${platform} monitor ${id} --follow`, ...stop, `runctl ${platform} train ${id} ${pathForShell(input.script)} --project-name other`]
  }
  if (error.code === 'verification_failed' || (error.code === 'not_found' && input.resume !== null)) return [`runctl checkpoint list --instance-id ${id}`]
  return []
}
