/**
 * What a machine costs, as a cloud bills it: by the second of each start (60 s at least), its disks by the second of their existence. A price is
 * kept with the time that it was paid for, so that a later price changes nothing of the past. What is unknown is null, never 0.
 */

/** The mean month, in hours, with which cloud price lists turn the one into the other. */
export const HOURS_A_MONTH = 730

/** `stopped`: the machine is off and only its disks are billed. */
export type SegmentKind = 'on-demand' | 'spot' | 'stopped'

/** A time over which one price held. Also its JSON form. */
export interface CostSegment {
  /** ISO 8601, UTC. */
  readonly from: string
  /** ISO 8601, UTC; null: it goes on. */
  readonly to: string | null
  readonly kind: SegmentKind
  readonly instance_type: string | null
  /** US dollars for an hour of the machine; 0 while it is stopped; null where unknown. */
  readonly usd_per_hour: number | null
  /** US dollars for a month of its disks; null where unknown. */
  readonly storage_usd_per_month: number | null
  /** Where `usd_per_hour` is from: `pricing-api`, `spot-history`, `built-in 2026-11`, `tags`; null where unknown. */
  readonly price_source: string | null
  /** It begins with a start of the machine: what is billed for one is at least a minute. */
  readonly begins_with_start: boolean
}

/** A sum that may have parts which nobody knows. Also its JSON form. */
export interface Cost {
  /** US dollars; null where a part is unknown. */
  readonly usd: number | null
  /** US dollars of the parts that are known. */
  readonly known_usd: number
  /** What is not known, a sentence each. Empty where all is. */
  readonly unknown: readonly string[]
}

/** What caused a cost, and whose it is. */
export interface CostCause {
  readonly id: string
  readonly name: string | null
  readonly platform: string
  readonly region: string | null
  readonly instance_type: string | null
  readonly project: string | null
  readonly owner: string | null
}

/** What remains of an instance's cost when it is gone: kept in the platform's store, else on this machine. Also its JSON form. */
export interface CostRecord extends CostCause {
  readonly version: 1
  readonly created_at: string | null
  readonly ended_at: string
  readonly segments: readonly CostSegment[]
}

const HOUR_MS = 3_600_000
/** What is billed for a start at least. */
const MINIMUM_MS = 60_000
const TIMES = {first: new Date(-8.64e15), last: new Date(8.64e15)} as const

/** A part of a segment, in milliseconds. `machineOnly`: the rest of a start's first minute, after its end. */
interface Billed {
  readonly segment: CostSegment
  readonly from: number
  readonly to: number
  readonly machineOnly: boolean
}

/**
 * What segments cost in [from, to). What goes on is counted up to `to`. Windows add up: the minute that a shorter start is billed for lies where
 * it would have run. Segments must not overlap; their order is of no matter.
 */
export function costBetween(segments: readonly CostSegment[], from: Date, to: Date): Cost {
  let known = 0
  const machine: Span[] = []
  const disks: Span[] = []
  for (const {machineOnly, segment, ...whole} of billed(segments, to)) {
    const part = {from: Math.max(whole.from, from.getTime()), to: Math.min(whole.to, to.getTime())}
    if (part.to <= part.from) continue
    if (segment.kind !== 'stopped') {
      if (segment.usd_per_hour === null) extend(machine, part)
      else known += (segment.usd_per_hour * (part.to - part.from)) / HOUR_MS
    }
    if (machineOnly) continue
    if (segment.storage_usd_per_month === null) extend(disks, part)
    else known += segment.storage_usd_per_month * monthsBetween(part.from, part.to)
  }
  const unknown = sentences(machine, disks)
  return {usd: unknown.length > 0 ? null : known, known_usd: known, unknown}
}

/** All that segments cost; what goes on, up to `now`. */
export const costUntil = (segments: readonly CostSegment[], now: Date): Cost => costBetween(closedAt(segments, now), TIMES.first, TIMES.last)

/** What goes on ends at `now`; the rest is as it was. */
export const closedAt = (segments: readonly CostSegment[], now: Date): readonly CostSegment[] =>
  segments.map(segment => (segment.to === null ? {...segment, to: new Date(Math.max(now.getTime(), Date.parse(segment.from))).toISOString()} : segment))

export function sumOfCosts(costs: readonly Cost[]): Cost {
  const known = costs.reduce((sum, {known_usd}) => sum + known_usd, 0)
  return {usd: costs.some(({usd}) => usd === null) ? null : known, known_usd: known, unknown: costs.flatMap(({unknown}) => unknown)}
}

/** How many calendar months (UTC) lie between two times, in milliseconds: half of February is as much as half of March. */
export function monthsBetween(from: number, to: number): number {
  let months = 0
  for (let at = from; at < to; ) {
    const [begin, end] = monthAround(at)
    const stop = Math.min(end, to)
    months += (stop - at) / (end - begin)
    at = stop
  }
  return months
}

/** The calendar month (UTC) that a time lies in: its begin and its end in milliseconds. */
export function monthAround(at: number): readonly [begin: number, end: number] {
  const date = new Date(at)
  return [Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1), Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)]
}

/** Oldest first, what goes on up to `now`, with the rest of the minute of each start that was shorter. */
function billed(segments: readonly CostSegment[], now: Date): readonly Billed[] {
  const parts = segments
    .map(segment => ({segment, from: Date.parse(segment.from), to: segment.to === null ? Math.max(now.getTime(), Date.parse(segment.from)) : Date.parse(segment.to), machineOnly: false}))
    .sort((a, b) => a.from - b.from)
  const rest: Billed[] = []
  let started: number | null = null
  for (const [at, {from, segment, to}] of parts.entries()) {
    if (segment.kind === 'stopped') continue
    if (segment.begins_with_start) started = from
    else if (parts[at - 1]?.to !== from || parts[at - 1]?.segment.kind === 'stopped') started = null
    const next = parts[at + 1]
    const goesOn = segment.to === null || (next !== undefined && next.from === to && next.segment.kind !== 'stopped' && !next.segment.begins_with_start)
    if (started !== null && !goesOn && to < started + MINIMUM_MS) rest.push({segment, from: to, to: started + MINIMUM_MS, machineOnly: true})
  }
  return [...parts, ...rest]
}

interface Span {
  from: number
  to: number
}

function extend(spans: Span[], part: Span): void {
  const last = spans.at(-1)
  if (last?.to === part.from) last.to = part.to
  else spans.push({...part})
}

function sentences(machine: readonly Span[], disks: readonly Span[]): readonly string[] {
  const same = (a: Span, b: Span): boolean => a.from === b.from && a.to === b.to
  const alone = disks.filter(one => !machine.some(other => same(one, other)))
  return [
    ...machine.map(span => `what ${disks.some(other => same(span, other)) ? 'it' : 'the machine'} cost from ${words(span)} is not known`),
    ...alone.map(span => `what its disks cost from ${words(span)} is not known`),
  ]
}

const words = ({from, to}: Span): string => `${minute(from)} to ${minute(to)} UTC`
const minute = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ')
