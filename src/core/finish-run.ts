import type {RunStatus} from '../agent/protocol.js'
import {isRunctlError} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import {awaitUpload} from './await-upload.js'
import {checkpointTag} from './checkpoint-tag.js'
import {followRun} from './follow-run.js'
import type {PlatformDeps} from './platform-deps.js'
import {lostInstance, outcomeError} from './run-outcome.js'
import {runWarnings} from './run-warnings.js'
import type {SaveSettings} from './save-settings.js'

export interface FinishInput {
  readonly instance: Instance
  readonly runId: string
  /** Milliseconds; null waits for as long as it takes. */
  readonly timeoutMs: number | null
  /** Receives the log's bytes as they come. */
  readonly log: (bytes: Uint8Array) => unknown
  /** Write into the instance's tags what ran last; false where the caller ends the instance, which does that. */
  readonly recorded: boolean
  readonly save: SaveSettings
}

/**
 * Follows a run from its first byte to its end and runs the steps that belong to it: `checkpoint-saved` for each new one seen,
 * `limit-reached`, `interrupted`, `posttrain`. Rejects if the run did not end well; with `timed_out` if the time is over while it goes on.
 */
export async function finishRun(input: FinishInput, deps: PlatformDeps): Promise<RunStatus> {
  const {instance} = input
  const stop = [`runctl ${instance.platform} monitor ${instance.id} --follow`, `runctl ${instance.platform} stop ${instance.id}`]
  deps.footprint.note(input.runId, {stillRunning: `${input.runId} on ${instance.id}`, next: stop})
  const seen = new Set<string>()
  const saved: Promise<unknown>[] = []
  const warn = runWarnings(instance, input.save, deps.progress)
  let last: RunStatus | null = null
  const notice = (run: RunStatus): void => {
    last = run
    warn(run)
    const checkpoint = run.last_checkpoint
    if (!checkpoint || seen.has(`${checkpoint.path} ${checkpoint.sha256}`)) return
    seen.add(`${checkpoint.path} ${checkpoint.sha256}`)
    const steps = deps.lifecycle.run('checkpoint-saved', {instance, run_id: run.run_id, checkpoint})
    // Waited for below; until then a rejection (Ctrl-C) must not be one that nobody handles.
    steps.catch(() => undefined)
    saved.push(steps)
  }
  const ended = await followRun({instanceId: instance.id, runId: input.runId, offset: 0, timeoutMs: input.timeoutMs}, {log: input.log, run: notice}, deps).catch(async (error: unknown) => {
    const lost = lostInstance(error, last, {platform: instance.platform, instanceId: instance.id})
    // It powered itself off before the end of the run was seen.
    if (isRunctlError(lost) && isLimit(lost.details['state_reason'])) await deps.lifecycle.run('limit-reached', {instance, run: last, limit: lost.details['state_reason'], detail: lost.message})
    throw lost
  })
  deps.footprint.forget(input.runId)
  const run = await awaitUpload(ended, instance, deps)
  await Promise.all([...saved, ...(input.recorded ? [recordEnd(run, instance, deps)] : [])])
  if (isLimit(run.reason)) await deps.lifecycle.run('limit-reached', {instance, run, limit: run.reason, detail: run.detail})
  if (run.reason === 'interrupted') await deps.lifecycle.run('interrupted', {instance, run})
  await deps.lifecycle.run('posttrain', {instance, run})
  const error = await outcomeError(run, {platform: instance.platform, instanceId: instance.id}, deps.agent(instance.id), deps.signal)
  if (error) throw error
  return run
}

const isLimit = (reason: unknown): reason is 'budget' | 'idle' => reason === 'budget' || reason === 'idle'

/** The run has ended as it has, whatever the platform thinks of the tags: that is a warning. */
async function recordEnd(run: RunStatus, instance: Instance, deps: PlatformDeps): Promise<void> {
  const tags = {
    [TAGS.lastRun]: run.run_id,
    [TAGS.project]: run.project,
    ...(run.last_checkpoint ? {[TAGS.lastCheckpoint]: checkpointTag(run.last_checkpoint)} : {}),
  }
  try {
    await deps.provider.setTags(instance.id, tags, {signal: deps.signal})
  } catch (error) {
    if (!isRunctlError(error)) throw error
    deps.progress.emit({type: 'warning', message: `the tags of ${instance.id} do not name ${run.run_id}: ${error.message}`})
  }
}
