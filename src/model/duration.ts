/**
 * Lengths of time as people write them: `90s`, `2h`, `1h30m`, `500ms`, `1d`. Units go from large to small, each at most once;
 * a number needs its unit, so that nobody has to guess whether `120` is seconds or minutes.
 */
import {RunctlError} from './errors.js'

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** Anything longer is a slip of the pen, and would not fit into a timer in one piece. */
const LONGEST_MS = 365 * 86_400_000

const SHAPE = /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/

/** Whole milliseconds, or null where the text is no duration. At most 365 days. */
export function tryParseDuration(text: string): number | null {
  const trimmed = text.trim()
  const parts = trimmed === '' || trimmed.length > 60 ? null : SHAPE.exec(trimmed)
  if (!parts) return null
  const ms = Math.round(UNITS.reduce((sum, [, size], index) => sum + Number(parts[index + 1] ?? 0) * size, 0))
  return ms <= LONGEST_MS ? ms : null
}

/** Whole milliseconds. Throws `bad_input` for anything that is no duration, or is longer than 365 days. */
export function parseDuration(text: string): number {
  const ms = tryParseDuration(text)
  if (ms !== null) return ms
  const unitIsMissing = /^\s*\d+(?:\.\d+)?\s*$/.test(text)
  const hint = unitIsMissing ? `write the unit, e.g. ${text.trim()}s` : 'write it like 90s, 2h, 1h30m, 500ms or 1d (at most 365d)'
  throw new RunctlError('bad_input', `${JSON.stringify(text)} is not a duration: ${hint}`)
}

/** The shortest way to write it that {@link parseDuration} reads back: 5_400_000 is `1h30m`, 0 is `0s`. Below zero: with a minus sign. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`
  let rest = Math.round(ms)
  let text = ''
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size)
    if (count > 0) text += `${count}${unit}`
    rest -= count * size
  }
  return text === '' ? '0s' : text
}
