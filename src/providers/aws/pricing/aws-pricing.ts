import {isRunctlError} from '../../../model/errors.js'
import type {Instance} from '../../../model/instance.js'
import type {CallOptions, DiskPrice, HourlyPrice, Pricing} from '../../provider.js'
import type {AwsClients} from '../clients.js'
import {askAddressPrice} from './address-price.js'
import {BUILT_IN_SOURCE, builtInPrice} from './built-in-prices.js'
import {disksOf} from './disks.js'
import {ListedPrices, type KnownPrice} from './listed-prices.js'
import {onDemandPrice} from './on-demand-price.js'
import type {PriceCache} from './price-cache.js'
import {s3BuiltIn, s3Price} from './s3-price.js'
import type {SpotHistoryCache} from './spot-history-cache.js'
import {SpotNow} from './spot-now.js'
import {SpotPast} from './spot-past.js'
import {askStoragePrices, familyOf, type StorageItem} from './storage-prices.js'
import {billedItems, costOf, sumOf, type VolumeFacts} from './volume-cost.js'

export interface PriceWish {
  readonly instanceType: string
  readonly spot: boolean
  /** null: not known; of spot prices the highest of the region counts then. */
  readonly zone: string | null
}

/** What is kept between commands, shared by the regions of one process: each file has one writer. */
export interface KeptPrices {
  readonly prices: PriceCache
  readonly spotHistory: SpotHistoryCache
}

interface Deps {
  readonly clients: AwsClients
  readonly kept: KeptPrices
  readonly now: () => Date
  /** The zone that an instance is in; null where it is not known. */
  readonly zoneOf: (instanceId: string, signal: AbortSignal | undefined) => Promise<string | null>
}

/**
 * What things cost in the region of the clients: by the Pricing API, by the spot price history of the zone, in the last resort by a built-in table.
 * Traffic and discounts are in none of it. A price that cannot be had is null, and is not asked for again in this process.
 */
export class AwsPricing implements Pricing {
  private readonly listed: ListedPrices
  private readonly spotNow: SpotNow
  private readonly spotPast: SpotPast

  constructor(private readonly deps: Deps) {
    const {clients, kept, now} = deps
    this.listed = new ListedPrices(kept.prices)
    this.spotNow = new SpotNow({clients, cache: kept.prices, now, key: (place, instanceType) => this.key('spot', place, instanceType)})
    this.spotPast = new SpotPast({clients, cache: kept.spotHistory, now})
  }

  async hourlyPrice(instance: Instance, {signal}: CallOptions = {}): Promise<HourlyPrice | null> {
    const {instanceType, lifecycle} = instance
    if (instanceType === null) return null
    const spot = lifecycle === 'spot'
    return orUnknown(signal, async () => asHourly(await this.price({instanceType, spot, zone: spot ? await this.zoneOf(instance, signal) : null}, signal)))
  }

  async onDemandPrice({instanceType}: Instance, {signal}: CallOptions = {}): Promise<HourlyPrice | null> {
    if (instanceType === null) return null
    return orUnknown(signal, async () => asHourly(await this.price({instanceType, spot: false, zone: null}, signal)))
  }

  /** US dollars an hour; null where it is not known or cannot be had. */
  async price({instanceType, spot, zone}: PriceWish, signal: AbortSignal | undefined): Promise<KnownPrice | null> {
    if (spot) return this.spotNow.find(instanceType, zone, signal)
    const region = await this.deps.clients.region()
    const key = this.key('on-demand', region, instanceType)
    return this.listed.find({
      key, question: key, builtIn: builtInPrice('on-demand', region, instanceType),
      ask: async () => one(key, await onDemandPrice(this.deps.clients, instanceType, signal)),
    }, signal)
  }

  async priceHistory(
    instance: Instance, from: Date, to: Date, {signal}: CallOptions = {},
  ): Promise<readonly {readonly from: string; readonly usdPerHour: number}[] | null> {
    const {instanceType, lifecycle} = instance
    if (instanceType === null || lifecycle !== 'spot') return null
    return orUnknown(signal, async () => {
      const zone = await this.zoneOf(instance, signal)
      if (zone === null) return null
      const changes = await this.spotPast.changes({instanceType, zone, from: from.getTime(), to: to.getTime()}, signal)
      return changes.length === 0 ? null : changes.map(({at, usd}) => ({from: new Date(at).toISOString(), usdPerHour: usd}))
    })
  }

  async diskPrices(instanceIds: readonly string[], {signal}: CallOptions = {}): Promise<ReadonlyMap<string, DiskPrice>> {
    const disks = await orUnknown(signal, () => disksOf(this.deps.clients, instanceIds, signal))
    const prices = await Promise.all([...(disks ?? [])].map(async ([id, volumes]) => {
      const costs = await Promise.all(volumes.map(volume => this.volumePrice(volume, signal)))
      const sum = costs.includes(null) ? null : sumOf(costs.filter(cost => cost !== null))
      return sum && ([id, {usdPerMonth: sum.usd, gib: volumes.reduce((gib, volume) => gib + volume.gib, 0), ...sourceOf(sum)}] as const)
    }))
    return new Map(prices.filter(price => price !== null))
  }

  /** US dollars a month. */
  volumePrice(volume: VolumeFacts, signal: AbortSignal | undefined): Promise<KnownPrice | null> {
    return costOf(billedItems(volume), item => this.storageItem(item, signal))
  }

  /** US dollars a month for so much in a snapshot. */
  snapshotPrice(gib: number, archived: boolean, signal: AbortSignal | undefined): Promise<KnownPrice | null> {
    return costOf([[archived ? 'snapshot-archive' : 'snapshot', gib]], item => this.storageItem(item, signal))
  }

  /** US dollars an hour for a public address. */
  async addressPrice(signal: AbortSignal | undefined): Promise<KnownPrice | null> {
    const region = await this.deps.clients.region()
    const key = this.key('address', region, 'ipv4')
    return this.listed.find({
      key, question: key, builtIn: builtInPrice('address', region, 'ipv4'),
      ask: async () => one(key, await askAddressPrice(this.deps.clients, region, signal)),
    }, signal)
  }

  /** Of the configured region, by the Pricing API; by the built-in table where that does not answer, or lists none. */
  async storePrice({signal}: CallOptions = {}): Promise<{readonly usdPerGbMonth: number; readonly source: string} | null> {
    signal?.throwIfAborted()
    const region = await this.deps.clients.region()
    const key = this.key('s3', region, 'standard')
    const builtIn = s3BuiltIn(region)
    const found = await this.listed.find({key, question: key, builtIn, ask: async () => one(key, await s3Price(this.deps.clients, region, signal))}, signal)
    const {source, usd} = found ?? {usd: builtIn, source: BUILT_IN_SOURCE}
    return usd === null ? null : {usdPerGbMonth: usd, source}
  }

  private async storageItem(item: StorageItem, signal: AbortSignal | undefined): Promise<KnownPrice | null> {
    const region = await this.deps.clients.region()
    const family = familyOf(item)
    return this.listed.find({
      key: this.key('storage', region, item), question: this.key('storage', region, family), builtIn: builtInPrice('storage', region, item),
      ask: async () => new Map([...(await askStoragePrices(this.deps.clients, region, family, signal))].map(([found, usd]) => [this.key('storage', region, found), usd])),
    }, signal)
  }

  private async zoneOf({id, zone}: Instance, signal: AbortSignal | undefined): Promise<string | null> {
    return zone ?? (await this.deps.zoneOf(id, signal))
  }

  /** Prices of an emulator must never be taken for AWS's. */
  private key(kind: 'address' | 'on-demand' | 's3' | 'spot' | 'storage', place: string, what: string): string {
    return [this.deps.clients.endpoint ?? 'aws', kind, place, what].join(' ')
  }
}

/** A failure of AWS's leaves a price unknown; an abort is the caller's. */
async function orUnknown<T>(signal: AbortSignal | undefined, find: () => Promise<T | null>): Promise<T | null> {
  signal?.throwIfAborted()
  try {
    return await find()
  } catch (error) {
    signal?.throwIfAborted()
    if (isRunctlError(error)) return null
    throw error
  }
}

const one = (key: string, usd: number | null): ReadonlyMap<string, number> => new Map(usd === null ? [] : [[key, usd]])
const sourceOf = ({asOf, source}: KnownPrice): {readonly source: string; readonly asOf?: string} => ({source, ...(asOf === undefined ? {} : {asOf})})
const asHourly = (price: KnownPrice | null): HourlyPrice | null => price && {usdPerHour: price.usd, ...sourceOf(price)}
