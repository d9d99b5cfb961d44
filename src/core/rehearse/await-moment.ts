import type {Attempt} from './attempt.js'
import type {Drill} from './drill.js'
import type {PlannedKill} from './plan-kills.js'
import {lastOf, unitsOf, valuesOf, type Unit} from './progress-unit.js'
import type {ReferenceRecord} from './rehearsal-record.js'

/** A moment of the reference's course, told in a way that an attempt which began in the middle can come to: so long after it has got so far. */
export interface Moment {
  /** null: counted from the script's start. */
  readonly progress: {readonly unit: Unit; readonly value: number} | null
  readonly afterMs: number
}

export function momentOf({atMs}: PlannedKill, {attempt: {marks, startedAtMs}}: ReferenceRecord): Moment {
  const [unit] = unitsOf(marks)
  const before = marks.filter(mark => mark.atMs - startedAtMs <= atMs)
  const value = unit === undefined ? undefined : valuesOf(before, unit).at(-1)
  if (unit === undefined || value === undefined) return {progress: null, afterMs: atMs}
  const seenAt = before.find(mark => mark[unit] === value)?.atMs ?? startedAtMs
  return {progress: {unit, value}, afterMs: atMs - (seenAt - startedAtMs)}
}

const POLL_MS = 15

/** false: the run was over before. Rejects with `timed_out`. */
export async function awaitMoment({afterMs, progress}: Moment, attempt: Attempt, drill: Drill): Promise<boolean> {
  const {clock, signal} = drill.deps
  const isThere = (): boolean =>
    attempt.run.started_at !== null && (progress === null || (lastOf(attempt.timeline.marks, progress.unit) ?? -Infinity) >= progress.value)
  while (!isThere()) {
    if (attempt.isOver) return false
    drill.checkTime()
    await clock.sleep(POLL_MS, signal)
  }
  const since = progress === null ? attempt.startedAtMs : drill.nowMs
  while (drill.nowMs - since < afterMs) {
    if (attempt.isOver) return false
    drill.checkTime()
    await clock.sleep(Math.min(POLL_MS, afterMs), signal)
  }
  return !attempt.isOver
}
