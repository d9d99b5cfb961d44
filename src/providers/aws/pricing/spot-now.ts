import {Batcher} from '../batcher.js'
import type {AwsClients} from '../clients.js'
import {AskedOnce} from './asked-once.js'
import type {KnownPrice} from './listed-prices.js'
import type {PriceCache} from './price-cache.js'
import {spotPrices, type SpotPrice} from './spot-prices.js'

/** Spot prices change a few times a day. */
const MOST_AGE_MS = 3_600_000
const MOST_TYPES = 100

interface Deps {
  readonly clients: AwsClients
  readonly cache: PriceCache
  readonly now: () => Date
  readonly key: (place: string, instanceType: string) => string
}

/** Present spot prices, kept for an hour. One that cannot be had is null, and is not asked for again in this process. */
export class SpotNow {
  private readonly batcher: Batcher<string, readonly SpotPrice[]>
  private readonly byType = new AskedOnce<readonly SpotPrice[]>([])

  constructor(private readonly deps: Deps) {
    const {cache, clients, key, now} = deps
    this.batcher = new Batcher(MOST_TYPES, async (types, signal) => {
      const prices = await spotPrices(clients, [...new Set(types)], now(), signal)
      const region = await clients.region()
      await cache.put(new Map([
        ...types.map(type => [key(region, type), highest(prices.filter(({instanceType}) => instanceType === type))] as const),
        ...prices.map(({instanceType, usd, zone}) => [key(zone, instanceType), usd] as const),
      ]))
      return types.map(type => ({value: prices.filter(({instanceType}) => instanceType === type)}))
    })
  }

  /** Of the zone; where that is not known, the highest of the region. */
  async find(instanceType: string, zone: string | null, signal: AbortSignal | undefined): Promise<KnownPrice | null> {
    const kept = await this.deps.cache.get(this.deps.key(zone ?? (await this.deps.clients.region()), instanceType), MOST_AGE_MS)
    if (kept) return {...kept, source: 'spot-history'}
    const prices = await this.byType.get(instanceType, () => this.batcher.add(instanceType, signal), signal)
    const here = prices.filter(price => zone === null || price.zone === zone)
    return here.length === 0 ? null : {usd: highest(here), source: 'spot-history'}
  }
}

const highest = (prices: readonly SpotPrice[]): number => Math.max(0, ...prices.map(({usd}) => usd))
