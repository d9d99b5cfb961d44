import type {GuardAnswer} from '../agent/guard-protocol.js'
import type {RunStatus} from '../agent/protocol.js'
import {TAGS, type Instance} from '../model/instance.js'
import {machineAtRisk} from '../model/work-at-risk.js'
import {answersInTime, ASK_WITHIN_MS} from './ask-in-time.js'
import {listInstances, resourceRows, type ListResourcesInput, type ResourceRow} from './list-resources.js'
import {askInstances} from './list-runs.js'
import type {PlatformDeps} from './platform-deps.js'

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>

/**
 * The instances of one platform, oldest first, with what runs on them now: asked all at once, beside their prices. One that does not answer in
 * time is listed with what its tags say.
 */
export async function listResourcesAtRisk(input: ListResourcesInput, deps: Deps, withinMs = ASK_WITHIN_MS): Promise<readonly ResourceRow[]> {
  const instances = await listInstances(input.states, deps)
  const [rows, answers] = await Promise.all([resourceRows(instances, deps), askInTime(instances.filter(isOurs), deps, withinMs)])
  return rows.map(row => withAnswer(row, answers.get(row.id) ?? SILENCE, deps.clock.now()))
}

/** What an instance says of itself. */
interface Asked {
  readonly runs: readonly RunStatus[]
  /** undefined: it did not answer; null: it keeps no limits. */
  readonly guard?: GuardAnswer | null | undefined
}
export const SILENCE: Asked = {runs: []}

export const withAnswer = (row: ResourceRow, {guard, runs}: Asked, now: Date): ResourceRow => withGuard(withRuns(row, runs, now), guard)

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

/** A row with the instance's own word on when it stops itself: what its tags say is as old as its limits. undefined: it was not asked, or did not answer. */
export const withGuard = (row: ResourceRow, guard: GuardAnswer | null | undefined): ResourceRow => (guard === undefined ? row : {...row, stops_at: guard?.stops_at ?? null})

/** What each says of itself; nothing of one that fails or does not answer in time. */
export function askInTime(instances: readonly Instance[], deps: Deps, withinMs: number): Promise<ReadonlyMap<string, Asked>> {
  return answersInTime(instances, async (instance, signal): Promise<Asked> => {
    const {guards, runs} = await askInstances([instance], {all: true, limit: 20}, {...deps, signal})
    return {runs, guard: guards.get(instance.id)}
  }, deps, withinMs)
}
