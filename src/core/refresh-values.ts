import type {KnownSuggestion, KnownValues} from '../model/known-values.js'
import {isRunctlError} from '../model/errors.js'
import type {Provider} from '../providers/provider.js'
import type {Clock} from './clock.js'
import {seenOfInstance, withAllSeen, type SeenValues} from './known-values.js'

/** After a refresh, and after one that failed: who is offline does not try it at each press of a key. */
const FRESH_MS = 30_000
const FAILED_MS = 300_000
/** Types and regions change rarely. */
const SUGGESTIONS_MS = 86_400_000

export interface RefreshTarget {
  readonly name: string
  /** Opens the platform; null where nobody has set it up. */
  readonly open: () => Promise<Provider | null>
  /** Names to ask suggestions for. */
  readonly suggestFor: readonly string[]
}

export interface RefreshDeps {
  readonly store: {
    read(platform: string): Promise<KnownValues>
    change(platform: string, change: (known: KnownValues) => KnownValues): Promise<void>
  }
  readonly clock: Pick<Clock, 'now'>
  /** Aborts what takes too long. */
  readonly signal: AbortSignal
}

export interface RefreshedPlatform {
  readonly platform: string
  readonly refreshed: boolean
  /** Why it was not. */
  readonly why: string | null
}

/**
 * Looks at the instances of the platforms and keeps what completion offers of them. Asks instances nothing: what their tags do not tell of runs
 * and checkpoints is known from the commands that have seen it. One platform that fails leaves the others alone. Rejects with what the store rejects with.
 */
export function refreshValues(targets: readonly RefreshTarget[], deps: RefreshDeps): Promise<readonly RefreshedPlatform[]> {
  return Promise.all(targets.map(target => refreshOne(target, deps)))
}

async function refreshOne(target: RefreshTarget, {clock, signal, store}: RefreshDeps): Promise<RefreshedPlatform> {
  const {name} = target
  const later = (ms: number): string => new Date(clock.now().getTime() + ms).toISOString()
  const failed = async (why: string): Promise<RefreshedPlatform> => {
    await store.change(name, known => ({...known, refreshAfter: later(FAILED_MS)}))
    return {platform: name, refreshed: false, why}
  }
  try {
    const provider = await target.open()
    if (provider === null) return await failed('it is not set up')
    const all = await seenInstances(provider, signal)
    const wantsSuggestions = Date.parse((await store.read(name)).suggestAfter) <= clock.now().getTime()
    const suggestions = wantsSuggestions ? await suggestionsOf(provider, target.suggestFor, signal) : null
    await store.change(name, known => ({
      ...withAllSeen(known, all),
      refreshAfter: later(FRESH_MS),
      ...(suggestions ? {suggestions, suggestAfter: later(SUGGESTIONS_MS)} : {}),
    }))
    return {platform: name, refreshed: true, why: null}
  } catch (error) {
    if (!isRunctlError(error) && !signal.aborted) throw error
    return failed(signal.aborted ? 'it took too long' : (error as Error).message)
  }
}

async function seenInstances(provider: Provider, signal: AbortSignal): Promise<SeenValues> {
  const seen: SeenValues[] = []
  for await (const instance of provider.describeInstances({states: ['pending', 'running', 'stopping', 'stopped']}, {signal})) seen.push(seenOfInstance(instance))
  return {instances: seen.flatMap(one => one.instances), runs: seen.flatMap(one => one.runs), checkpoints: seen.flatMap(one => one.checkpoints)}
}

async function suggestionsOf(provider: Provider, names: readonly string[], signal: AbortSignal): Promise<Record<string, readonly KnownSuggestion[]>> {
  const found = await Promise.all(names.map(async name => [name, (await provider.suggest?.(name, {signal})) ?? []] as const))
  return Object.fromEntries(found.filter(([, values]) => values.length > 0))
}
