import {randomUUID} from 'node:crypto'

import type {GuardRequest} from '../agent/guard-protocol.js'
import {RunctlError, withContext} from '../model/errors.js'
import type {Instance} from '../model/instance.js'
import {hasLimits, LIMIT_NAMES, type LimitName, type Limits, type LimitsState} from '../model/limits.js'
import {findInstance, notRunning} from './find-instance.js'
import {guardPrice, guardRequest, keepable, stateOf} from './guard-request.js'
import {hourlyPrice} from './instance-cost.js'
import type {PlatformDeps} from './platform-deps.js'
import {askGuard, renewTag} from './set-limits.js'

export interface ExtendInput {
  readonly instanceId: string
  /** Hours and dollars are added to what there is, idleness is as it is said here. null takes a limit away; a name that is absent stays as it is. */
  readonly change: Partial<Limits>
  readonly overrunS: number
}

/** Also its JSON form. */
export interface ExtendResult {
  readonly instance_id: string
  readonly platform: string
  /** US dollars; null where unknown. */
  readonly cost_per_hour: number | null
  /** null: nothing stopped it by itself. */
  readonly before: LimitsState | null
  /** null: nothing does now. */
  readonly limits: LimitsState | null
  /** There was no such limit before: it counts from now. */
  readonly newly_set: readonly LimitName[]
}

type Deps = Pick<PlatformDeps, 'agent' | 'progress' | 'provider' | 'signal'>

/** Gives a running instance more time, or its first limit. Rejects with `wrong_state` for one that does not run: nobody could tell it. */
export async function extendLimits({change, instanceId, overrunS}: ExtendInput, deps: Deps): Promise<ExtendResult> {
  const instance = await findInstance(instanceId, deps)
  if (instance.state !== 'running') throw notNow(instance, change)
  const price = hourlyPrice(instance, deps)
  // Told below; until then a rejection (Ctrl-C) must not be one that nobody handles.
  price.catch(() => undefined)
  keepable({set: {...change, max_usd: null}, defaults: {}, overrun_s: overrunS}, null, deps, {strict: true})
  const [before, costs] = await Promise.all([askGuard(instance, {request_id: `limits-${randomUUID()}`}, deps), guardPrice(instance, deps, price)])
  const wish = {set: change, defaults: {}, overrun_s: overrunS}
  keepable(wish, costs.usd_per_hour, deps, {strict: true})
  const newly = LIMIT_NAMES.filter(name => before[name] === null && typeof change[name] === 'number')
  const state = stateOf(await askGuard(instance, {...(await guardRequest(null, costs, instance, deps)), ...changes(change, before, overrunS)}, deps))
  await renewTag(instance, state, deps)
  return {
    instance_id: instance.id,
    platform: instance.platform,
    cost_per_hour: costs.usd_per_hour,
    before: hasLimits(before) ? stateOf(before) : null,
    limits: hasLimits(state) ? state : null,
    newly_set: newly,
  }
}

/** What is there is added to; all else is set. */
function changes(change: Partial<Limits>, before: Limits, overrunS: number): Pick<GuardRequest, 'extend' | 'overrun_s' | 'set'> {
  const added = (name: 'max_seconds' | 'max_usd'): number | undefined => (before[name] === null ? undefined : (change[name] ?? undefined))
  const [seconds, usd] = [added('max_seconds'), added('max_usd')]
  const set: Partial<Limits> = Object.fromEntries(Object.entries(change).filter(([name]) => !(name === 'max_seconds' && seconds !== undefined) && !(name === 'max_usd' && usd !== undefined)))
  return {
    ...(Object.keys(set).length > 0 ? {set, overrun_s: overrunS} : {}),
    ...(seconds === undefined && usd === undefined ? {} : {extend: {...(seconds === undefined ? {} : {seconds}), ...(usd === undefined ? {} : {usd})}}),
  }
}

function notNow(instance: Instance, {max_seconds}: Partial<Limits>): unknown {
  const {id, platform, state} = instance
  if (state !== 'stopped' && state !== 'stopping') return notRunning(instance)
  const hours = typeof max_seconds === 'number' ? Number((max_seconds / 3600).toFixed(4)) : 8
  const error = new RunctlError('wrong_state', `${id} is ${state}, and its limits count only while it runs; what is set when it is started counts from then`, {
    next: [`runctl ${platform} start ${id} --wait --max-hours ${hours}`],
  })
  return withContext(error, {details: {instance_id: id, state}})
}
