import {isRunctlError} from '../../../model/errors.js'
import type {Instance} from '../../../model/instance.js'
import type {CallOptions, HourlyPrice, Pricing} from '../../provider.js'
import {Batcher} from '../batcher.js'
import {orAborted} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {onDemandPrice} from './on-demand-price.js'
import type {PriceCache} from './price-cache.js'
import {builtInS3Price, s3Price} from './s3-price.js'
import {spotPrices, type SpotPrice} from './spot-prices.js'

/** On-demand prices change about once a year, spot prices a few times a day. */
const ON_DEMAND_AGE_MS = 7 * 86_400_000
const SPOT_AGE_MS = 3_600_000
const MOST_TYPES = 100

export interface PriceWish {
  readonly instanceType: string
  readonly spot: boolean
  /** null: not known; of spot prices the highest of the region counts then. */
  readonly zone: string | null
}

interface Deps {
  readonly clients: AwsClients
  readonly cache: PriceCache
  readonly now: () => Date
  /** The zone that an instance is in; null where it is not known. */
  readonly zoneOf: (instanceId: string, signal: AbortSignal | undefined) => Promise<string | null>
}

/**
 * What computing costs: on-demand by the Pricing API, spot by the price history of the zone. Disks, traffic and discounts are not in it.
 * A price that cannot be had is null, and is not asked for again in this process.
 */
export class AwsPricing implements Pricing {
  private readonly onDemand = new Map<string, Promise<number | null>>()
  private readonly spot: Batcher<string, readonly SpotPrice[]>
  private readonly spotByType = new Map<string, Promise<readonly SpotPrice[]>>()
  private readonly stored = new Map<string, Promise<number | null>>()

  constructor(private readonly deps: Deps) {
    this.spot = new Batcher(MOST_TYPES, async (types, signal) => {
      const prices = await spotPrices(deps.clients, [...new Set(types)], deps.now(), signal)
      const region = await deps.clients.region()
      await deps.cache.put(new Map([
        ...types.map(type => [this.key('spot', region, type), highest(prices.filter(({instanceType}) => instanceType === type))] as const),
        ...prices.map(({instanceType, usd, zone}) => [this.key('spot', zone, instanceType), usd] as const),
      ]))
      return types.map(type => ({value: prices.filter(({instanceType}) => instanceType === type)}))
    })
  }

  async hourlyPrice(instance: Instance, {signal}: CallOptions = {}): Promise<HourlyPrice | null> {
    signal?.throwIfAborted()
    if (instance.instanceType === null) return null
    const spot = instance.lifecycle === 'spot'
    try {
      const zone = spot ? await this.deps.zoneOf(instance.id, signal) : null
      const usdPerHour = await this.price({instanceType: instance.instanceType, spot, zone}, signal)
      return usdPerHour === null ? null : {usdPerHour, source: spot ? 'spot-history' : 'pricing-api'}
    } catch (error) {
      signal?.throwIfAborted()
      if (isRunctlError(error)) return null
      throw error
    }
  }

  /** US dollars an hour; null where it is not known or cannot be had. */
  async price({instanceType, spot, zone}: PriceWish, signal: AbortSignal | undefined): Promise<number | null> {
    const region = await this.deps.clients.region()
    const place = spot ? (zone ?? region) : region
    const kept = await this.deps.cache.get(this.key(spot ? 'spot' : 'on-demand', place, instanceType), spot ? SPOT_AGE_MS : ON_DEMAND_AGE_MS)
    if (kept !== null) return kept
    if (!spot) return this.once(this.onDemand, instanceType, async () => this.askOnDemand(instanceType, region, signal), null, signal)
    const prices = await this.once(this.spotByType, instanceType, () => this.spot.add(instanceType, signal), [], signal)
    const here = prices.filter(price => zone === null || price.zone === zone)
    return here.length === 0 ? null : highest(here)
  }

  /** Of the configured region, by the Pricing API; by a table of ours where that does not answer. */
  async storePrice({signal}: CallOptions = {}): Promise<{readonly usdPerGbMonth: number; readonly source: string} | null> {
    signal?.throwIfAborted()
    const region = await this.deps.clients.region()
    const kept = await this.deps.cache.get(this.key('s3', region, 'standard'), ON_DEMAND_AGE_MS)
    const asked = kept ?? (await this.once(this.stored, region, async () => this.askStored(region, signal), null, signal))
    if (asked !== null) return {usdPerGbMonth: asked, source: 'pricing-api'}
    const known = builtInS3Price(region)
    return known === null ? null : {usdPerGbMonth: known, source: 'built-in 2026-11'}
  }

  private async askStored(region: string, signal: AbortSignal | undefined): Promise<number | null> {
    const usd = await s3Price(this.deps.clients, region, signal)
    if (usd !== null) await this.deps.cache.put(new Map([[this.key('s3', region, 'standard'), usd]]))
    return usd
  }

  private async askOnDemand(instanceType: string, region: string, signal: AbortSignal | undefined): Promise<number | null> {
    const usd = await onDemandPrice(this.deps.clients, instanceType, signal)
    if (usd !== null) await this.deps.cache.put(new Map([[this.key('on-demand', region, instanceType), usd]]))
    return usd
  }

  /** One call for all who want the same; a failure counts as an answer, an abort does not. */
  private async once<T>(asked: Map<string, Promise<T>>, key: string, ask: () => Promise<T>, unknown: T, signal: AbortSignal | undefined): Promise<T> {
    const answer = asked.get(key) ?? ask().catch((error: unknown) => {
      if (isRunctlError(error)) return unknown
      asked.delete(key)
      throw error
    })
    asked.set(key, answer)
    return signal ? orAborted(answer, signal) : answer
  }

  /** Prices of an emulator must never be taken for AWS's. */
  private key(kind: 'on-demand' | 's3' | 'spot', place: string, instanceType: string): string {
    return [this.deps.clients.endpoint ?? 'aws', kind, place, instanceType].join(' ')
  }
}

const highest = (prices: readonly SpotPrice[]): number => Math.max(0, ...prices.map(({usd}) => usd))
