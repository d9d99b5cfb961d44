import {forecastWords, isOver} from '../model/budget-words.js'
import {RunctlError} from '../model/errors.js'
import {pathForShell} from '../model/quote-for-shell.js'
import type {BudgetStand} from './check-budget.js'
import {stillRunningSentence} from './instance-cost.js'

/** Of what runs, so many are named with the command that stops it. */
const MOST_STOPS = 3

/** A line each. What is refused is not warned of besides. */
export function warningsOf({forecasts, project, review}: BudgetStand): readonly string[] {
  const near = forecasts.filter(({verdict}) => verdict === 'warn').map(forecast => `the budget of ${project} is nearly used up: ${forecastWords(forecast)}`)
  const unknown = [...review.incomplete, ...new Set(review.spent.flatMap(cost => cost.unknown))]
  const [first] = unknown
  const more = unknown.length > 1 ? ` (and ${unknown.length - 1} more)` : ''
  return [...near, ...(first === undefined ? [] : [`the budget of ${project} is reckoned with what is known alone: ${first}${more}`])]
}

/** What goes over, what runs, and every way on. */
export function refusalOf({forecasts, project, review}: BudgetStand, again: (plus: readonly string[]) => string): RunctlError {
  const over = forecasts.filter(isOver)
  const isUnknown = over.every(({verdict}) => verdict === 'unknown')
  const running = review.machines.filter(({instance: {state}}) => state === 'running' || state === 'pending')
  const hours = over.map(({fitting_hours: fitting}) => fitting)
  const fitting = isUnknown || hours.includes(null) ? null : Math.min(...hours.map(each => each ?? 0))
  const what = isUnknown ? `the price of this is not known, so nobody can say whether it fits into the budget of ${project}` : `this would go over the budget of ${project}`
  return new RunctlError('over_budget', `${what}: ${over.map(forecastWords).join('; ')}`, {
    stillRunning: running.map(({instance, usdPerHour}) => stillRunningSentence(instance, usdPerHour === null ? null : {usdPerHour, source: ''})),
    next: [
      ...(fitting === null ? [] : [again(['--max-hours', String(fitting)])]),
      ...running.filter(({usdPerHour}) => usdPerHour !== 0).slice(0, MOST_STOPS).map(({instance: {id, platform}}) => `runctl ${platform} stop ${id}`),
      `runctl resources summary --project ${pathForShell(project)}`,
      again(['--over-budget']),
    ],
    details: {project, budget: forecasts},
  })
}
