import type {BudgetForecast} from '../model/budget.js'
import {forecastWords} from '../model/budget-words.js'
import type {Pair} from './record.js'

const VERDICTS = {fits: '', over: 'refused without --over-budget: ', unknown: 'refused without --over-budget: ', warn: 'nearly used up: '} as const

/** Where the budgets stand with what is planned, a line each; nothing where there are none. */
export const budgetPairs = (forecasts: readonly BudgetForecast[]): readonly Pair[] =>
  forecasts.length === 0 ? [] : [['Budget', forecasts.map(forecast => `${VERDICTS[forecast.verdict]}${forecastWords(forecast)}`)]]
