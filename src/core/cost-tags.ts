import {closedAt, type CostSegment} from '../model/cost.js'
import {segmentsOf} from '../model/cost-of-instance.js'
import {encodeCostTags} from '../model/cost-tags.js'
import type {Instance} from '../model/instance.js'
import {isFree, knownPrices, type InstancePrices} from './instance-cost.js'

/** For a machine that is ended now: what it was billed for up to now, at the prices that it was paid for. Nothing where it costs nothing. */
export const costTagsAtEnd = (instance: Instance, prices: InstancePrices, now: Date): Readonly<Record<string, string>> =>
  (isFree(prices) ? {} : encodeCostTags(closedAt(segmentsOf(instance, knownPrices(prices), now), now)))

/** For one that is started now: what was, also what ended without a word of ours, and that it runs from now on, as what and at which price. */
export function costTagsAtStart(instance: Instance, prices: InstancePrices, now: Date): Readonly<Record<string, string>> {
  if (isFree(prices)) return {}
  const past = closedAt(segmentsOf(instance, knownPrices(prices), now), now)
  const begun: CostSegment = {
    from: now.toISOString(),
    to: null,
    kind: instance.lifecycle,
    instance_type: instance.instanceType,
    usd_per_hour: prices.hourly?.usdPerHour ?? null,
    storage_usd_per_month: prices.disks?.usdPerMonth ?? past.at(-1)?.storage_usd_per_month ?? null,
    price_source: prices.hourly?.source ?? null,
    begins_with_start: true,
  }
  return encodeCostTags([...past, begun])
}
