/** Amounts in a sentence for people; in tables and records the forms of `ui` are used. */

/** Below a minute seconds, below two days two units: `42 s`, `12 min`, `3 h 20 min`, `5 days`. Never below zero. */
export function timeWords(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours >= 48) return `${Math.floor(hours / 24)} days`
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Three digits at most: `14 GB`, `1.3 GB`, `67 MB`. */
export function sizeWords(bytes: number): string {
  let [amount, unit] = [Math.max(0, bytes), 0]
  while (amount >= 999.5 && unit < UNITS.length - 1) [amount, unit] = [amount / 1000, unit + 1]
  return `${amount < 10 && unit > 0 ? Number(amount.toFixed(1)) : Math.round(amount)} ${UNITS[unit] ?? ''}`
}

/** An amount of US dollars: `$12.30`, `$0.00`, `<$0.01`. */
export function usdWords(usd: number): string {
  return usd > 0 && usd < 0.005 ? '<$0.01' : `$${usd.toFixed(2)}`
}
