/**
 * Budgets, looked at before a machine is made or started and while nothing is billed for it. Two such commands at once do not know of each
 * other: both may pass (docs/budgets.md).
 */
import {BUDGET_PERIODS, budgetWindow, forecastBudget, type Budget, type BudgetForecast, type Wanted} from '../model/budget.js'
import {isRunctlError, RunctlError, withContext} from '../model/errors.js'
import {TAGS} from '../model/instance.js'
import {isOver, refusalOf, warningsOf} from './budget-words.js'
import {reviewProject, type ProjectReview} from './review-project.js'
import type {PlatformDeps} from './platform-deps.js'

/** What the person wants of the budget; the same for all that a command makes or starts. */
export interface BudgetTerms {
  /** The amounts that count for a project. */
  readonly amountsOf: (project: string) => Budget
  /** Whose wish it is to go over it; null: nobody's. */
  readonly overBy: string | null
  /** All platforms that are set up: the project's machines may be on any of them. */
  readonly platforms: () => Promise<readonly PlatformDeps[]>
  /** The command as it was typed, with these words added. */
  readonly again: (plus: readonly string[]) => string
}

/** What is about to be made or started. */
export interface BudgetAsk {
  readonly project: string | null
  /** Asked only where there is a budget. */
  readonly wanted: () => Promise<Wanted>
  /** Keys of the creates that are asked for: a machine that one of them has made already is not counted twice. */
  readonly requestIds?: readonly string[]
}

/**
 * The tags that record what was overridden; mostly none. Rejects with `over_budget` where it does not fit, or where its price is not known.
 * Without a budget, and for what costs nothing, nothing is looked at.
 */
export async function checkBudget(ask: BudgetAsk, terms: BudgetTerms, deps: PlatformDeps): Promise<Readonly<Record<string, string>>> {
  const stand = await standOf(ask, terms, deps).catch((error: unknown) => {
    if (terms.overBy === null || !isRunctlError(error) || deps.signal.aborted) throw unless(error, terms)
    deps.progress.emit({type: 'warning', message: `budget: what the project has cost could not be found out: ${error.message}`})
    return 'unseen' as const
  })
  if (stand === null) return {}
  if (stand !== 'unseen') {
    for (const message of warningsOf(stand)) deps.progress.emit({type: 'warning', message})
    if (!stand.forecasts.some(isOver)) return {}
  }
  if (terms.overBy === null && stand !== 'unseen') throw refusalOf(stand, terms.again)
  const record = `${terms.overBy} ${deps.clock.now().toISOString()}`
  deps.progress.emit({type: 'note', message: `over budget on purpose, recorded in the tag ${TAGS.overBudget}: ${record}`})
  return {[TAGS.overBudget]: record}
}

/** Where the budgets of a project stand with what is asked for. */
export interface BudgetStand {
  readonly project: string
  readonly forecasts: readonly BudgetForecast[]
  readonly review: ProjectReview
}

/** null: no budget, or nothing that costs. */
export async function standOf({project, requestIds = [], wanted}: BudgetAsk, terms: BudgetTerms, deps: PlatformDeps): Promise<BudgetStand | null> {
  if (project === null) return null
  const amounts = terms.amountsOf(project)
  const periods = BUDGET_PERIODS.filter(period => amounts[period] !== null)
  if (periods.length === 0) return null
  const asked = await wanted()
  if (asked.usdPerHour === 0) return null
  const others = (await terms.platforms()).filter(({provider}) => provider.name !== deps.provider.name)
  const now = deps.clock.now()
  const review = await reviewProject({project, windows: periods.map(period => ({...budgetWindow(period, now), to: now}))}, [deps, ...others])
  const made = review.machines.filter(({instance: {tags}}) => requestIds.includes(tags[TAGS.createRequest] ?? '')).length
  const forecasts = periods.map((period, at) => forecastBudget(
    {period, amountUsd: amounts[period] ?? 0, warnAt: amounts.warnAt},
    {now, spent: review.spent[at] ?? {usd: null, known_usd: 0, unknown: []}, ongoing: review.machines, wanted: {...asked, count: Math.max(0, asked.count - made)}},
  ))
  return {project, forecasts, review}
}

function unless(error: unknown, {again}: BudgetTerms): unknown {
  if (!isRunctlError(error) || error instanceof RunctlError && error.code === 'bad_input') return error
  return withContext(error, {next: [again(['--over-budget'])]})
}
