import path from 'node:path'

import type {RunStatus, StartRequest} from '../agent/protocol.js'
import {isRunctlError, RunctlError, withContext} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import {pathForShell} from '../model/quote-for-shell.js'
import {newRunId} from '../model/run.js'
import {checkScript} from './check-script.js'
import {findInstance, notRunning} from './find-instance.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {startWithSync, syncData, type SyncReport} from './sync-and-start.js'
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
  /** A local folder to sync as data, an absolute path on the instance given as `instance:/path`, or null. */
  readonly data: string | null
  readonly checkpointDir: string
  readonly checkpointPatterns: readonly string[]
  readonly outputDir: string
  readonly resume: string | null
  readonly name: string | null
  readonly python: string | null
  readonly concurrent: boolean
  /** Wait for an instance that is still on its way, at most so long (milliseconds); null: it must be running. */
  readonly readyTimeoutMs: number | null
}

export interface TrainResult {
  readonly instance_id: string
  readonly platform: string
  readonly run: RunStatus
  readonly sync: SyncReport | null
  readonly data_sync: SyncReport | null
  readonly resume_skipped: readonly {readonly path: string; readonly why: string}[]
}

/** Installing dependencies may take long; the script itself is not waited for. */
const PREPARING_TIMEOUT_MS = 3_600_000

/** Brings the code to the instance and starts the script there. Resolves as soon as the script runs (or has ended). */
export async function train(input: TrainInput, deps: PlatformDeps): Promise<TrainResult> {
  const script = await checkScript(input, `runctl ${deps.provider.name} train ${input.instanceId}`)
  let instance = await findInstance(input.instanceId, deps)
  if (instance.state === 'pending' && input.readyTimeoutMs !== null) {
    const timeoutMs = input.readyTimeoutMs
    instance = await step(deps.progress, 'ready', `Wait until ${instance.id} answers`, () =>
      waitForInstance({instanceId: input.instanceId, until: 'running', timeoutMs}, deps))
  }
  if (instance.state !== 'running') throw notRunning(instance)

  refuseForeignData(input.data, deps.provider.name)
  const runId = newRunId(deps.clock.now())
  await deps.lifecycle.run('pretrain', {instance, run_id: runId, script, args: input.args})
  const data = await resolveData(input, deps)
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
    resume: input.resume === null || input.resume === 'latest' ? input.resume : input.resume.replace(/^instance:/, ''),
    concurrent: input.concurrent,
  }
  // The request may arrive although its answer is not waited for, or is lost.
  deps.footprint.note(runId, {stillRunning: `perhaps ${runId} on ${instance.id}: it was being started`, next: [`runctl ${instance.platform} status ${instance.id}`]})
  const started = await startWithSync({request, input}, deps).catch((error: unknown) => {
    if (isRunctlError(error) && error.code !== 'timed_out' && error.code !== 'unreachable') deps.footprint.forget(runId)
    throw withContext(error, {next: adviceFor(error, instance, input)})
  })
  for (const skipped of started.resume_skipped) {
    deps.progress.emit({type: 'warning', message: `passed over ${skipped.path} when resuming: ${skipped.why}`})
  }
  // From here on the script runs, whatever fails here.
  deps.footprint.forget(runId)
  deps.footprint.note(started.run.run_id, {stillRunning: `${started.run.run_id} on ${instance.id}`, next: [`runctl ${instance.platform} monitor ${instance.id} --follow`]})
  const run = await waitUntilStarted(started.run, instance, deps)
  if (run.state === 'stopped') deps.footprint.forget(run.run_id)
  await recordRun(run.run_id, instance, input, deps)
  return {instance_id: instance.id, platform: instance.platform, run, sync: started.sync, data_sync: data.report, resume_skipped: started.resume_skipped}
}

/** A platform that refuses a tag has not undone the start: that is a warning. */
async function recordRun(runId: string, instance: Instance, input: TrainInput, deps: PlatformDeps): Promise<void> {
  try {
    await deps.provider.setTags(instance.id, {[TAGS.lastRun]: runId, [TAGS.project]: input.projectName}, {signal: deps.signal})
  } catch (error) {
    if (!isRunctlError(error)) throw error
    deps.progress.emit({type: 'warning', message: `the tags of ${instance.id} do not name ${runId}: ${error.message}`})
  }
}

/** Before anything is begun. */
function refuseForeignData(data: string | null, platform: string): void {
  if (data === null || !/^[a-z][a-z0-9+.-]*:\/\//i.test(data)) return
  throw new RunctlError('bad_input', `instances of ${platform} cannot fetch ${data}: the platform has no object store`, {
    next: ['download it, and give its folder: --data DIR'],
  })
}

async function resolveData(input: TrainInput, deps: PlatformDeps): Promise<{name: string | null; report: SyncReport | null}> {
  if (input.data === null) return {name: null, report: null}
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

async function waitUntilStarted(first: RunStatus, instance: Instance, deps: PlatformDeps): Promise<RunStatus> {
  if (first.state !== 'preparing') return first
  const agent = deps.agent(instance.id)
  const deadline = deps.clock.now().getTime() + PREPARING_TIMEOUT_MS
  return step(deps.progress, 'prepare', 'Wait until the script runs', async () => {
    while (deps.clock.now().getTime() < deadline) {
      const {runs} = await agent.call('status', {run_id: first.run_id, wait_s: agent.maxWaitSeconds, wait_for: ['running', 'stopping', 'stopped']}, {
        signal: deps.signal,
        timeoutMs: (agent.maxWaitSeconds + 30) * 1000,
      })
      const run = runs[0]
      if (run && run.state !== 'preparing') return run
    }
    throw new RunctlError('timed_out', `${first.run_id} is still installing the dependencies of its script; it goes on`, {
      next: [`runctl ${instance.platform} monitor ${instance.id} --follow`],
    })
  })
}
