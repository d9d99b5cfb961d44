import {Batcher, type Outcome} from '../batcher.js'
import type {AwsClients} from '../clients.js'
import type {SpotHistoryCache} from './spot-history-cache.js'
import {askSpotHistory, joined, missingOf, until, within, type PriceChange, type SpotHistory, type SpotHistoryWish} from './spot-history.js'

/** EC2 may still add to what is younger. */
const SETTLED_MS = 3_600_000
const MOST_WISHES = 10_000

interface Deps {
  readonly clients: AwsClients
  readonly cache: SpotHistoryCache
  readonly now: () => Date
}

/** Spot prices over time. What is asked for at once is one call (in pages) for each type and zone, and only for what is not kept from earlier. */
export class SpotPast {
  private readonly batcher: Batcher<SpotHistoryWish, readonly PriceChange[]>

  constructor(private readonly deps: Deps) {
    this.batcher = new Batcher(MOST_WISHES, (wishes, signal) => this.carry(wishes, signal))
  }

  /** The price in force at the start, then each change, oldest first. Begins later where that is not known; empty where nothing is. */
  changes(wish: SpotHistoryWish, signal: AbortSignal | undefined): Promise<readonly PriceChange[]> {
    return this.batcher.add(wish, signal)
  }

  private async carry(wishes: readonly SpotHistoryWish[], signal: AbortSignal): Promise<readonly Outcome<readonly PriceChange[]>[]> {
    const byKey = new Map<string, SpotHistoryWish[]>()
    for (const wish of wishes) {
      const same = byKey.get(this.key(wish))
      if (same) same.push(wish)
      else byKey.set(this.key(wish), [wish])
    }
    const found = new Map<string, Outcome<SpotHistory>>()
    await Promise.all([...byKey].map(async ([key, same]) => {
      try {
        found.set(key, {value: await this.history(key, widest(same), signal)})
      } catch (error) {
        found.set(key, {error})
      }
    }))
    const settled = [...found].flatMap(([key, outcome]) => ('value' in outcome ? [[key, until(outcome.value, this.deps.now().getTime() - SETTLED_MS)] as const] : []))
    await this.deps.cache.put(new Map(settled.filter(([, {from, to}]) => to > from)))
    return wishes.map(wish => {
      const outcome = found.get(this.key(wish)) ?? {error: new Error('a spot history lacks')}
      return 'value' in outcome ? {value: within(outcome.value, wish)} : outcome
    })
  }

  private async history(key: string, wish: SpotHistoryWish, signal: AbortSignal): Promise<SpotHistory> {
    const known = await this.deps.cache.get(key)
    const missing = missingOf(known, wish)
    if (missing === null && known !== null) return known
    return joined(known, await askSpotHistory(this.deps.clients, {...wish, ...missing}, signal))
  }

  /** Prices of an emulator must never be taken for AWS's. */
  private key({instanceType, zone}: SpotHistoryWish): string {
    return [this.deps.clients.endpoint ?? 'aws', zone, instanceType].join(' ')
  }
}

function widest(wishes: readonly SpotHistoryWish[]): SpotHistoryWish {
  const [first] = wishes
  if (!first) throw new Error('no wish')
  return {...first, from: wishes.reduce((least, {from}) => Math.min(least, from), first.from), to: wishes.reduce((most, {to}) => Math.max(most, to), first.to)}
}
