import {usdWords} from '../model/amount-words.js'

/** Dollars for an hour: `$1.006/h`, `$0.0104/h`, `$0.00/h`; `unknown` for null, never zero. */
export function formatHourly(usdPerHour: number | null): string {
  if (usdPerHour === null) return 'unknown'
  // Small machines differ in the fourth digit.
  const digits = usdPerHour < 0.1 ? 4 : 3
  return `$${usdPerHour.toFixed(digits).replace(/(\.\d\d\d*?)0+$/, '$1')}/h`
}

/** An amount of dollars: `$12.30`, `$0.00`, `<$0.01`; `unknown` for null, never zero. */
export function formatCost(usd: number | null): string {
  return usd === null ? 'unknown' : usdWords(usd)
}
