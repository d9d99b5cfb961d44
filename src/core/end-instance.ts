import type {SaveResult} from '../hooks/events.js'
import {isRunctlError, withContext} from '../model/errors.js'
import type {Instance} from '../model/instance.js'
import {recordCost} from './cost-records.js'
import {endCommand, forceCommand, type EndInput} from './end-input.js'
import {findInstance} from './find-instance.js'
import {costSinceLaunch} from './instance-cost.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import {checkpointsOnlyHere, refuseToLoseWork} from './only-copies.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {recordEnd} from './record-end.js'
import {RunningNote} from './running-note.js'
import {saveBeforeEnd} from './save-before-end.js'
import {waitForInstance} from './wait-for-instance.js'

export type {EndInput} from './end-input.js'

export interface EndResult {
  readonly instance: ResourceRow
  /** False where it had been stopped or terminated before. */
  readonly changed: boolean
  /** null where nothing ran, so that nothing was asked. */
  readonly saved: SaveResult | null
  /** US dollars for the time since the last start, machine and disks; null where unknown. */
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
  const note = new RunningNote(before, deps)
  if (before.state === 'running') note.leave([])
  try {
    const saved = await saveAll(before, input, note, deps)
    const endedAt = deps.clock.now()
    const instance = await endNow(before, input, note, deps)
    const prices = await note.prices
    note.forget()
    await deps.lifecycle.run(input.kind === 'stop' ? 'poststop' : 'postterminate', {instance, saved})
    return {instance: await resourceRow(instance, deps, prices), changed: true, saved, cost_usd: costSinceLaunch(before, prices, endedAt)}
  } catch (error) {
    throw await note.priced(error)
  }
}

/** Everything that comes before the end itself; null where nothing runs that could be asked. */
async function saveAll(before: Instance, input: EndInput, note: RunningNote, deps: PlatformDeps): Promise<SaveResult | null> {
  if (input.kind === 'stop') await deps.provider.checkStop?.(before, {signal: deps.signal})
  const keepsOnlyCopies = input.kind === 'terminate' && !input.force
  if (keepsOnlyCopies) await refuseToLoseWork(before, deps)
  await deps.lifecycle.run(input.kind === 'stop' ? 'prestop' : 'preterminate', {instance: before}, {force: input.force}).catch((error: unknown) => {
    throw withContext(error, {next: [forceCommand(before, input)]})
  })
  if (before.state !== 'running') return null
  const saved = await saveFirst(before, input, note, deps)
  if (keepsOnlyCopies && saved.only_here.length > 0) throw await checkpointsOnlyHere(before, saved.only_here, deps)
  await recordEnd(saved, before, note.prices, input, deps)
  return saved
}

/** Ctrl-C from here on: the agent saves and ends the training although nobody waits for it, and the instance goes on costing. */
async function saveFirst(instance: Instance, input: EndInput, note: RunningNote, deps: PlatformDeps): Promise<SaveResult> {
  note.leave([endCommand(instance, input)])
  return saveBeforeEnd(instance, input, deps).catch((error: unknown) => {
    if (isRunctlError(error)) note.leave([])
    throw error
  })
}

function endNow(before: Instance, {kind, timeoutMs}: EndInput, note: RunningNote, deps: PlatformDeps): Promise<Instance> {
  return step(deps.progress, kind, `${kind === 'stop' ? 'Stop' : 'Terminate'} ${before.id}`, async () => {
    const call = {signal: deps.signal}
    const after = await (kind === 'stop' ? deps.provider.stopInstance(before.id, call) : deps.provider.terminateInstance(before.id, call))
    // Before the wait, which may be cut off: when the instance is gone, nothing else tells what it cost.
    if (kind === 'terminate') await recordCost(before, await note.prices, deps.clock.now(), deps)
    return waitForInstance({instanceId: before.id, until: kind === 'stop' ? 'stopped' : 'terminated', timeoutMs, after}, deps)
  })
}
