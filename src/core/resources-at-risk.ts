import type {RunStatus} from '../agent/protocol.js'
import {TAGS, type Instance} from '../model/instance.js'
import {machineAtRisk} from '../model/work-at-risk.js'
import {listInstances, resourceRows, type ListResourcesInput, type ResourceRow} from './list-resources.js'
import {askInstances} from './list-runs.js'
import type {PlatformDeps} from './platform-deps.js'

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>

/** So long an instance may take to say what runs on it, in milliseconds: a list is not for waiting. */
export const ASK_WITHIN_MS = 8000

/**
 * The instances of one platform, oldest first, with what runs on them now: asked all at once, beside their prices. One that does not answer in
 * time is listed with what its tags say.
 */
export async function listResourcesAtRisk(input: ListResourcesInput, deps: Deps, withinMs = ASK_WITHIN_MS): Promise<readonly ResourceRow[]> {
  const instances = await listInstances(input.states, deps)
  const [rows, runs] = await Promise.all([resourceRows(instances, deps), askInTime(instances.filter(isOurs), deps, withinMs)])
  return rows.map(row => withRuns(row, runs.get(row.id) ?? [], deps.clock.now()))
}

/** What no run of ours was ever begun on is not asked: it may have no way to answer. */
export const isOurs = ({state, tags}: Instance): boolean => state === 'running' && (TAGS.createdBy in tags || TAGS.project in tags)

/** A row with what the runs on the instance say themselves, newest first. */
export function withRuns(row: ResourceRow, runs: readonly RunStatus[], now: Date): ResourceRow {
  const saved = runs.find(run => run.last_checkpoint !== null)?.last_checkpoint
  return {
    ...row,
    run: runs[0]?.run_id ?? row.run,
    at_risk_usd: machineAtRisk(runs, row.cost_per_hour, now)?.usd ?? null,
    ...(saved ? {last_checkpoint: {path: saved.path, epoch: saved.epoch, step: saved.step, at: saved.modified_at}} : {}),
  }
}

export async function askInTime(instances: readonly Instance[], deps: Deps, withinMs: number): Promise<ReadonlyMap<string, readonly RunStatus[]>> {
  if (instances.length === 0) return new Map()
  const late = new AbortController()
  // One promise for all: sixty listeners on one signal look like a leak.
  const tooLate = new Promise<readonly RunStatus[]>(resolve => late.signal.addEventListener('abort', () => resolve([]), {once: true}))
  const timer = setTimeout(() => late.abort(new DOMException('not answered in time', 'TimeoutError')), withinMs)
  try {
    const answers = await Promise.all(instances.map(async instance => [instance.id, await Promise.race([askOne(instance, late.signal, deps), tooLate])] as const))
    return new Map(answers)
  } finally {
    clearTimeout(timer)
  }
}

async function askOne(instance: Instance, late: AbortSignal, deps: Deps): Promise<readonly RunStatus[]> {
  try {
    return (await askInstances([instance], {all: true, limit: 20}, {...deps, signal: AbortSignal.any([deps.signal, late])})).runs
  } catch (error) {
    // Cancelled for being late: nobody waits for it any more.
    if (late.aborted && !deps.signal.aborted) return []
    throw error
  }
}
