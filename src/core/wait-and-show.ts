import type {HourlyPrice} from '../providers/provider.js'
import {hourlyPrice} from './instance-cost.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {waitForInstance, type WaitInput} from './wait-for-instance.js'

/** Waits as {@link waitForInstance} does, and looks up meanwhile what the instance costs. */
export async function waitAndShow(input: WaitInput, deps: Pick<PlatformDeps, 'clock' | 'provider' | 'signal'>): Promise<ResourceRow> {
  let price: Promise<HourlyPrice | null> | undefined
  const instance = await waitForInstance({...input, onSeen: seen => {
    price ??= hourlyPrice(seen, deps)
    // Told below; until then a rejection (Ctrl-C) must not be one that nobody handles.
    price.catch(() => undefined)
  }}, deps)
  return resourceRow(instance, deps, await price)
}
