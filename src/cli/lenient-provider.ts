import {isRunctlError, type RunctlError} from '../model/errors.js'
import type {Holdings, Provider} from '../providers/provider.js'

/**
 * The same provider for a command over all platforms or regions: where it cannot list its instances, or what else is billed, that is told, and there are none. A question about
 * certain instances, and everything else, fails as it always does.
 */
export function lenientProvider(provider: Provider, signal: AbortSignal, tell: (error: RunctlError) => void): Provider {
  const describeInstances: Provider['describeInstances'] = async function* (query, options) {
    try {
      yield* provider.describeInstances(query, options)
    } catch (error) {
      if (query.ids !== undefined || signal.aborted || !isRunctlError(error)) throw error
      tell(error)
    }
  }
  const listHoldings = async function* (held: Holdings, ...[kinds, options]: Parameters<Holdings['list']>): ReturnType<Holdings['list']> {
    try {
      yield* held.list(kinds, options)
    } catch (error) {
      if (signal.aborted || !isRunctlError(error)) throw error
      tell(error)
    }
  }
  const holdings: Holdings | undefined = provider.holdings && {
    list: (...asked) => listHoldings(provider.holdings as Holdings, ...asked),
    delete: (...asked) => (provider.holdings as Holdings).delete(...asked),
  }
  return new Proxy(provider, {
    get(target, key) {
      if (key === 'describeInstances') return describeInstances
      if (key === 'holdings') return holdings
      // Of the provider itself: a class with private fields knows no stand-in.
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
