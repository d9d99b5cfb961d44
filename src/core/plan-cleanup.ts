import {isRunctlError} from '../model/errors.js'
import {HOURS_A_MONTH} from '../model/cost.js'
import {TAGS, type Instance} from '../model/instance.js'
import type {Holding, HoldingKind} from '../providers/provider.js'
import {judgeInstances, type Judged} from './cleanup-evidence.js'
import {judgeHolding, type CleanupRule, type Verdict} from './cleanup-verdict.js'
import {hourlyPrice} from './instance-cost.js'
import {listInstances} from './list-resources.js'
import {inPlace, type ResourcePlace} from './resource-place.js'

/**
 * - `would-remove`, `removed`: it may go, and what was made of that
 * - `refused`: it would go, but its disk holds the only copy of something, or nobody knows
 * - `left-alone`: it is none of runctl's or not yours, in use, or too young; or it has changed since the plan
 * - `failed`: it was to go, and is still there
 */
export type CleanupOutcome = 'failed' | 'left-alone' | 'refused' | 'removed' | 'would-remove'

/** Also its JSON form. */
export interface CleanupItem {
  readonly kind: 'instance' | HoldingKind
  readonly id: string
  readonly name: string | null
  readonly platform: string
  readonly region: string | null
  /** The platform's own word. */
  readonly state: string
  readonly project: string | null
  readonly owner: string | null
  readonly what: CleanupOutcome
  /** A sentence: why it goes, stays, or failed. Data: escape before display. */
  readonly why: string
  /** What is gone with it; null for what stays. */
  readonly loses: string | null
  /** US dollars a month less without it; null where unknown, and for what stays. */
  readonly usd_per_month: number | null
  /** The exact commands to go on with what stays. */
  readonly next: readonly string[]
}

/** A line of the plan, with what is needed to carry it out. */
export interface PlannedItem {
  readonly item: CleanupItem
  readonly place: ResourcePlace
  readonly subject: {readonly instance: Instance; readonly judged: Judged} | {readonly holding: Holding}
  readonly verdict: Verdict
}

export interface PlanCleanupInput {
  readonly rule: CleanupRule
  /** Where outputs are if no tag says it; null: nowhere. */
  readonly defaultOutput: string | null
}

/** All that there is, judged. Looks, and changes nothing. */
export async function planCleanup(input: PlanCleanupInput, places: readonly ResourcePlace[]): Promise<readonly PlannedItem[]> {
  const all = await Promise.all(places.map(async place => {
    const [instances, holdings] = await Promise.all([planInstances(input, place), planHoldings(input, place)])
    return [...instances(holdings), ...holdings.planned]
  }))
  return all.flat()
}

export const nowThere = async ({clock, provider}: ResourcePlace['deps']): Promise<Date> => (await provider.now?.()) ?? clock.now()

/** The disks of instances are known only once the holdings are: so it gives a function of them. */
async function planInstances({defaultOutput, rule}: PlanCleanupInput, place: ResourcePlace): Promise<(holdings: ListedHoldings) => readonly PlannedItem[]> {
  const {deps} = place
  if (!rule.kinds.includes('instance')) return () => []
  const instances = await listInstances([], deps)
  // Only now: the clock of the platform is known by its answers.
  const judged = await judgeInstances(instances, {rule, defaultOutput, now: await nowThere(deps)}, deps)
  const going = judged.filter(({verdict}) => verdict.what === 'remove').map(({instance}) => instance)
  const [disks, prices] = await Promise.all([
    diskPrices(going, place),
    Promise.all(going.map(async instance => [instance.id, instance.state === 'running' || instance.state === 'pending' ? await hourlyPrice(instance, deps) : {usdPerHour: 0}] as const)),
  ])
  const hourly = new Map(prices)
  return holdings => judged.map(one => {
    const {instance, verdict} = one
    const disk = holdings.diskOf(instance.id) ?? disks(instance.id)
    const perHour = hourly.get(instance.id)?.usdPerHour ?? null
    const usd = disk === null || perHour === null ? null : disk + perHour * HOURS_A_MONTH
    const {id, name, platform, region, state, tags} = instance
    return {place, verdict, subject: {instance, judged: one}, item: itemOf({kind: 'instance', id, name, platform, region, state, tags}, verdict, usd, place)}
  })
}

/** US dollars a month, by instance; null where unknown. */
async function diskPrices(instances: readonly Instance[], {deps: {provider: {pricing}, signal}}: ResourcePlace): Promise<(id: string) => number | null> {
  if (pricing === undefined) return () => null
  // A platform that has no prices of disks has disks that cost nothing.
  if (pricing.diskPrices === undefined) return () => 0
  if (instances.length === 0) return () => null
  try {
    const known = await pricing.diskPrices(instances.map(({id}) => id), {signal})
    return id => known.get(id)?.usdPerMonth ?? null
  } catch (error) {
    if (isRunctlError(error)) return () => null
    throw error
  }
}

interface ListedHoldings {
  readonly planned: readonly PlannedItem[]
  /** US dollars a month for the disks that go with an instance; null where they are not known. */
  diskOf(instanceId: string): number | null
}

async function planHoldings({rule}: PlanCleanupInput, place: ResourcePlace): Promise<ListedHoldings> {
  const holdings = await listHoldings(rule, place)
  const now = await nowThere(place.deps)
  const planned = holdings.flatMap((holding): readonly PlannedItem[] => {
    const verdict = judgeHolding(holding, rule, now)
    const {id, kind, name, region, state, tags, usdPerMonth} = holding
    return verdict === null ? [] : [{place, verdict, subject: {holding}, item: itemOf({kind, id, name, platform: place.deps.provider.name, region, state, tags}, verdict, usdPerMonth, place)}]
  })
  return {
    planned,
    diskOf(instanceId) {
      const own = holdings.filter(({attachedTo, kind}) => kind === 'volume' && attachedTo === instanceId)
      if (own.length === 0 || own.some(({goesWithInstance, usdPerMonth}) => goesWithInstance && usdPerMonth === null)) return null
      return own.reduce((sum, {goesWithInstance, usdPerMonth}) => sum + (goesWithInstance ? (usdPerMonth ?? 0) : 0), 0)
    },
  }
}

/** Where they may not be listed, and nobody asked for them by name, that is said, and the rest is planned. */
export async function listHoldings({isKindNamed, kinds: asked}: Pick<CleanupRule, 'isKindNamed' | 'kinds'>, {deps: {progress, provider, signal}}: ResourcePlace): Promise<readonly Holding[]> {
  const kinds = asked.filter(kind => kind !== 'instance')
  if (provider.holdings === undefined || kinds.length === 0) return []
  const all: Holding[] = []
  try {
    for await (const holding of provider.holdings.list(kinds, {signal})) all.push(holding)
  } catch (error) {
    if (!isRunctlError(error) || isKindNamed) throw error
    progress.emit({type: 'warning', message: `disks, snapshots and addresses of ${provider.name} are left out: ${error.message}`})
  }
  return all
}

type Named = Pick<CleanupItem, 'id' | 'kind' | 'name' | 'platform' | 'region' | 'state'> & {readonly tags: Readonly<Record<string, string>>}

function itemOf({tags, ...named}: Named, verdict: Verdict, usd: number | null, place: ResourcePlace): CleanupItem {
  const common = {...named, project: tags[TAGS.project] ?? null, owner: tags[TAGS.owner] ?? null, why: verdict.why}
  if (verdict.what === 'remove') return {...common, what: 'would-remove', loses: verdict.loses, usd_per_month: usd, next: []}
  return {...common, what: verdict.what === 'refuse' ? 'refused' : 'left-alone', loses: null, usd_per_month: null, next: verdict.next.map(command => inPlace(place, command))}
}
