import {costBetween, type Cost, type CostCause, type CostRecord, type CostSegment} from '../model/cost.js'
import {causeOf, segmentsOf} from '../model/cost-of-instance.js'
import {INSTANCE_STATES, TAGS, type Instance} from '../model/instance.js'
import {readCostRecords} from './cost-records.js'
import {allPrices, knownPrices} from './instance-cost.js'
import {listInstances} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'

/** What one instance, living or gone, cost over a time. */
export interface Spending extends CostCause {
  /** As the platform tells of it; null: it exists no more, and what is known of it is its record. */
  readonly instance: Instance | null
  /** It is gone, or about to be. */
  readonly gone: boolean
  readonly segments: readonly CostSegment[]
  readonly cost: Cost
}

export interface SpendingInput {
  readonly from: Date
  readonly to: Date
  /** Only this project's; null: all. */
  readonly project: string | null
  /** Those that are gone are left out: another look reads the same records. */
  readonly livingOnly?: boolean
}

export interface SpendingReport {
  readonly spendings: readonly Spending[]
  /** What could not be asked, a sentence each: then there may be more than this. */
  readonly incomplete: readonly string[]
}

type Deps = Pick<PlatformDeps, 'clock' | 'provider' | 'recordsDir' | 'signal'>

/**
 * What the instances of one platform cost between two times (up to now at most), those that are gone included as far as they were recorded. Each
 * once, whoever looks: what is recorded may be of other regions.
 */
export async function spendingBetween(input: SpendingInput, deps: Deps): Promise<SpendingReport> {
  const [living, {incomplete, records}] = await Promise.all([livingOnes(input, deps), input.livingOnly ? {incomplete: [], records: []} : readCostRecords(input.from, input.to, deps)])
  const recorded = new Map(records.map(record => [record.id, goneSpending(record)]))
  const all = [...living.filter(({gone, id}) => !(gone && recorded.has(id))), ...recorded.values()]
  const ids = new Set<string>()
  const to = new Date(Math.min(input.to.getTime(), deps.clock.now().getTime()))
  const spendings = all
    .filter(({id}) => !ids.has(id) && ids.add(id))
    .filter(({project, segments}) => (input.project === null || project === input.project) && segments.some(segment => touches(segment, input.from, to)))
    .map(spending => ({...spending, cost: costBetween(spending.segments, input.from, to)}))
  return {spendings, incomplete}
}

type Unpriced = Omit<Spending, 'cost'>

async function livingOnes({project}: SpendingInput, deps: Deps): Promise<readonly Unpriced[]> {
  const instances = (await listInstances(INSTANCE_STATES, deps)).filter(({tags}) => project === null || tags[TAGS.project] === project)
  const prices = await allPrices(instances, deps)
  return instances.map(instance => ({
    ...causeOf(instance),
    instance,
    gone: instance.state === 'terminated' || instance.state === 'shutting-down',
    segments: segmentsOf(instance, knownPrices(prices.get(instance.id) ?? {hourly: null, disks: null}), deps.clock.now()),
  }))
}

const touches = (segment: CostSegment, from: Date, to: Date): boolean =>
  Date.parse(segment.from) < to.getTime() && (segment.to === null || Date.parse(segment.to) > from.getTime())

const goneSpending = ({id, instance_type, name, owner, platform, project, region, segments}: CostRecord): Unpriced =>
  ({id, name, platform, region, instance_type, project, owner, instance: null, gone: true, segments})

/** What several looks (regions, platforms) saw, each instance once: a living one goes before its record. */
export function mergeSpendings(reports: readonly SpendingReport[]): SpendingReport {
  const byId = new Map<string, Spending>()
  for (const spending of reports.flatMap(({spendings}) => spendings)) {
    const key = `${spending.platform} ${spending.id}`
    const seen = byId.get(key)
    if (!seen || (seen.gone && !spending.gone)) byId.set(key, spending)
  }
  return {spendings: [...byId.values()], incomplete: [...new Set(reports.flatMap(({incomplete}) => incomplete))]}
}
