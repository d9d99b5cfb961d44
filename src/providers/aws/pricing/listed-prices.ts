import {AskedOnce} from './asked-once.js'
import {BUILT_IN_SOURCE} from './built-in-prices.js'
import type {PriceCache} from './price-cache.js'

/** A price of the Pricing API's, for whatever unit. */
export interface KnownPrice {
  readonly usd: number
  readonly source: string
  /** ISO 8601, UTC. When AWS was asked, where that was an earlier command. */
  readonly asOf?: string
}

/** These prices change about once a year. */
const MOST_AGE_MS = 7 * 86_400_000

export interface PriceWanted {
  /** Of the cache, for the one price. */
  readonly key: string
  /** Names the question, which may answer for several keys. */
  readonly question: string
  /** US dollars by key, of all that AWS lists for the question. */
  readonly ask: () => Promise<ReadonlyMap<string, number>>
  /** From the built-in table, where AWS may not be asked; null: not in it. */
  readonly builtIn: number | null
}

/**
 * Prices that are listed: kept for a week, else asked for, once in this process; where AWS cannot be asked, from the built-in table. null where
 * AWS lists none, or nobody knows.
 */
export class ListedPrices {
  private readonly asked = new AskedOnce<ReadonlyMap<string, number> | null>(null)

  constructor(private readonly cache: PriceCache) {}

  async find({ask, builtIn, key, question}: PriceWanted, signal: AbortSignal | undefined): Promise<KnownPrice | null> {
    const kept = await this.cache.get(key, MOST_AGE_MS)
    if (kept) return {usd: kept.usd, source: 'pricing-api', asOf: kept.asOf}
    const listed = await this.asked.get(question, () => this.askAndKeep(ask), signal)
    if (listed === null) return builtIn === null ? null : {usd: builtIn, source: BUILT_IN_SOURCE}
    const usd = listed.get(key)
    return usd === undefined ? null : {usd, source: 'pricing-api'}
  }

  private async askAndKeep(ask: PriceWanted['ask']): Promise<ReadonlyMap<string, number>> {
    const listed = await ask()
    await this.cache.put(listed)
    return listed
  }
}
