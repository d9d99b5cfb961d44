import {firstOf, isEven, lastOf, positionOf, unitsOf, valuesOf, type Unit} from './progress-unit.js'
import type {AttemptRecord, CheckpointFacts, ReferenceRecord, RoundRecord} from './rehearsal-record.js'

/**
 * What the reference logged and what the round's result is not made of, in order. What was logged after the checkpoint that the next attempt went on from is
 * lost, and must be logged again; what is in a checkpoint counts, also where the script was killed before it said so.
 */
export function missingOf(reference: ReferenceRecord, {attempts}: Pick<RoundRecord, 'attempts'>, unit: Unit): readonly number[] {
  const wanted = valuesOf(reference.attempt.marks, unit)
  // A coarser unit is only looked at as a whole: an epoch is often announced at its begin, and its checkpoints say that the one before is done.
  const isFinest = unitsOf(reference.attempt.marks)[0] === unit
  const made = isFinest ? madeOf(reference, attempts, unit) : new Set(attempts.flatMap(({marks}) => valuesOf(marks, unit)))
  if (isEven(wanted, unit)) return wanted.filter(value => !made.has(value))
  // What is logged by time is never logged at the same values twice: only a hole counts that no stride of the reference explains.
  const stride = Math.max(...wanted.slice(1).map((value, at) => value - (wanted[at] ?? 0)))
  const there = [...made].toSorted((a, b) => a - b)
  return wanted.filter(value => {
    const below = there.findLast(one => one <= value) ?? (wanted[0] ?? 0) - stride
    const above = there.find(one => one >= value) ?? Infinity
    return below !== value && (above === Infinity ? value - below > stride : above - below > 2 * stride)
  })
}

/** The values that the result is made of. */
function madeOf(reference: ReferenceRecord, attempts: readonly AttemptRecord[], unit: Unit): ReadonlySet<number> {
  let made = new Set<number>()
  for (const [at, attempt] of attempts.entries()) {
    for (const value of valuesOf(attempt.marks, unit)) made.add(value)
    const next = attempts[at + 1]
    if (!next) break
    const position = inLog(reference, next.resumedFrom, unit)
    // Given nothing, a script may still have found a checkpoint by itself: where it begins is what counts.
    const begin = firstOf(next.marks, unit)
    if (next.resumedFrom === null && begin !== null) made = new Set([...made].filter(value => value < begin))
    else if (position) made = new Set([...[...made].filter(value => value <= position.value), ...(position.isSure ? [position.value] : [])])
  }
  return made
}

/**
 * Where a checkpoint stands as the log counts: some count epochs from 0 in checkpoints and from 1 in the log, or say which comes next. The end of the
 * reference shows it, where it saves at its end; sure is only that. null: the checkpoint says nothing itself.
 */
function inLog({attempt, end}: ReferenceRecord, checkpoint: CheckpointFacts | null, unit: Unit): {readonly value: number; readonly isSure: boolean} | null {
  const own = checkpoint?.[unit] ?? null
  if (own === null) return null
  const [last, logged] = [end.good?.[unit] ?? null, lastOf(attempt.marks, unit)]
  const offset = last === null || logged === null ? null : logged - last
  return offset !== null && Math.abs(offset) <= 1 ? {value: own + offset, isSure: true} : {value: own, isSure: false}
}

/** Whether some value is in a checkpoint that was gone on from, and in no log. */
export function wasSavedUnlogged(reference: ReferenceRecord, attempts: readonly AttemptRecord[], unit: Unit): boolean {
  const logged = new Set(attempts.flatMap(({marks}) => valuesOf(marks, unit)))
  const wanted = new Set(valuesOf(reference.attempt.marks, unit))
  return attempts.some(({resumedFrom}) => {
    const position = inLog(reference, resumedFrom, unit)
    return position?.isSure === true && wanted.has(position.value) && !logged.has(position.value)
  })
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
  const stands = inLog(reference, from, unit)?.value ?? position
  const isPassed = (value: number): boolean => first !== undefined && value < first && stands !== null && value > stands
  const wanted = valuesOf(reference.attempt.marks, unit)
  return {
    unit,
    repeated: new Set(after.filter(value => before.has(value))).size,
    skipped: (isEven(wanted, unit) ? wanted : missingOf(reference, {attempts}, unit)).filter(isPassed).length,
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
