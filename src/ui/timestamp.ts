/** `2026-11-23 20:15 UTC` for an ISO 8601 time; null where it is not known; the text itself where it is not a time. */
export function formatTime(at: string | null): string | null {
  if (at === null) return null
  const time = new Date(at)
  if (Number.isNaN(time.getTime())) return at
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
