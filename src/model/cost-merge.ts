import {costUntil, monthAround, monthsBetween, type CostSegment} from './cost.js'

/**
 * Makes sums of some pairs of neighbours, oldest first: one segment that costs what the two cost. A month keeps its own sum as long as there are
 * pairs within a month. What is unknown of a part is not mixed with what is known, unless nothing else is left.
 */
export function mergeSome(segments: readonly CostSegment[], count: number): readonly CostSegment[] {
  for (const may of [withinAMonth, alike, any]) {
    const merged = mergePairs(segments, count, may)
    if (merged.length < segments.length) return merged
  }
  return segments
}

type Rule = (a: CostSegment, b: CostSegment) => boolean

function mergePairs(segments: readonly CostSegment[], count: number, may: Rule): readonly CostSegment[] {
  const merged: CostSegment[] = []
  let left = count
  for (let at = 0; at < segments.length; at++) {
    const a = segments[at]
    const b = segments[at + 1]
    if (a === undefined) break
    // What goes on keeps its price.
    if (left > 0 && b?.to && may(a, b)) {
      merged.push(sumOf(a, b, segments[at + 2]))
      left--
      at++
    } else merged.push(a)
  }
  return merged
}

const isKnown = ({kind, usd_per_hour}: CostSegment): boolean => kind === 'stopped' || usd_per_hour !== null
const alike: Rule = (a, b) => a.to === b.from && isKnown(a) === isKnown(b) && (a.storage_usd_per_month === null) === (b.storage_usd_per_month === null)
const withinAMonth: Rule = (a, b) => alike(a, b) && monthAround(Date.parse(a.from))[1] >= Date.parse(b.to ?? '')
const any: Rule = () => true

/** `next`: where a start goes on there, its minute is not at its end yet. */
function sumOf(a: CostSegment, b: CostSegment, next: CostSegment | undefined): CostSegment {
  const begin = Date.parse(a.from)
  const end = Date.parse(b.to ?? '')
  const after = next ? [{...diskless(next), usd_per_hour: next.usd_per_hour ?? 0}] : []
  const both = costUntil([diskless(a), diskless(b), ...after], new Date(end))
  const machine = both.usd === null ? null : both.usd - costUntil(after, new Date(end)).known_usd
  const disks = [a, b].map(segment => (segment.storage_usd_per_month === null ? null : segment.storage_usd_per_month * monthsBetween(Date.parse(segment.from), Date.parse(segment.to ?? ''))))
  const known = disks.filter(usd => usd !== null)
  const bothStopped = a.kind === 'stopped' && b.kind === 'stopped'
  const running = [a, b].filter(({kind}) => kind !== 'stopped')
  return {
    from: a.from,
    to: b.to,
    kind: bothStopped ? 'stopped' : running.every(({kind}) => kind === 'spot') ? 'spot' : 'on-demand',
    instance_type: a.instance_type === b.instance_type ? a.instance_type : null,
    usd_per_hour: bothStopped ? 0 : machine === null ? null : (machine / (end - begin)) * 3_600_000,
    storage_usd_per_month: known.length < 2 ? null : known.reduce((sum, usd) => sum + usd, 0) / monthsBetween(begin, end),
    price_source: bothStopped ? null : running.every(({price_source}) => price_source === running[0]?.price_source) ? (running[0]?.price_source ?? null) : 'tags',
    begins_with_start: false,
  }
}

const diskless = (segment: CostSegment): CostSegment => ({...segment, storage_usd_per_month: 0})
