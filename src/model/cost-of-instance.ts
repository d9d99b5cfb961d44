import type {CostCause, CostSegment} from './cost.js'
import {spotSegments, type PriceChange} from './cost-spot.js'
import {decodeCostTags} from './cost-tags.js'
import {TAGS, type Instance} from './instance.js'

/** What is known of an instance's prices now. */
export interface KnownPrices {
  readonly hourly: {readonly usdPerHour: number; readonly source: string} | null
  /** US dollars a month for its disks; null: unknown, or not asked because the tags tell. */
  readonly storageUsdPerMonth: number | null
  /** Since its launch; null: it cannot be had; absent: the price does not change while it runs. */
  readonly spot?: readonly PriceChange[] | null
}

/** Launch times of the cloud and times of this machine's clock that mean the same start differ by less, in milliseconds. */
const SAME_START_MS = 120_000
/** Between the making of a machine and its first launch, at most. */
const FIRST_LAUNCH_MS = 600_000

const isUp = ({state}: Instance): boolean => state === 'pending' || state === 'running'
const isGone = ({state}: Instance): boolean => state === 'shutting-down' || state === 'terminated'

export const causeOf = ({id, instanceType, name, platform, region, tags}: Instance): CostCause =>
  ({id, name, platform, region, instance_type: instanceType, project: tags[TAGS.project] ?? null, owner: tags[TAGS.owner] ?? null})

/** What its disks cost a month, by its tags; null where they do not tell. */
export const storageInTags = ({tags}: Pick<Instance, 'tags'>): number | null => decodeCostTags(tags).segments.at(-1)?.storage_usd_per_month ?? null

/** Whether the tags tell when the present launch ended and what it cost. */
export function isLaunchClosed(instance: Instance): boolean {
  const launch = Date.parse(instance.launchedAt ?? '')
  return !isUp(instance) && decodeCostTags(instance.tags).segments.some(({from, kind, to}) => kind !== 'stopped' && to !== null && isSame(from, launch))
}

/**
 * All that an instance has been billed for since it was created, oldest first. What its tags tell of the past holds, at the prices of that time;
 * the present launch is told by the platform. A time that neither tells of has no price: nobody knows whether the machine ran then.
 */
export function segmentsOf(instance: Instance, prices: KnownPrices, now: Date): readonly CostSegment[] {
  if (prices.hourly?.usdPerHour === 0 && prices.storageUsdPerMonth === 0) return free(instance, prices.hourly.source, now)
  const told = decodeCostTags(instance.tags).segments
  const launch = launchOf(instance, told.at(-1))
  const created = Date.parse(instance.createdAt ?? '')
  if (Number.isNaN(launch)) return Number.isNaN(created) ? [] : [gap(created, null, null)]
  const own = ownStart(told, launch)
  const before = own === null ? told.filter(({from}) => Date.parse(from) < launch) : told.slice(0, own)
  const ran = own === null ? [] : sameRun(told.slice(own))
  const storage = prices.storageUsdPerMonth ?? told.at(-1)?.storage_usd_per_month ?? null
  const past = pastOf(before, {created, launch, startedByUs: own !== null})
  const begin = Math.max(launch, timeOf(past.at(-1)?.to))
  return [...past, ...presentOf(instance, {begin, begun: begin <= launch + SAME_START_MS, ran, storage, prices, now})]
}

/** A platform that has not heard yet of a start tells of the launch before. */
function launchOf(instance: Instance, last: CostSegment | undefined): number {
  const launch = Date.parse(instance.launchedAt ?? '')
  return isUp(instance) && last?.to === null && !(Date.parse(last.from) <= launch + SAME_START_MS) ? Date.parse(last.from) : launch
}

/** Where the tags tell of the present launch; null: they do not. */
function ownStart(told: readonly CostSegment[], launch: number): number | null {
  let best: number | null = null
  for (const [at, {begins_with_start, from}] of told.entries()) {
    if (!begins_with_start || !isSame(from, launch)) continue
    if (best === null || distance(from, launch) <= distance(told[best]?.from ?? '', launch)) best = at
  }
  return best
}

/** The first and what goes on from it without a stop. */
function sameRun(told: readonly CostSegment[]): readonly CostSegment[] {
  const end = told.findIndex((segment, at) => at > 0 && (segment.kind === 'stopped' || segment.begins_with_start || segment.from !== told[at - 1]?.to))
  return end < 0 ? told : told.slice(0, end)
}

/** It costs nothing, whatever it did. */
function free(instance: Instance, source: string, now: Date): readonly CostSegment[] {
  const from = instance.createdAt ?? instance.launchedAt ?? now.toISOString()
  const to = isGone(instance) ? (instance.stoppedAt ?? now.toISOString()) : null
  return [{from, to, kind: 'on-demand', instance_type: instance.instanceType, usd_per_hour: 0, storage_usd_per_month: 0, price_source: source, begins_with_start: true}]
}

interface Past {
  readonly created: number
  readonly launch: number
  /** The tags tell of the present launch, so that what lies between is a stop. */
  readonly startedByUs: boolean
}

/** What was before the present launch, without a hole. */
function pastOf(before: readonly CostSegment[], {created, launch, startedByUs}: Past): readonly CostSegment[] {
  const [first] = before
  if (first === undefined) {
    // Only a disk that is older than the launch tells of a past.
    return startedByUs || created >= launch - FIRST_LAUNCH_MS || Number.isNaN(created) ? [] : [gap(created, launch, null)]
  }
  const begin = Date.parse(first.from)
  const closed = before.map(segment => {
    if (segment.to === null) return gap(Date.parse(segment.from), launch, segment.storage_usd_per_month)
    // The end of a stop as this machine's clock had it.
    return startedByUs && segment.kind === 'stopped' && Date.parse(segment.to) > launch ? {...segment, to: iso(Math.max(launch, Date.parse(segment.from)))} : segment
  })
  const end = timeOf(closed.at(-1)?.to)
  return [
    ...(created < begin - FIRST_LAUNCH_MS ? [gap(created, begin, null)] : []),
    ...closed,
    ...(end < launch ? [startedByUs ? off(end, launch, closed.at(-1)) : gap(end, launch, closed.at(-1)?.storage_usd_per_month ?? null)] : []),
  ]
}

interface Present {
  readonly begin: number
  /** The launch itself is in it: no sum of the past has swallowed its begin. */
  readonly begun: boolean
  /** What the tags tell of the present launch; empty: nothing. */
  readonly ran: readonly CostSegment[]
  readonly storage: number | null
  readonly prices: KnownPrices
  readonly now: Date
}

function presentOf(instance: Instance, {begin, begun, now, prices, ran, storage}: Present): readonly CostSegment[] {
  const [own] = ran
  const closedTo = begun ? timeOf(ran.at(-1)?.to) : begin
  const isClosed = !isUp(instance) && closedTo > -Infinity
  const end = isUp(instance) ? null : endOf(instance, begin, isClosed ? closedTo : null)
  const diskEnd = isGone(instance) ? Math.max(end ?? 0, timeOf(instance.stoppedAt ?? now.toISOString())) : null
  const common = {instance_type: own?.instance_type ?? instance.instanceType, storage_usd_per_month: storage}
  let machine: readonly CostSegment[]
  if (end === null && !isUp(instance)) machine = [{...gap(begin, diskEnd, storage), kind: instance.lifecycle, instance_type: common.instance_type}]
  else if (isClosed && own !== undefined) machine = endedAt(ran, begin, end ?? closedTo)
  else if (instance.lifecycle === 'spot' && prices.spot !== undefined) {
    const source = prices.hourly?.source ?? 'spot-history'
    machine = spotSegments(new Date(begin), end === null ? null : new Date(end), prices.spot ?? [], now, {...common, price_source: source})
  } else {
    const paid = own === undefined || own.usd_per_hour === null ? null : {usd_per_hour: own.usd_per_hour, price_source: own.price_source}
    const price = paid ?? {usd_per_hour: prices.hourly?.usdPerHour ?? null, price_source: prices.hourly?.source ?? null}
    machine = [{...common, from: iso(begin), to: end === null ? null : iso(end), kind: instance.lifecycle, ...price, begins_with_start: true}]
  }
  const [first, ...more] = machine
  const all = first === undefined ? [] : [{...first, begins_with_start: first.begins_with_start && begun}, ...more]
  return end === null || (diskEnd !== null && diskEnd <= end) ? all : [...all, {...off(end, diskEnd, machine.at(-1)), storage_usd_per_month: storage}]
}

/** When a machine that does not run ended; null: nobody knows. The platform's word for a stop goes before the tags', which were written a little earlier. */
function endOf(instance: Instance, begin: number, closedTo: number | null): number | null {
  const told = timeOf(instance.stoppedAt)
  if (told >= begin && !(isGone(instance) && closedTo !== null)) return told
  if (closedTo !== null) return closedTo
  // The machine's own guard leaves word when it stops it.
  const guard = timeOf(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/.exec(instance.tags[TAGS.guard] ?? '')?.[0])
  return guard >= begin ? guard : null
}

/** As the tags tell it, from the begin to the end that the platform tells. */
function endedAt(ran: readonly CostSegment[], begin: number, end: number): readonly CostSegment[] {
  const kept = ran.filter(({from}, at) => at === 0 || Date.parse(from) < end)
  return kept.map((segment, at) => ({...segment, ...(at === 0 ? {from: iso(begin)} : {}), ...(at === kept.length - 1 ? {to: iso(end)} : {})}))
}

function gap(from: number, to: number | null, storage: number | null): CostSegment {
  return {from: iso(from), to: to === null ? null : iso(to), kind: 'on-demand', instance_type: null, usd_per_hour: null, storage_usd_per_month: storage, price_source: null, begins_with_start: false}
}

const off = (from: number, to: number | null, like: CostSegment | undefined): CostSegment => ({
  from: iso(from), to: to === null ? null : iso(to), kind: 'stopped', instance_type: like?.instance_type ?? null, usd_per_hour: 0,
  storage_usd_per_month: like?.storage_usd_per_month ?? null, price_source: null, begins_with_start: false,
})

const iso = (at: number): string => new Date(at).toISOString()
/** What is no time comes before all times. */
const timeOf = (at: string | null | undefined): number => {
  const time = Date.parse(at ?? '')
  return Number.isNaN(time) ? -Infinity : time
}
const distance = (from: string, launch: number): number => Math.abs(Date.parse(from) - launch)
const isSame = (from: string, launch: number): boolean => distance(from, launch) <= SAME_START_MS
