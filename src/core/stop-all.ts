import {isRunctlError} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import type {ItemFailure} from './clean-up.js'
import {whyNotOurs} from './cleanup-verdict.js'
import {endInstance} from './end-instance.js'
import {hourlyPrice} from './instance-cost.js'
import {listInstances} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {errorInPlace, inPlace, type ResourcePlace} from './resource-place.js'
import {mapConcurrently} from './sync/map-concurrently.js'

export interface StopAllInput {
  /** false: only the plan. */
  readonly act: boolean
  /** Only this project's; null: all. */
  readonly project: string | null
  /** Whose: the value of the owner tag. */
  readonly owner: string
  readonly graceMs: number
  /** End trainings although nothing good was saved. */
  readonly force: boolean
  /** How long to wait for the platform to stop one, in milliseconds. */
  readonly timeoutMs: number
  readonly requestId: string
}

/** Also its JSON form. */
export interface StopAllItem {
  readonly id: string
  readonly name: string | null
  readonly platform: string
  readonly region: string | null
  readonly project: string | null
  readonly owner: string | null
  /** US dollars that an hour of it costs, or cost; null: unknown. */
  readonly usd_per_hour: number | null
  /** `left-alone`: it is not runctl's or not yours, cannot be stopped, or ran no more. `failed`: it runs on. */
  readonly what: 'failed' | 'left-alone' | 'stopped' | 'would-stop'
  /** Why it stays, a sentence; null else. Data: escape before display. */
  readonly why: string | null
  /** The checkpoints that were saved, by their paths. */
  readonly saved: readonly string[]
  /** The exact commands to go on with what stays. */
  readonly next: readonly string[]
}

export interface StopAllReport {
  readonly result: readonly StopAllItem[]
  readonly failures: readonly ItemFailure[]
}

/** Each asks its training to save: so many at a time. */
const AT_ONCE = 16

/** Stops all that runs, was made by runctl and is the owner's, each with its save. What cannot be stopped, or is not saved, stays, and does not keep the others. */
export async function stopAll(input: StopAllInput, places: readonly ResourcePlace[]): Promise<StopAllReport> {
  const running = (await Promise.all(places.map(async place => {
    const instances = await listInstances(['pending', 'running'], place.deps)
    return instances.filter(({tags}) => input.project === null || tags[TAGS.project] === input.project).map(instance => ({instance, place}))
  }))).flat()
  const failures: ItemFailure[] = []
  const result = await mapConcurrently(running, AT_ONCE, async ({instance, place}) => {
    const planned = await plan(instance, input, place)
    if (!input.act || planned.what !== 'would-stop') return planned
    const deps = await place.scoped(instance.id)
    try {
      return await step(place.deps.progress, instance.id, `Stop ${instance.id}`, () => stop(planned, input, deps), ({what}) => what)
    } catch (thrown) {
      deps.signal.throwIfAborted()
      const error = errorInPlace(place, thrown)
      if (!(error instanceof Error)) throw error
      failures.push({id: instance.id, error, deps})
      return {...planned, what: 'failed' as const, why: error.message, next: isRunctlError(error) ? error.next : []}
    }
  })
  return {result, failures: result.flatMap(({id}) => failures.find(failure => failure.id === id) ?? [])}
}

async function plan(instance: Instance, input: StopAllInput, place: ResourcePlace): Promise<StopAllItem> {
  const {id, name, platform, region, tags} = instance
  const item = (what: StopAllItem['what'], why: string | null, next: readonly string[], usd: number | null): StopAllItem =>
    ({id, name, platform, region, project: tags[TAGS.project] ?? null, owner: tags[TAGS.owner] ?? null, usd_per_hour: usd, what, why, saved: [], next: next.map(command => inPlace(place, command))})
  const notOurs = whyNotOurs(tags, input)
  const price = await hourlyPrice(instance, place.deps)
  const usd = price?.usdPerHour ?? null
  if (notOurs !== null) return item('left-alone', notOurs, [], usd)
  try {
    await place.deps.provider.checkStop?.(instance, {signal: place.deps.signal})
    return item('would-stop', null, [], usd)
  } catch (error) {
    if (!isRunctlError(error)) throw error
    return item('left-alone', error.message, error.next, usd)
  }
}

async function stop(planned: StopAllItem, input: StopAllInput, deps: PlatformDeps): Promise<StopAllItem> {
  const {force, graceMs, requestId, timeoutMs} = input
  const {changed, saved} = await endInstance({instanceId: planned.id, kind: 'stop', graceMs, force, requestId, timeoutMs}, deps)
  if (!changed) return {...planned, what: 'left-alone', why: 'it ran no more'}
  return {...planned, what: 'stopped', saved: (saved?.reports ?? []).flatMap(({checkpoint}) => checkpoint?.path ?? [])}
}
