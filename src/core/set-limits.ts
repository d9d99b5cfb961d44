import type {GuardAnswer, GuardRequest} from '../agent/guard-protocol.js'
import {isRunctlError, RunctlError, withContext} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import {hasLimits, isTagOutdated, stopsAtTag, tagSaysLimits, type LimitsState, type LimitWish} from '../model/limits.js'
import type {HourlyPrice} from '../providers/provider.js'
import {guardPrice, guardRequest, keepable, stateOf} from './guard-request.js'
import type {PlatformDeps} from './platform-deps.js'

type Deps = Pick<PlatformDeps, 'agent' | 'progress' | 'provider' | 'signal'>

/** Whether limits are kept on this instance, as its tags say. */
export const keepsLimits = ({tags}: Pick<Instance, 'tags'>): boolean => tagSaysLimits(tags[TAGS.stopsAt])

/**
 * Tells a running instance its limits, and writes into its tags when it stops itself. Makes no call where there is nothing to tell and its tags
 * name no limits; null then. Rejects with `bad_input` for what cannot be kept, with `wrong_state` where the instance cannot power itself off.
 */
export async function setLimits(wish: LimitWish, instance: Instance, hourly: Promise<HourlyPrice | null>, deps: Deps): Promise<LimitsState | null> {
  const request = await limitsRequest(wish, instance, () => hourly, deps)
  if (request === null) return null
  const state = stateOf(await askGuard(instance, request, deps))
  await renewTag(instance, state, deps)
  return hasLimits(state) ? state : null
}

/** What is to be told to the instance; null: nothing, it keeps no limits and is to keep none. */
export async function limitsRequest(wish: LimitWish, instance: Instance, hourly: () => Promise<HourlyPrice | null>, deps: Omit<Deps, 'agent'>): Promise<GuardRequest | null> {
  const asked = Object.keys({...wish.set, ...wish.defaults}).length > 0
  if (!asked && !keepsLimits(instance)) return null
  const price = await guardPrice(instance, deps, hourly())
  const kept = keepable(wish, price.usd_per_hour, deps, {strict: false})
  if (Object.keys({...kept.set, ...kept.defaults}).length === 0 && !keepsLimits(instance)) return null
  return guardRequest(kept, price, instance, deps)
}

export async function askGuard(instance: Instance, request: GuardRequest, {agent, signal}: Pick<Deps, 'agent' | 'signal'>): Promise<GuardAnswer> {
  try {
    return await agent(instance.id).call('guard', request, {signal})
  } catch (error) {
    throw withoutLimitsAdvice(error, instance)
  }
}

/** The instance runs, without the limits that were asked for: that must be said, and what to do. */
export function withoutLimitsAdvice(error: unknown, {id, platform}: Instance): unknown {
  if (!isRunctlError(error) || error.code !== 'wrong_state' || error.details['delivered'] === false) return error
  const named = new RunctlError(error.code, `${id} cannot keep limits: ${error.message}`, {details: error.details, stillRunning: error.stillRunning, cause: error})
  return withContext(named, {next: [...error.next, 'the same with --max-hours none --max-cost none --idle none', `runctl ${platform} stop ${id}`]})
}

/** The tag that has to be written, if any. */
export function outdatedTag({tags}: Pick<Instance, 'tags'>, state: LimitsState | null): Readonly<Record<string, string>> {
  const wanted = stopsAtTag(state)
  return isTagOutdated(tags[TAGS.stopsAt], wanted) ? {[TAGS.stopsAt]: wanted} : {}
}

/** The limits hold, whatever the platform thinks of the tag: that is a warning. */
export async function renewTag(instance: Instance, state: LimitsState, {progress, provider, signal}: Deps): Promise<void> {
  const tags = outdatedTag(instance, state)
  if (Object.keys(tags).length === 0) return
  try {
    await provider.setTags(instance.id, tags, {signal})
  } catch (error) {
    if (!isRunctlError(error)) throw error
    progress.emit({type: 'warning', message: `the tags of ${instance.id} do not say when it stops itself: ${error.message}`})
  }
}
