import {isEven, lastOf, positionOf, valuesOf, type Unit} from './progress-unit.js'
import type {AttemptRecord, ReferenceRecord, RoundRecord} from './rehearsal-record.js'

/** What the reference logged and a round neither logged nor had in a checkpoint that it went on from; in order. */
export function missingOf(reference: ReferenceRecord, {attempts}: Pick<RoundRecord, 'attempts'>, unit: Unit): readonly number[] {
  const wanted = valuesOf(reference.attempt.marks, unit)
  const logged = new Set(attempts.flatMap(({marks}) => valuesOf(marks, unit)))
  const saved = savedUnlogged(reference, attempts, unit)
  if (isEven(wanted, unit)) return wanted.filter(value => !logged.has(value) && !saved.has(value))
  // What is logged by time is never logged at the same values twice: only a hole counts that no stride of the reference explains.
  const stride = Math.max(...wanted.slice(1).map((value, at) => value - (wanted[at] ?? 0)))
  const there = [...logged].toSorted((a, b) => a - b)
  return wanted.filter(value => {
    const below = there.findLast(one => one <= value) ?? (wanted[0] ?? 0) - stride
    const above = there.find(one => one >= value) ?? Infinity
    return below !== value && (above === Infinity ? value - below > stride : above - below > 2 * stride)
  })
}

/**
 * A script that saves before it prints may be ended in between: that value is in the checkpoint and never in a log. It counts as done only where the
 * script's checkpoints count as its log does; a counter that runs ahead would hide a step that was left out.
 */
export function savedUnlogged({attempt, end}: ReferenceRecord, attempts: readonly AttemptRecord[], unit: Unit): ReadonlySet<number> {
  const agree = end.good !== null && end.good[unit] !== null && end.good[unit] === lastOf(attempt.marks, unit)
  return new Set(agree ? attempts.flatMap(({resumedFrom}) => resumedFrom?.[unit] ?? []) : [])
}

export interface Loss {
  readonly unit: Unit | null
  /** Values that were logged before and again after. */
  readonly repeated: number | null
  /** Values of the reference that were passed over when it went on. */
  readonly skipped: number | null
  /** From the checkpoint that it went on from to the last value that was logged. */
  readonly lost: number | null
  /** From that checkpoint, or the attempt's start, to the kill. */
  readonly lost_s: number
}

/** What the kill of attempt `at` cost, as the next attempt shows. Without a unit only the time is known. */
export function lossOf(reference: ReferenceRecord, {attempts}: Pick<RoundRecord, 'attempts'>, at: number, unit: Unit | null): Loss {
  const [killed, next] = [attempts[at], attempts[at + 1]]
  const from = next?.resumedFrom ?? null
  const since = Math.max(killed?.startedAtMs ?? 0, from === null ? 0 : Date.parse(from.modified_at))
  const lost_s = Math.max(0, ((killed?.kill?.atMs ?? 0) - since) / 1000)
  if (unit === null || !killed || !next) return {unit, repeated: null, skipped: null, lost: null, lost_s}
  const earlier = attempts.slice(0, at + 1)
  const position = from && positionOf(from, earlier, unit)
  const before = new Set(earlier.flatMap(({marks}) => valuesOf(marks, unit)))
  const after = withoutAnnouncement(valuesOf(next.marks, unit), position)
  const [first] = after
  const reached = lastOf(killed.marks, unit)
  const isPassed = (value: number): boolean => first !== undefined && value < first && value > (position ?? -Infinity) && !before.has(value)
  const even = isEven(valuesOf(reference.attempt.marks, unit), unit)
  return {
    unit,
    repeated: new Set(after.filter(value => before.has(value))).size,
    skipped: even ? valuesOf(reference.attempt.marks, unit).filter(isPassed).length : missingOf(reference, {attempts}, unit).filter(isPassed).length,
    lost: reached === null || (from !== null && position === null) ? null : Math.max(0, reached - (position ?? 0)),
    lost_s,
  }
}

/** `resumed at step 40` says where it begins; nothing was done again. */
const withoutAnnouncement = (values: readonly number[], position: number | null): readonly number[] => (values[0] === position ? values.slice(1) : values)

export interface Alarm {
  readonly unit: Unit
  /** What was logged first after the resume. */
  readonly first: number
  /** Where the checkpoint stands. */
  readonly position: number
}

/** The attempt was given a checkpoint and began before it; null where it did not, or nothing tells. */
export function resumeAlarm(attempts: readonly AttemptRecord[], at: number, units: readonly Unit[]): Alarm | null {
  const attempt = attempts[at]
  if (!attempt?.resumedFrom) return null
  for (const unit of units) {
    const position = positionOf(attempt.resumedFrom, attempts.slice(0, at), unit)
    const first = valuesOf(attempt.marks, unit)[0]
    if (position !== null && first !== undefined && first < position) return {unit, first, position}
  }
  return null
}
