import {listRuns, type RunRow} from './list-runs.js'
import {listResources, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'

export interface Overview {
  readonly instances: readonly ResourceRow[]
  /** Runs that are active now. */
  readonly active_runs: readonly RunRow[]
  /** US dollars an hour of everything that runs; null if the price of one is unknown. */
  readonly cost_per_hour: number | null
}

/** Everything that is there and everything that runs, over all platforms. */
export async function showOverview(platforms: readonly PlatformDeps[]): Promise<Overview> {
  const [lists, {runs}] = await Promise.all([
    Promise.all(platforms.map(async deps => listResources({states: []}, deps))),
    listRuns({instanceId: null, limit: 20}, platforms),
  ])
  const instances = lists.flat()
  const prices = instances.filter(({state}) => state === 'running' || state === 'pending').map(row => row.cost_per_hour)
  const cost = prices.reduce<number | null>((sum, price) => (sum === null || price === null ? null : sum + price), 0)
  return {instances, active_runs: runs.filter(({state}) => state !== 'stopped'), cost_per_hour: cost}
}
