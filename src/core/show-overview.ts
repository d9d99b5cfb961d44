import {askInstances, byNewest, type RunRow} from './list-runs.js'
import {listInstances, resourceRows, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {withAnswer} from './resources-at-risk.js'

export interface Overview {
  readonly instances: readonly ResourceRow[]
  /** Runs that are active now. */
  readonly active_runs: readonly RunRow[]
  /** US dollars an hour of everything that runs; null if the price of one is unknown. */
  readonly cost_per_hour: number | null
}

/** Everything that is there and everything that runs, over all platforms: one look at each, then all questions at once. */
export async function showOverview(platforms: readonly PlatformDeps[]): Promise<Overview> {
  const found = await Promise.all(platforms.map(lookAt))
  const instances = found.flatMap(({rows}) => rows)
  const prices = instances.filter(({state}) => state === 'running' || state === 'pending').map(row => row.cost_per_hour)
  const cost = prices.reduce<number | null>((sum, price) => (sum === null || price === null ? null : sum + price), 0)
  const runs = found.flatMap(platform => platform.runs).toSorted(byNewest)
  return {instances, active_runs: runs.filter(({state}) => state !== 'stopped'), cost_per_hour: cost}
}

async function lookAt(deps: PlatformDeps): Promise<{rows: readonly ResourceRow[]; runs: readonly RunRow[]}> {
  const instances = await listInstances([], deps)
  const [rows, {guards, runs}] = await Promise.all([resourceRows(instances, deps), askInstances(instances, {all: true, limit: 20}, deps)])
  const now = deps.clock.now()
  return {rows: rows.map(row => withAnswer(row, {runs: runs.filter(run => run.instance_id === row.id), guard: guards.get(row.id)}, now)), runs}
}
