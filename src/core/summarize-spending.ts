import {costBetween, monthAround, monthsBetween, type Cost, type CostSegment} from '../model/cost.js'
import {RunctlError} from '../model/errors.js'
import {TAGS} from '../model/instance.js'
import {stopsAtOf} from '../model/limits.js'
import type {Holding, HoldingKind} from '../providers/provider.js'
import type {PlatformDeps} from './platform-deps.js'
import {mergeSpendings, spendingBetween, type Spending} from './spending.js'

export const SUMMARY_GROUPS = ['owner', 'platform', 'project', 'region', 'type'] as const
export type SummaryGroup = (typeof SUMMARY_GROUPS)[number]

/** US dollars of several things. */
export interface SpendingSum {
  /** null where the part of one is not known. */
  readonly usd: number | null
  /** The parts that are known. */
  readonly known_usd: number
  /** Of how many things a part is not known. */
  readonly unknown: number
}

export interface SpendingSums {
  /** Since midnight, UTC; null for a month that is over. */
  readonly today: SpendingSum | null
  /** In this month, up to now. */
  readonly month: SpendingSum
  /** At the month's end, if what runs now runs on until it stops itself, and nothing is begun or deleted. */
  readonly projection: SpendingSum
}

export interface SpendingGroup extends SpendingSums {
  /** The project, owner, region, …; null: of instances that have none. */
  readonly key: string | null
  readonly instances: number
  readonly running: number
}

/** What is billed besides instances and the disks on them. */
export interface OtherSpending extends SpendingSums {
  readonly kind: HoldingKind
  readonly count: number
}

/** What was spent in a month; also its JSON form. */
export interface SpendingSummary {
  /** `2026-11` */
  readonly month: string
  /** The month is over. */
  readonly over: boolean
  readonly now: string
  readonly by: SummaryGroup
  /** The dearest first. */
  readonly groups: readonly SpendingGroup[]
  /** Volumes that are attached to nothing, snapshots, addresses: as they are now, so not for a month that is over. */
  readonly others: readonly OtherSpending[]
  readonly total: SpendingSums
  readonly unknown: readonly {readonly platform: string; readonly id: string; readonly name: string | null; readonly why: readonly string[]}[]
  /** What could not be asked, a sentence each: there may be more than this. */
  readonly incomplete: readonly string[]
}

export interface SummarizeInput {
  readonly by: SummaryGroup
  /** `2026-11`; null: the present one. */
  readonly month: string | null
  readonly project: string | null
}

type Deps = Pick<PlatformDeps, 'clock' | 'provider' | 'recordsDir' | 'signal'>

interface Times {
  readonly from: Date
  readonly to: Date
  readonly now: Date
  readonly day: Date
  /** The month is over. */
  readonly over: boolean
}

const KINDS: readonly HoldingKind[] = ['address', 'snapshot', 'volume']
const DAY_MS = 86_400_000

/** What the instances of all platforms (or regions) cost in a month, by group, and what else is billed. Rejects with `bad_input` for a month to come. */
export async function summarizeSpending({by, month, project}: SummarizeInput, now: Date, platforms: readonly Deps[]): Promise<SpendingSummary> {
  const times = timesOf(month, now)
  const [reports, others] = await Promise.all([
    Promise.all(platforms.map(async deps => spendingBetween({from: times.from, to: times.to, project}, deps))),
    times.over ? [] : otherSpendings(platforms, project, times),
  ])
  const {incomplete, spendings} = mergeSpendings(reports)
  const byKey = new Map<string | null, Tally>()
  const total = new Tally(times)
  for (const spending of spendings) {
    const key = keyOf(spending, by)
    let tally = byKey.get(key)
    if (!tally) byKey.set(key, (tally = new Tally(times)))
    tally.addInstance(spending)
    total.addInstance(spending)
  }
  for (const {tally} of others) total.addAll(tally)
  return {
    month: times.from.toISOString().slice(0, 7),
    over: times.over,
    now: now.toISOString(),
    by,
    groups: [...byKey].map(([key, tally]) => ({key, instances: tally.instances, running: tally.running, ...tally.sums})).sort(byCost),
    others: others.map(({count, kind, tally}) => ({kind, count, ...tally.sums})),
    total: total.sums,
    unknown: spendings.flatMap(({cost, id, name, platform}) => (cost.unknown.length === 0 ? [] : [{platform, id, name, why: cost.unknown}])),
    incomplete,
  }
}

function timesOf(month: string | null, now: Date): Times {
  const within = month === null ? now.getTime() : /^\d{4}-\d\d$/.test(month) ? Date.parse(`${month}-01T00:00:00Z`) : Number.NaN
  if (Number.isNaN(within)) throw new RunctlError('bad_input', `${JSON.stringify(month)} is not a month such as 2026-11`)
  const [from, to] = monthAround(within).map(at => new Date(at)) as [Date, Date]
  if (from > now) throw new RunctlError('bad_input', `${month ?? ''} is still to come: nothing was spent in it`, {next: ['runctl resources summary']})
  return {from, to, now, day: new Date(Math.floor(now.getTime() / DAY_MS) * DAY_MS), over: to <= now}
}

function keyOf(spending: Spending, by: SummaryGroup): string | null {
  return by === 'type' ? spending.instance_type : spending[by]
}

const byCost = (a: SpendingGroup, b: SpendingGroup): number => b.month.known_usd - a.month.known_usd || (a.key ?? '').localeCompare(b.key ?? '')

/** Adds up what things cost today, in the month, and until its end. */
class Tally {
  instances = 0
  running = 0
  private readonly today = {known: 0, unknown: 0}
  private readonly month = {known: 0, unknown: 0}
  private readonly projection = {known: 0, unknown: 0}

  constructor(private readonly times: Times) {}

  addInstance({cost, instance, segments}: Spending): void {
    const {day, now, over, to} = this.times
    this.instances++
    if (segments.some(({kind, to: end}) => end === null && kind !== 'stopped')) this.running++
    this.add(this.month, cost)
    if (over) return this.add(this.projection, cost)
    this.add(this.today, costBetween(segments, day, now))
    const rest = costBetween(untilItStops(segments, stopsAtOf(instance?.tags[TAGS.stopsAt]), now), now, to)
    this.add(this.projection, {known_usd: cost.known_usd + rest.known_usd, unknown: [...cost.unknown, ...rest.unknown]})
  }

  /** Billed by the month, as it is now, since it was created. */
  addHolding({createdAt, usdPerMonth}: Holding): void {
    const {day, from, now, to} = this.times
    const created = createdAt === null ? Number.NaN : Date.parse(createdAt)
    const between = (begin: Date, end: Date): Pick<Cost, 'known_usd' | 'unknown'> => {
      if (usdPerMonth === null || Number.isNaN(created)) return {known_usd: 0, unknown: ['']}
      return {known_usd: usdPerMonth * monthsBetween(Math.max(begin.getTime(), created), end.getTime()), unknown: []}
    }
    this.add(this.today, between(day, now))
    this.add(this.month, between(from, now))
    this.add(this.projection, between(from, to))
  }

  addAll(other: Tally): void {
    for (const part of ['today', 'month', 'projection'] as const) {
      this[part].known += other[part].known
      this[part].unknown += other[part].unknown
    }
  }

  get sums(): SpendingSums {
    return {today: this.times.over ? null : sum(this.today), month: sum(this.month), projection: sum(this.projection)}
  }

  private add(to: {known: number; unknown: number}, {known_usd, unknown}: Pick<Cost, 'known_usd' | 'unknown'>): void {
    to.known += known_usd
    if (unknown.length > 0) to.unknown++
  }
}

const sum = ({known, unknown}: {readonly known: number; readonly unknown: number}): SpendingSum => ({usd: unknown > 0 ? null : known, known_usd: known, unknown})

/** What runs is stopped when its limits say so, and keeps its disks. A time that has passed tells nothing: its stop is put off. */
function untilItStops(segments: readonly CostSegment[], stopsAt: string | null, now: Date): readonly CostSegment[] {
  if (stopsAt === null || !(Date.parse(stopsAt) > now.getTime())) return segments
  return segments.flatMap((segment): readonly CostSegment[] => {
    if (segment.to !== null || segment.kind === 'stopped') return [segment]
    const stopped = {...segment, from: stopsAt, kind: 'stopped' as const, usd_per_hour: 0, begins_with_start: false}
    return [{...segment, to: stopsAt}, stopped]
  })
}

async function otherSpendings(platforms: readonly Deps[], project: string | null, times: Times): Promise<readonly {readonly kind: HoldingKind; readonly count: number; readonly tally: Tally}[]> {
  const kinds = new Map<HoldingKind, {count: number; readonly tally: Tally}>()
  await Promise.all(platforms.map(async ({provider, signal}) => {
    for await (const holding of provider.holdings?.list(KINDS, {signal}) ?? []) {
      // Disks in use are in the cost of their instances.
      if (holding.kind === 'volume' && holding.attachedTo !== null) continue
      if (project !== null && holding.tags[TAGS.project] !== project) continue
      let seen = kinds.get(holding.kind)
      if (!seen) kinds.set(holding.kind, (seen = {count: 0, tally: new Tally(times)}))
      seen.count++
      seen.tally.addHolding(holding)
    }
  }))
  return [...kinds].map(([kind, {count, tally}]) => ({kind, count, tally})).sort((a, b) => a.kind.localeCompare(b.kind))
}
