import {usdWords} from './amount-words.js'
import type {BudgetForecast} from './budget.js'

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']

/** What is not let through. */
export const isOver = ({verdict}: BudgetForecast): boolean => verdict === 'over' || verdict === 'unknown'

/** `today (UTC) $43.10 of $50.00: $12.30 spent, $6.70 for what is there, $24.10 for this`. */
export function forecastWords({asked_usd: asked, at_least: atLeast, budget_usd: budget, ends_at, ongoing_usd: ongoing, period, spent_usd: spent, total_usd: total}: BudgetForecast): string {
  const when = period === 'day' ? 'today (UTC)' : `in ${MONTHS[new Date(Date.parse(ends_at) - 1).getUTCMonth()] ?? 'this month'} (UTC)`
  const parts = [`${usdWords(spent)} spent`, `${usdWords(ongoing)} for what is there`, asked === null ? 'an unknown price for this' : `${usdWords(asked)} for this`]
  return `${when} ${atLeast ? 'at least ' : ''}${usdWords(total)} of ${usdWords(budget)}: ${parts.join(', ')}`
}
