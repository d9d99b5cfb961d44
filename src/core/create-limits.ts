import type {GuardPrice} from '../agent/guard-protocol.js'
import {TAGS, type Instance} from '../model/instance.js'
import {freshState, hardSeconds, hasLimits, isWish, limitsOf, stopsAtTag, type Limits, type LimitsState, type LimitWish} from '../model/limits.js'
import type {CreateInstanceRequest, FirstLimits} from '../providers/provider.js'
import {keepable} from './guard-request.js'
import {orUnknown} from './or-unknown.js'
import type {PlatformDeps} from './platform-deps.js'

/** The limits that a new machine is born with. */
export interface NewLimits {
  readonly wish: LimitWish
  readonly first: FirstLimits
  readonly state: LimitsState
  /** What an hour of it costs, where that was looked up for a limit in dollars; else null. */
  readonly price: GuardPrice | null
  /** Written in the call that makes it. */
  readonly tags: Readonly<Record<string, string>>
}

type Deps = Pick<PlatformDeps, 'clock' | 'progress' | 'provider' | 'signal'>

/**
 * What limits a new machine gets, before anything is asked for; null: none. The price of a machine that is not there yet is looked up only for
 * a limit in dollars. Rejects with `bad_input` for what cannot be kept. `request` is what the platform would be asked without them.
 */
export async function newLimits(wish: LimitWish, request: CreateInstanceRequest, deps: Deps): Promise<NewLimits | null> {
  if (!isWish(wish)) return null
  const isPriced = typeof (wish.set.max_usd ?? wish.defaults.max_usd) === 'number' && wish.set.max_usd !== null && deps.provider.selfStop !== undefined
  const price = isPriced ? await priceOfNew(request, deps) : UNKNOWN
  const kept = keepable(wish, price.usd_per_hour, deps, {strict: true})
  const limits = limitsOf(kept)
  if (!hasLimits(limits)) return null
  const state = freshState(limits, price.usd_per_hour, deps.clock.now())
  return {wish: kept, state, price: isPriced ? price : null, tags: {[TAGS.stopsAt]: stopsAtTag(state)}, first: await firstLimits(limits, kept.overrun_s, price, deps)}
}

async function firstLimits(limits: Limits, overrunS: number, price: GuardPrice, {provider}: Deps): Promise<FirstLimits> {
  const access = await orUnknown(() => provider.selfStop?.access?.())
  const forAgent = {set: limits, overrun_s: overrunS, ...(price.usd_per_hour === null ? {} : {price}), access}
  return {
    forAgent: JSON.stringify(forAgent),
    hardSeconds: hardSeconds(limits, overrunS, price.at_most_usd_per_hour),
    // Until the agent first comes nobody can tell whether it is used: that counts as idle.
    unattendedSeconds: limits.idle_s === null ? null : Math.ceil(limits.idle_s),
  }
}

const UNKNOWN: GuardPrice = {usd_per_hour: null, at_most_usd_per_hour: null, storage_usd_per_hour: null, spot: null}

/** What an hour of a machine costs that is not there yet. */
export async function priceOfNew(request: CreateInstanceRequest, {provider, signal}: Pick<Deps, 'provider' | 'signal'>): Promise<GuardPrice> {
  if (provider.planCreate) {
    const {atMostUsdPerHour, usdPerHour} = await provider.planCreate(request, {signal})
    return {...UNKNOWN, usd_per_hour: usdPerHour, at_most_usd_per_hour: atMostUsdPerHour === undefined ? usdPerHour : atMostUsdPerHour}
  }
  const price = await provider.pricing?.hourlyPrice(asIfMade(request, provider.name), {signal})
  return {...UNKNOWN, usd_per_hour: price?.usdPerHour ?? null, at_most_usd_per_hour: price?.usdPerHour ?? null}
}

/** For a platform that prices machines alone which exist. */
const asIfMade = ({instanceType, tags}: CreateInstanceRequest, platform: string): Instance => ({
  id: '', platform, name: null, state: 'pending', stateReason: null, region: null, instanceType: instanceType ?? null, lifecycle: 'on-demand', createdAt: null, launchedAt: null, tags,
})
