/** DescribeSpotPriceHistory: what a test says of prices over time, else the catalogue's, told anew every six hours. */

import type {DescribeSpotPriceHistoryRequest, DescribeSpotPriceHistoryResult, SpotPrice} from '@aws-sdk/client-ec2'

import type {WireRequest} from '../types.js'
import {type CatalogueType, INSTANCE_TYPES} from './catalogue.js'
import {checkFilters, filtered, paged} from './filters.js'
import {zonesOf} from './regions.js'
import type {Ec2State, SpotPriceChange} from './state.js'

const HOUR_MS = 3_600_000
const PRICE_TOLD_MS = 6 * HOUR_MS
/** EC2 remembers so much. */
const REMEMBERED_MS = 90 * 24 * HOUR_MS

export interface SpotPriceWish {
  readonly type: string
  /** `us-east-1a` */
  readonly zone: string
  readonly usd: number
  /** From then on; default now. */
  readonly at?: Date
}

/** Before the first change the price is the catalogue's. */
export function setSpotPrice({spotPrices, world}: Ec2State, {at = world.now(), type, usd, zone}: SpotPriceWish): void {
  const key = `${zone} ${type}`
  spotPrices.set(key, [...(spotPrices.get(key) ?? []), {at: at.getTime(), usd}].sort((one, other) => one.at - other.at))
}

/** The prices of the range, and before them the one that was in force at its start. */
export function describeSpotPriceHistory(state: Ec2State, input: DescribeSpotPriceHistoryRequest, {region}: WireRequest): DescribeSpotPriceHistoryResult {
  checkFilters(input.Filters, ['availability-zone', 'instance-type', 'product-description', 'spot-price', 'timestamp'])
  const now = state.world.now().getTime()
  const to = Math.min(now, input.EndTime?.getTime() ?? now)
  const from = Math.max(now - REMEMBERED_MS, Math.min(to, input.StartTime?.getTime() ?? -Infinity))
  const products = input.ProductDescriptions ?? ['Linux/UNIX', 'Windows']
  const types = [...INSTANCE_TYPES.values()].filter(({name}) => (input.InstanceTypes as readonly string[] | undefined)?.includes(name) ?? true)
  const all = types.flatMap((type) =>
    zonesOf(region)
      .filter((zone) => type.zones.includes(zone.slice(-1)) && (input.AvailabilityZone ?? zone) === zone)
      .flatMap((zone) => products.flatMap((product) => inRange(changesOf(state, type, zone, from, to), from, to).map((change) => priceAnswer(type, zone, product, change)))),
  )
  const chosen = filtered(all, input.Filters, (price, name) => {
    const values: Readonly<Record<string, string | undefined>> = {
      'availability-zone': price.AvailabilityZone, 'instance-type': price.InstanceType, 'product-description': price.ProductDescription,
      'spot-price': price.SpotPrice, timestamp: price.Timestamp?.toISOString(),
    }
    return [values[name] ?? '']
  })
  const newestFirst = chosen.sort((one, other) => (other.Timestamp?.getTime() ?? 0) - (one.Timestamp?.getTime() ?? 0))
  const {entries, NextToken} = paged(newestFirst, input.MaxResults, input.NextToken, 1)
  return {SpotPriceHistory: entries, NextToken: NextToken ?? ''}
}

/** Oldest first. */
function changesOf({spotPrices}: Ec2State, type: CatalogueType, zone: string, from: number, to: number): readonly SpotPriceChange[] {
  const usd = type.spotUsd * (1 + 0.01 * type.zones.indexOf(zone.slice(-1)))
  const scripted = spotPrices.get(`${zone} ${type.name}`)
  if (scripted !== undefined) return [{at: (scripted[0]?.at ?? to) - REMEMBERED_MS, usd}, ...scripted]
  const first = Math.floor(from / PRICE_TOLD_MS)
  return Array.from({length: Math.floor(to / PRICE_TOLD_MS) - first + 1}, (_, index) => ({at: (first + index) * PRICE_TOLD_MS, usd}))
}

function inRange(changes: readonly SpotPriceChange[], from: number, to: number): readonly SpotPriceChange[] {
  const inForce = changes.findLastIndex(({at}) => at <= from)
  return changes.slice(Math.max(0, inForce)).filter(({at}) => at <= to)
}

function priceAnswer(type: CatalogueType, zone: string, product: string, {at, usd}: SpotPriceChange): SpotPrice {
  return {
    AvailabilityZone: zone,
    InstanceType: type.name as NonNullable<SpotPrice['InstanceType']>,
    ProductDescription: product as 'Linux/UNIX',
    SpotPrice: (usd * (product === 'Windows' ? 2 : 1)).toFixed(6),
    Timestamp: new Date(at),
  }
}
