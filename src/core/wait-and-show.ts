import {instancePrices, type InstancePrices} from './instance-cost.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {waitForInstance, type WaitInput} from './wait-for-instance.js'

/** Waits as {@link waitForInstance} does, and looks up meanwhile what the instance costs. */
export async function waitAndShow(input: WaitInput, deps: Pick<PlatformDeps, 'clock' | 'provider' | 'signal'>): Promise<ResourceRow> {
  let prices: Promise<InstancePrices> | undefined
  const instance = await waitForInstance({...input, onSeen: seen => {
    prices ??= instancePrices(seen, deps)
    // Told below; until then a rejection (Ctrl-C) must not be one that nobody handles.
    prices.catch(() => undefined)
  }}, deps)
  return resourceRow(instance, deps, await prices)
}
