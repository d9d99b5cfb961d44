import type {CostSegment} from './cost.js'

/** A price that holds from a time on. */
export interface PriceChange {
  /** ISO 8601, UTC. */
  readonly from: string
  readonly usdPerHour: number
}

const HOUR_MS = 3_600_000

/**
 * What a spot machine is billed for from its launch on: the price in force when an hour of it begins holds for that hour, whatever happens to the
 * market meanwhile. An hour that began before the first price that is known has none.
 *
 * `end` null: it goes on, and `now` is how far prices are known.
 */
export function spotSegments(
  launch: Date, end: Date | null, changes: readonly PriceChange[], now: Date, rest: Pick<CostSegment, 'instance_type' | 'price_source' | 'storage_usd_per_month'>,
): readonly CostSegment[] {
  const until = (end ?? now).getTime()
  const segments: CostSegment[] = []
  const ordered = changes.map(change => ({at: Date.parse(change.from), usd: change.usdPerHour})).sort((a, b) => a.at - b.at)
  let next = 0
  let price: number | null = null
  for (let hour = launch.getTime(); hour < until || segments.length === 0; hour += HOUR_MS) {
    for (; next < ordered.length && (ordered[next]?.at ?? Infinity) <= hour; next++) price = ordered[next]?.usd ?? null
    if (segments.length > 0 && segments.at(-1)?.usd_per_hour === price) continue
    const from = new Date(hour).toISOString()
    const last = segments.pop()
    if (last) segments.push({...last, to: from})
    segments.push({...rest, kind: 'spot', from, to: null, usd_per_hour: price, price_source: price === null ? null : rest.price_source, begins_with_start: segments.length === 0})
  }
  const last = segments.pop()
  return last ? [...segments, {...last, to: end?.toISOString() ?? null}] : []
}
