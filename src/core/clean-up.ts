import {isRunctlError, RunctlError} from '../model/errors.js'
import type {Holding} from '../providers/provider.js'
import {judgeHolding, judgeInstance} from './cleanup-verdict.js'
import {judgeInstances, type Judged} from './cleanup-evidence.js'
import {endInstance} from './end-instance.js'
import {findInstance} from './find-instance.js'
import {listHoldings, nowThere, planCleanup, type CleanupItem, type PlanCleanupInput, type PlannedItem} from './plan-cleanup.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {errorInPlace, type ResourcePlace} from './resource-place.js'
import {saveByStarting} from './save-by-starting.js'
import {mapConcurrently} from './sync/map-concurrently.js'

export interface CleanUpInput extends PlanCleanupInput {
  /** false: only the plan. */
  readonly act: boolean
  /** How long a training may take to save, in milliseconds. */
  readonly graceMs: number
  /** How long to wait for the platform to terminate one, and to start one, in milliseconds. */
  readonly timeoutMs: number
  readonly requestId: string
  /** Checkpoints of what is started to be saved go below it. */
  readonly cwd: string
}

/** Also its JSON form. */
export interface ResourceCleanup {
  /** It was only planned. */
  readonly dry_run: boolean
  /** US dollars a month less, of what is removed (or would be) and has a known price. */
  readonly usd_per_month_less: number
  /** How many of those have no known price. */
  readonly unpriced: number
  readonly items: readonly CleanupItem[]
}

export interface CleanUpReport {
  readonly result: ResourceCleanup
  /** What went wrong, in the order of the items; `deps`: of the item alone. */
  readonly failures: readonly ItemFailure[]
}

export interface ItemFailure {
  readonly id: string
  readonly error: unknown
  readonly deps: PlatformDeps
}

/** Instances end beside each other, so many at a time. */
const AT_ONCE = 8

/** Plans, and carries the plan out if it may: each thing is looked at again right before it goes, and one failure does not stop the rest. */
export async function cleanUp(input: CleanUpInput, places: readonly ResourcePlace[]): Promise<CleanUpReport> {
  const plan = await planCleanup(input, places)
  if (!input.act) return {result: summarize(plan.map(({item}) => item), true), failures: []}
  const failures: ItemFailure[] = []
  const done = new Map<PlannedItem, CleanupItem>()
  const carryOut = async (planned: PlannedItem, deps: PlatformDeps, work: () => Promise<CleanupItem>): Promise<void> => {
    try {
      done.set(planned, await work())
    } catch (thrown) {
      deps.signal.throwIfAborted()
      const error = errorInPlace(planned.place, thrown)
      if (!(error instanceof Error)) throw error
      failures.push({id: planned.item.id, error, deps})
      done.set(planned, {...planned.item, what: 'failed', why: error.message, loses: null, usd_per_month: null, next: isRunctlError(error) ? error.next : []})
    }
  }
  const chosen = plan.filter(({verdict}) => verdict.what === 'remove')
  await mapConcurrently(chosen.flatMap(planned => ('instance' in planned.subject ? [{planned, judged: planned.subject.judged}] : [])), AT_ONCE, async ({judged, planned}) => {
    const deps = await planned.place.scoped(planned.item.id)
    await carryOut(planned, deps, () => step(planned.place.deps.progress, planned.item.id, `Remove ${planned.item.id}`, () => removeInstance(planned, judged, input, deps), ({what}) => what))
  })
  // Only after the instances: what hangs on one of them is in use until it is gone.
  for (const place of places) {
    const here = chosen.flatMap(planned => (planned.place === place && 'holding' in planned.subject ? [{planned, holding: planned.subject.holding}] : []))
    if (here.length === 0) continue
    // One look for all of them, right before: there is no other way to ask for one alone.
    const looked = lookAgain(input, place)
    looked.catch(() => undefined)
    await mapConcurrently(here, AT_ONCE, ({holding, planned}) => carryOut(planned, place.deps, async () => removeHolding(planned, holding, await looked, input)))
  }
  const items = plan.map(planned => done.get(planned) ?? planned.item)
  return {result: summarize(items, false), failures: plan.flatMap(({item}) => failures.find(({id}) => id === item.id) ?? [])}
}

interface HoldingsNow {
  readonly byId: ReadonlyMap<string, Holding>
  readonly now: Date
}

async function lookAgain({rule}: CleanUpInput, place: ResourcePlace): Promise<HoldingsNow> {
  const holdings = await listHoldings({...rule, isKindNamed: true}, place)
  return {byId: new Map(holdings.map(holding => [holding.id, holding])), now: await nowThere(place.deps)}
}

const GONE = 'it is gone already'
const gone = (item: CleanupItem): CleanupItem => ({...item, what: 'removed'})
const left = (item: CleanupItem, why: string): CleanupItem => ({...item, what: 'left-alone', why, loses: null, usd_per_month: null})

async function removeInstance({item}: PlannedItem, planned: Judged, input: CleanUpInput, deps: PlatformDeps): Promise<CleanupItem> {
  if (planned.verdict.what !== 'remove') return item
  const {force, how} = planned.verdict
  const [fresh] = await judgeInstances([await findInstance(item.id, deps)], {...input, now: await nowThere(deps)}, deps)
  const changed = fresh === undefined ? GONE : fresh.verdict.what !== 'remove' || fresh.verdict.how !== how ? `it is not as it was a moment ago: ${fresh.verdict.why}` : null
  if (changed !== null || fresh === undefined) return left(item, changed ?? '')
  if (how === 'save') {
    await saveByStarting(fresh.instance, input, deps)
    return gone(item)
  }
  const {evidence} = fresh
  const now = await nowThere(deps)
  let why: string | null = null
  try {
    const {changed: isChanged} = await endInstance({
      instanceId: item.id, kind: 'terminate', graceMs: input.graceMs, force, requestId: input.requestId, timeoutMs: input.timeoutMs,
      mayStillEnd(instance) {
        const verdict = judgeInstance(instance, input.rule, now, evidence)
        if (verdict !== null && typeof verdict !== 'string' && verdict.what === 'remove' && verdict.how === how) return
        why = verdict === null || typeof verdict === 'string' ? `it is ${instance.state}` : verdict.why
        throw new RunctlError('wrong_state', `${item.id} was left alone: ${why}`)
      },
    }, deps)
    return isChanged ? gone(item) : left(item, GONE)
  } catch (error) {
    if (why === null) throw error
    deps.footprint.forget(item.id)
    return left(item, `it is not as it was a moment ago: ${why as string}`)
  }
}

async function removeHolding({item, place, verdict: before}: PlannedItem, {id, kind}: Holding, {byId, now}: HoldingsNow, {rule}: CleanUpInput): Promise<CleanupItem> {
  const current = byId.get(id)
  if (current === undefined) return left(item, GONE)
  const verdict = judgeHolding(current, rule, now)
  if (verdict?.what !== before.what) return left(item, `it is not as it was a moment ago: ${verdict?.why ?? `it is attached to ${current.attachedTo ?? 'something'}`}`)
  const {progress, provider, signal} = place.deps
  try {
    await step(progress, id, `Remove the ${kind} ${id}`, async () => provider.holdings?.delete({id, kind}, {signal}))
    return gone(item)
  } catch (error) {
    // The platform says so itself: somebody took it a moment ago, or an image is made of it.
    if (isRunctlError(error) && error.code === 'wrong_state') return left(item, error.message)
    throw error
  }
}

function summarize(items: readonly CleanupItem[], isPlan: boolean): ResourceCleanup {
  const going = items.filter(({what}) => what === 'removed' || what === 'would-remove')
  return {
    dry_run: isPlan,
    usd_per_month_less: going.reduce((sum, {usd_per_month: usd}) => sum + (usd ?? 0), 0),
    unpriced: going.filter(({usd_per_month: usd}) => usd === null).length,
    items,
  }
}
