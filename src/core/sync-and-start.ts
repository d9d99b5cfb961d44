import path from 'node:path'

import type {GuardAnswer} from '../agent/guard-protocol.js'
import type {RunStatus, StartAnswer, StartRequest} from '../agent/protocol.js'
import {RunctlError} from '../model/errors.js'
import {PULL_FOLDER} from '../model/pull-folder.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import type {SyncReport} from './sync/reports.js'
import {completeSync, confirmSync, prepareSync, syncFiles, type SyncDeps} from './sync/sync-files.js'
import {transferTimeoutMs, type AgentPort} from './sync/agent-port.js'
import {transferWords} from './transfer-words.js'
import type {TrainInput} from './train.js'

export type {SyncReport} from './sync/reports.js'

export interface Started {
  readonly run: RunStatus
  readonly sync: SyncReport | null
  readonly resume_skipped: StartAnswer['resume_skipped']
  /** The limits of the machine as they are now; null: none. */
  readonly guard: GuardAnswer | null
}

export interface StartDeps extends Pick<PlatformDeps, 'cacheDir' | 'clock' | 'progress' | 'provider' | 'signal'> {
  readonly agent: (instanceId: string) => AgentPort
}

interface StartInput {
  readonly input: TrainInput
  readonly request: Omit<StartRequest, 'sync'>
  /** Told as the start is sent: for what else can be done meanwhile. */
  readonly onSend: () => unknown
}

/**
 * Brings the code and starts the script. Where the change is small both ride in one call; else the files go first. A second run
 * in the same folder is refused before any file of the first one is touched.
 */
export async function startWithSync({input, onSend, request}: StartInput, deps: StartDeps): Promise<Started> {
  const agent = deps.agent(input.instanceId)
  const start: typeof agent.call<'start'> = (...given) => {
    onSend()
    return agent.call(...given)
  }
  const {signal} = deps
  const call = {signal, ...(Object.keys(request.env).length > 0 ? {confidential: true} : {})}
  const title = `Start ${request.script}`
  if (!input.syncCode) {
    const answer = await step(deps.progress, 'start', title, () => start('start', {...request, sync: null}, call))
    return {run: started(answer), sync: null, ...kept(answer)}
  }
  const target = {kind: 'project', name: input.projectName} as const
  const syncDeps: SyncDeps = {agent, cacheDir: deps.cacheDir, clock: deps.clock, signal, ...transferWords(deps)}
  const prepared = await prepareSync({
    root: input.projectRoot,
    target,
    instanceId: input.instanceId,
    include: input.include,
    // What a script writes is not code, wherever a past run left it on this machine.
    alwaysExclude: [input.checkpointDir, input.outputDir, PULL_FOLDER].filter(folder => !path.isAbsolute(folder)),
    reserveBytes: Buffer.byteLength(JSON.stringify(request)) + ((await agent.addedBytes?.('start')) ?? 0) + 100,
  }, syncDeps)
  for (const message of prepared.warnings) deps.progress.emit({type: 'warning', message})

  let first: StartAnswer | null = null
  if (prepared.ride) {
    const {attachment, request: sync} = prepared.ride
    const timeoutMs = transferTimeoutMs(attachment?.length ?? 0)
    first = await step(deps.progress, 'start', `Send what changed, and start ${request.script}`, () =>
      start('start', {...request, sync}, {...(attachment ? {attachment} : {}), ...call, timeoutMs}))
    if (first.run) return {run: first.run, sync: await completeSync(prepared, first.sync, syncDeps), ...kept(first)}
  } else if (!input.concurrent) {
    await refuseSecondRun(input, deps)
  }
  const sync = await step(deps.progress, 'sync', 'Send the code', () => completeSync(prepared, first?.sync ?? null, syncDeps), report => `${report.files_sent} files`)
  const answer = await step(deps.progress, 'start', title, () => start('start', {...request, sync: confirmSync(target, sync.tree)}, call))
  return {run: started(answer), sync, ...kept(answer)}
}

const kept = ({guard, resume_skipped}: StartAnswer): Pick<Started, 'guard' | 'resume_skipped'> => ({guard: guard ?? null, resume_skipped})

/** Sends a data folder; its name on the instance. */
export async function syncData({directory, instanceId}: {readonly directory: string; readonly instanceId: string}, deps: StartDeps): Promise<{name: string; report: SyncReport}> {
  const name = path.basename(directory).replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, 63) || 'data'
  const syncDeps: SyncDeps = {agent: deps.agent(instanceId), cacheDir: deps.cacheDir, clock: deps.clock, signal: deps.signal, ...transferWords(deps)}
  const report = await step(
    deps.progress, 'data', `Send the data in ${directory}`,
    () => syncFiles({root: directory, target: {kind: 'data', name}, instanceId}, syncDeps),
    ({files_sent, files_total}) => `${files_sent} of ${files_total} files had changed`,
  )
  for (const message of report.warnings) deps.progress.emit({type: 'warning', message})
  return {name, report}
}

async function refuseSecondRun(input: TrainInput, deps: StartDeps): Promise<void> {
  const {runs} = await deps.agent(input.instanceId).call('status', {project: input.projectName}, {signal: deps.signal})
  const active = runs.find(run => run.state !== 'stopped')
  if (active) {
    throw new RunctlError('run_active', `${active.run_id} is still ${active.state} in the project folder ${input.projectName}`, {details: {run_id: active.run_id}})
  }
}

function started({run, sync}: StartAnswer): RunStatus {
  if (run) return run
  throw new RunctlError('verification_failed', 'the code on the instance changed while the run was being started; nothing was started', {
    details: {need: sync?.need ?? null},
    next: ['run the same command again'],
  })
}
