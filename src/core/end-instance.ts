import type {SaveResult} from '../hooks/events.js'
import type {Checkpoint} from '../model/checkpoint.js'
import {isRunctlError, RunctlError, withContext} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import {checkpointTag} from './checkpoint-tag.js'
import {findInstance} from './find-instance.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import {costSinceLaunch, hourlyPrice, stillRunningSentence} from './instance-cost.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {waitForInstance} from './wait-for-instance.js'

/** As many of the only copies the agent names at most. */
const MOST_NAMED = 20

export interface EndInput {
  readonly instanceId: string
  readonly kind: 'stop' | 'terminate'
  readonly graceMs: number
  /** End it even if nothing good was saved or a step failed. */
  readonly force: boolean
  readonly requestId: string
  readonly timeoutMs: number
}

export interface EndResult {
  readonly instance: ResourceRow
  /** False where it had been stopped or terminated before. */
  readonly changed: boolean
  /** null where nothing ran, so that nothing was asked. */
  readonly saved: SaveResult | null
  /** US dollars for the time since the last start; null where unknown. */
  readonly cost_usd: number | null
}

/**
 * Stops or terminates an instance: steps, then the save, then what was saved is recorded in the tags, and only then the end.
 * If no good checkpoint exists, or a terminate would destroy the only copy of one, nothing is ended without `force`.
 */
export async function endInstance(input: EndInput, deps: PlatformDeps): Promise<EndResult> {
  const before = await findInstance(input.instanceId, deps)
  const done = input.kind === 'stop' ? ['stopped', 'shutting-down', 'terminated'] : ['terminated']
  if (done.includes(before.state)) return unchanged(before, deps)
  try {
    return await end(before, input, deps)
  } catch (error) {
    const ended = await endedByAnother(error, input, deps)
    if (!ended) throw error
    deps.footprint.forget(before.id)
    return unchanged(ended, deps)
  }
}

const unchanged = async (instance: Instance, deps: PlatformDeps): Promise<EndResult> =>
  ({instance: await resourceRow(instance, deps), changed: false, saved: null, cost_usd: null})

/** Somebody else may have begun the same meanwhile: then what was wanted happens, and what failed here failed because of it. */
async function endedByAnother(error: unknown, input: EndInput, deps: PlatformDeps): Promise<Instance | null> {
  if (!isRunctlError(error) || !['unreachable', 'wrong_state'].includes(error.code) || deps.signal.aborted) return null
  const {state} = await findInstance(input.instanceId, deps)
  const [on, over] = input.kind === 'stop' ? (['stopping', 'stopped'] as const) : (['shutting-down', 'terminated'] as const)
  if (state !== on && state !== over) return null
  return waitForInstance({instanceId: input.instanceId, until: over, timeoutMs: input.timeoutMs}, deps)
}

async function end(before: Instance, input: EndInput, deps: PlatformDeps): Promise<EndResult> {
  const price = await hourlyPrice(before, deps)
  const cost = costSinceLaunch(before, price, deps.clock.now())
  const leave = (next: readonly string[]): void => deps.footprint.note(before.id, {stillRunning: stillRunningSentence(before, price), next})
  if (before.state === 'running') leave([])
  if (input.kind === 'terminate' && !input.force) await refuseToLoseWork(before, deps)

  await deps.lifecycle.run(input.kind === 'stop' ? 'prestop' : 'preterminate', {instance: before}, {force: input.force}).catch((error: unknown) => {
    throw withContext(error, {next: [forceCommand(before, input)]})
  })
  const saved = before.state === 'running' ? await saveFirst(before, input, leave, deps) : null
  if (input.kind === 'terminate' && !input.force && saved && saved.only_here.length > 0) throw await onlyHere(before, saved.only_here, deps)
  if (saved) await record(saved, before, input, deps)

  const verb = input.kind === 'stop' ? 'Stop' : 'Terminate'
  const instance = await step(deps.progress, input.kind, `${verb} ${before.id}`, async () => {
    const call = {signal: deps.signal}
    await (input.kind === 'stop' ? deps.provider.stopInstance(before.id, call) : deps.provider.terminateInstance(before.id, call))
    return waitForInstance({instanceId: before.id, until: input.kind === 'stop' ? 'stopped' : 'terminated', timeoutMs: input.timeoutMs}, deps)
  })
  deps.footprint.forget(before.id)
  await deps.lifecycle.run(input.kind === 'stop' ? 'poststop' : 'postterminate', {instance, saved})
  return {instance: await resourceRow(instance, deps), changed: true, saved, cost_usd: cost}
}

const endCommand = ({id, platform}: Instance, {kind}: EndInput): string => `runctl ${platform} ${kind} ${id}`
const forceCommand = (instance: Instance, input: EndInput): string => `${endCommand(instance, input)} --force`

/** Ctrl-C from here on: the agent saves and ends the training although nobody waits for it, and the instance goes on costing. */
async function saveFirst(instance: Instance, input: EndInput, leave: (next: readonly string[]) => void, deps: PlatformDeps): Promise<SaveResult> {
  leave([endCommand(instance, input)])
  return save(instance, input, deps).catch((error: unknown) => {
    if (isRunctlError(error)) leave([])
    throw error
  })
}

async function save(instance: Instance, input: EndInput, deps: PlatformDeps): Promise<SaveResult> {
  const graceSeconds = input.graceMs / 1000
  const withForce = forceCommand(instance, input)
  return step(
    deps.progress, 'save', 'Ask the training to save, and verify', async () => {
      const event = {instance, graceSeconds, force: input.force, requestId: input.requestId}
      const results = await deps.lifecycle.run('prestop-checkpoint', event, {force: input.force}).catch((error: unknown) => {
        throw withContext(error, {next: [withForce]})
      })
      const saved = merge(results)
      if (saved.ok || input.force) return saved
      throw notSaved(saved, instance, withForce)
    },
    describeSave,
  )
}

function notSaved(saved: SaveResult, instance: Instance, withForce: string): RunctlError {
  return new RunctlError('save_failed', `no good checkpoint was saved, so nothing was stopped: ${saved.why ?? 'no reason was given'}`, {
    next: [`runctl ${instance.platform} monitor ${instance.id}`, withForce],
    details: {instance_id: instance.id, reports: saved.reports},
  })
}

/** With `force`, nothing that is only recorded keeps the machine running: neither refused tags nor a broken agent. */
async function record(saved: SaveResult, instance: Instance, input: EndInput, deps: PlatformDeps): Promise<void> {
  try {
    await step(deps.progress, 'record', 'Record it in the tags', async () =>
      deps.provider.setTags(instance.id, tagsOf(saved, await newestCheckpoint(instance.id, saved, deps)), {signal: deps.signal}))
  } catch (error) {
    if (!input.force || deps.signal.aborted) throw error
    const why = error instanceof Error ? error.message : String(error)
    deps.progress.emit({type: 'warning', message: `the tags of ${instance.id} do not say what was saved: ${why}`})
  }
}

/** A run that is active on a platform without a store could only save to the disk that a terminate removes. */
async function refuseToLoseWork(instance: Instance, deps: PlatformDeps): Promise<void> {
  if (instance.state === 'running' && !deps.provider.store) {
    const {runs} = await deps.agent(instance.id).call('status', {all: true, limit: 50}, {signal: deps.signal})
    const active = runs.find(run => run.state !== 'stopped')
    if (active) {
      throw new RunctlError('save_failed', `${active.run_id} is ${active.state}, and what it saves goes to the disk that terminate would remove`, {
        next: [`runctl ${instance.platform} stop ${instance.id}`, `runctl ${instance.platform} terminate ${instance.id} --force`],
        details: {instance_id: instance.id, run_id: active.run_id},
      })
    }
  }
  const left = readCount(instance.tags[TAGS.onlyHere])
  if (instance.state === 'stopped' && left > 0) {
    throw new RunctlError('save_failed', `the disk of ${instance.id} holds ${left} complete checkpoint(s) that are known to be nowhere else`, {
      next: [
        `runctl ${instance.platform} start ${instance.id} --wait`,
        `runctl checkpoint list --instance-id ${instance.id}`,
        `runctl ${instance.platform} terminate ${instance.id} --force`,
      ],
      details: {instance_id: instance.id, only_here: left},
    })
  }
}

/** A tag can be written by anyone: what is no count is treated as absent. */
const readCount = (value: string | undefined): number => (/^\d{1,9}$/.test(value ?? '') ? Number(value) : 0)

async function onlyHere(instance: Instance, checkpoints: readonly Checkpoint[], deps: PlatformDeps): Promise<RunctlError> {
  const newest = checkpoints.at(-1)?.path ?? ''
  const {runs} = await deps.agent(instance.id).call('status', {all: true, limit: 50}, {signal: deps.signal})
  const projects = [...new Set(runs.map(run => run.project))]
  // The agent names the newest ones and stops at a number.
  const count = checkpoints.length < MOST_NAMED ? String(checkpoints.length) : `at least ${checkpoints.length}`
  return new RunctlError('save_failed', `${count} complete checkpoint(s) exist only on the disk of ${instance.id} (newest: ${newest}), which terminate would remove`, {
    next: [
      `runctl checkpoint list --instance-id ${instance.id}`,
      ...(projects.length > 1 ? projects.map(project => ` --project ${project}`) : [''])
        .map(which => `runctl ${instance.platform} pull ${instance.id} --checkpoints${which}`),
      `runctl ${instance.platform} terminate ${instance.id}`,
      `runctl ${instance.platform} terminate ${instance.id} --force`,
    ],
    details: {instance_id: instance.id, only_here: checkpoints.map(checkpoint => checkpoint.path)},
  })
}

/** One answer out of those of all steps: every one must agree that it is right to stop, and silence is no agreement. */
function merge(results: readonly SaveResult[]): SaveResult {
  if (results.length === 0) return {ok: false, why: 'no step has saved anything', reports: [], only_here: []}
  // Steps of plugins are not checked by our compiler: a misshapen answer is no proof of a save.
  const isWhole = (result: SaveResult): boolean => typeof result.ok === 'boolean' && Array.isArray(result.reports) && Array.isArray(result.only_here)
  if (!results.every(isWhole)) return {ok: false, why: 'a step answered something else than a save result', reports: [], only_here: []}
  return {
    ok: results.every(result => result.ok),
    why: results.map(result => result.why).filter(why => why !== null).join('; ') || null,
    reports: results.flatMap(result => result.reports),
    only_here: results.flatMap(result => result.only_here),
  }
}

function describeSave(saved: SaveResult): string {
  if (!saved.ok) return saved.why ?? 'nothing good was saved'
  if (saved.reports.length === 0) return 'nothing was running'
  return saved.reports
    .map(report => {
      const kept = report.checkpoint ? `${report.checkpoint.path}${report.saved_on_request ? '' : ' (saved before)'}` : 'no checkpoint'
      return report.ended === 'forced' ? `${kept}, ended by force (${report.killed} killed)` : kept
    })
    .join('; ')
}

/** What the save reported; where the training had ended before and nothing was asked, the latest good one of the newest run. */
async function newestCheckpoint(instanceId: string, saved: SaveResult, deps: PlatformDeps): Promise<Checkpoint | null> {
  const reported = saved.reports.findLast(report => report.checkpoint !== null)
  if (reported) return reported.checkpoint
  try {
    return (await deps.agent(instanceId).call('checkpoints', {}, {signal: deps.signal})).latest_good
  } catch (error) {
    // No run at all, most often; and what is only recorded must not keep the machine running.
    if (isRunctlError(error)) return null
    throw error
  }
}

function tagsOf(saved: SaveResult, checkpoint: Checkpoint | null): Record<string, string> {
  const last = saved.reports.findLast(report => report.checkpoint !== null) ?? saved.reports.at(-1)
  const tags: Record<string, string> = {[TAGS.stateReason]: 'user'}
  // Where nobody could ask, what the disk holds is not known, and 0 would be a licence to remove it.
  if (saved.ok || saved.reports.length > 0 || saved.only_here.length > 0) tags[TAGS.onlyHere] = String(saved.only_here.length)
  if (last) tags[TAGS.lastRun] = last.run_id
  if (checkpoint) tags[TAGS.lastCheckpoint] = checkpointTag(checkpoint)
  return tags
}
