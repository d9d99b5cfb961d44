import {randomUUID} from 'node:crypto'

import type {GuardAnswer, GuardPrice, GuardRequest} from '../agent/guard-protocol.js'
import {HOURS_A_MONTH} from '../model/cost.js'
import {RunctlError} from '../model/errors.js'
import type {Instance} from '../model/instance.js'
import {isWish, LIMIT_NAMES, withoutLimits, type LimitsState, type LimitWish} from '../model/limits.js'
import type {HourlyPrice} from '../providers/provider.js'
import {hourlyPrice} from './instance-cost.js'
import {orUnknown} from './or-unknown.js'
import type {PlatformDeps} from './platform-deps.js'

type Deps = Pick<PlatformDeps, 'progress' | 'provider' | 'signal'>

/**
 * The wish without what need not be kept: dollars on a machine that costs nothing. Rejects with `bad_input` for what was said for this command and
 * cannot be kept; what only the configuration says is left out with a warning then, or refused too where `strict` (a machine is about to be made).
 */
export function keepable(wish: LimitWish, usdPerHour: number | null, deps: Pick<PlatformDeps, 'progress' | 'provider'>, {strict}: {readonly strict: boolean}): LimitWish {
  const {progress, provider: {name, selfStop}} = deps
  if (!isWish(wish)) return wish
  if (!selfStop) {
    if (LIMIT_NAMES.some(limit => typeof wish.set[limit] === 'number')) {
      throw new RunctlError('bad_input', `instances of ${name} cannot stop themselves, so no limit would be kept`, {next: ['leave out --max-hours, --max-cost and --idle']})
    }
    if (isWish({set: {}, defaults: wish.defaults})) progress.emit({type: 'warning', message: `instances of ${name} cannot stop themselves: the limits of the configuration are not kept`})
    return withoutLimits(wish, LIMIT_NAMES)
  }
  const cost = wish.set.max_usd ?? wish.defaults.max_usd ?? null
  if (cost === null || (usdPerHour !== null && usdPerHour > 0)) return wish
  const isSaid = typeof wish.set.max_usd === 'number'
  if (usdPerHour === 0) {
    if (!isSaid) return withoutLimits(wish, ['max_usd'])
    throw new RunctlError('bad_input', `instances of ${name} cost nothing, so $${cost} would never be reached; limit the hours: --max-hours 8`, {next: ['the same with --max-hours 8 in place of --max-cost']})
  }
  if (isSaid || strict) {
    const where = isSaid ? '--max-cost' : 'limits.max_cost of the configuration'
    throw new RunctlError('bad_input', `${where} cannot be kept: the price of this machine is not known`, {
      next: [isSaid ? 'the same with --max-hours 8 in place of --max-cost' : 'the same with --max-cost none --max-hours 8', 'runctl doctor'],
    })
  }
  progress.emit({type: 'warning', message: 'limits.max_cost of the configuration cannot be kept: the price of this machine is not known'})
  return withoutLimits(wish, ['max_usd'])
}

/** What an hour of this machine costs, for its guard. `hourly`: where it is looked up already. */
export async function guardPrice(instance: Instance, deps: Deps, hourly: Promise<HourlyPrice | null> = hourlyPrice(instance, deps)): Promise<GuardPrice> {
  const {provider: {pricing}, signal} = deps
  const {id, instanceType, lifecycle, zone} = instance
  const isSpot = lifecycle === 'spot'
  const [now, most, disks] = await Promise.all([
    hourly,
    isSpot ? orUnknown(() => pricing?.onDemandPrice?.(instance, {signal})) : null,
    orUnknown(() => pricing?.diskPrices?.([id], {signal})),
  ])
  const disk = pricing?.diskPrices ? (disks?.get(id)?.usdPerMonth ?? null) : 0
  return {
    usd_per_hour: now?.usdPerHour ?? null,
    at_most_usd_per_hour: isSpot ? (most?.usdPerHour ?? null) : (now?.usdPerHour ?? null),
    storage_usd_per_hour: disk === null ? null : disk / HOURS_A_MONTH,
    spot: isSpot && instanceType !== null && zone !== undefined ? {instance_type: instanceType, zone} : null,
  }
}

/** What the instance is to be told of its limits: those of the wish, and what it needs to keep them. */
export async function guardRequest(wish: Pick<LimitWish, 'defaults' | 'overrun_s' | 'set'> | null, price: GuardPrice, instance: Instance, {provider}: Deps): Promise<GuardRequest> {
  const {selfStop} = provider
  const access = await orUnknown(() => selfStop?.access?.())
  const unset = wish ? LIMIT_NAMES.filter(name => typeof wish.defaults[name] === 'number') : []
  return {
    request_id: `limits-${randomUUID()}`,
    ...(wish && isWish(wish) ? {set: {...wish.defaults, ...wish.set}, overrun_s: wish.overrun_s} : {}),
    ...(unset.length > 0 ? {only_unset: unset} : {}),
    price,
    install: selfStop?.install ?? null,
    access,
    ...(selfStop ? {ends_as: selfStop.endsAs(instance)} : {}),
  }
}

export const stateOf = (answer: GuardAnswer): LimitsState => ({...answer, known_from: 'instance'})
