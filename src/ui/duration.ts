import prettyMilliseconds from 'pretty-ms'

/** `0.4s`, `12.3s`, `5m 2s`, `3h 20m`, `4d 2h`. */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, ms)
  if (whole < 59_950) return `${(whole / 1000).toFixed(1)}s`
  return prettyMilliseconds(Math.round(whole / 1000) * 1000, {unitCount: 2})
}

/** How long ago `at` (ISO 8601) was: `now`, `42s`, `5m`, `3h 20m`, `4d`. null where it is not known or not a time. */
export function formatAge(at: string | null, now: Date): string | null {
  const then = at === null ? Number.NaN : Date.parse(at)
  if (Number.isNaN(then)) return null
  const ms = now.getTime() - then
  // Clocks differ a little: what lies ahead is now.
  if (ms < 1000) return 'now'
  if (ms < 60_000) return `${Math.floor(ms / 1000)}s`
  // Minutes below an hour, two units below a day, then days: finer tells nothing.
  const rounded = ms < 86_400_000 ? Math.floor(ms / 60_000) * 60_000 : Math.floor(ms / 86_400_000) * 86_400_000
  return prettyMilliseconds(rounded, {unitCount: 2})
}

/** `12m ago`, `now`, or null. */
export function formatAgo(at: string | null, now: Date): string | null {
  const age = formatAge(at, now)
  return age === null || age === 'now' ? age : `${age} ago`
}
