import type {LogMark} from '../../model/log-steps.js'
import type {TimedMark} from './log-timeline.js'
import type {AttemptRecord, CheckpointFacts} from './rehearsal-record.js'

/** What progress is counted in. */
export type Unit = 'epoch' | 'step'

/** The values that were logged, in their order, one and the same in a row once. */
export function valuesOf(marks: readonly LogMark[], unit: Unit): readonly number[] {
  const values = marks.flatMap(mark => (mark[unit] === null ? [] : [mark[unit]]))
  return values.filter((value, at) => at === 0 || value !== values[at - 1])
}

/**
 * The units that the log of an uninterrupted run counts in: those that never go back. A step that begins anew with each epoch, or a second bar
 * of progress, tells nothing of the whole. Steps first: they are finer.
 */
export function unitsOf(marks: readonly LogMark[]): readonly Unit[] {
  return (['step', 'epoch'] as const).filter(unit => {
    const values = valuesOf(marks, unit)
    return values.length > 0 && values.every((value, at) => at === 0 || value > (values[at - 1] ?? 0))
  })
}

/** Whether an uninterrupted log always has the same values: steps in even strides (but for the first and the last), and all epochs. Bars are drawn by time. */
export function isEven(values: readonly number[], unit: Unit): boolean {
  if (unit === 'epoch' || values.length < 4) return true
  const strides = values.slice(1).map((value, at) => value - (values[at] ?? 0))
  return new Set(strides.slice(1, -1)).size <= 1
}

/** Where a checkpoint stands: as it says itself, else as was logged before it was written. null where nothing is known. */
export function positionOf(checkpoint: CheckpointFacts, earlier: readonly AttemptRecord[], unit: Unit): number | null {
  if (checkpoint[unit] !== null) return checkpoint[unit]
  // One that counts in the other unit is not guessed at: the two would not be from the same moment.
  const writtenAt = Date.parse(checkpoint.modified_at)
  const before = earlier.flatMap(({marks}) => marks).filter(({atMs}) => atMs <= writtenAt)
  return valuesOf(before, unit).at(-1) ?? null
}

export const lastOf = (marks: readonly TimedMark[], unit: Unit): number | null => valuesOf(marks, unit).at(-1) ?? null
export const firstOf = (marks: readonly TimedMark[], unit: Unit): number | null => valuesOf(marks, unit)[0] ?? null
