/**
 * Budgets, looked at before a machine is made or started and while nothing is billed for it. Two such commands at once do not know of each
 * other: both may pass (docs/budgets.md).
 */
import {BUDGET_PERIODS, budgetWindow, forecastBudget, type Budget, type BudgetForecast, type BudgetPeriod, type BudgetWindow, type Wanted} from '../model/budget.js'
import {isOver} from '../model/budget-words.js'
import {isRunctlError, withContext} from '../model/errors.js'
import {TAGS} from '../model/instance.js'
import {refusalOf, warningsOf} from './budget-words.js'
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
  readonly memory: BudgetMemory
}

/** What one command knows of the projects, by name: it looks once, and holds each machine also against those that it has let through before. */
export interface BudgetMemory {
  readonly reviews: Map<string, Promise<ProjectReview>>
  readonly granted: Map<string, readonly Wanted[]>
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
  const overridden = (): Readonly<Record<string, string>> => {
    const record = `${terms.overBy} ${deps.clock.now().toISOString()}`
    deps.progress.emit({type: 'note', message: `over the budget on purpose: recorded in the tag ${TAGS.overBudget}`})
    return {[TAGS.overBudget]: record}
  }
  let seen: Seen | null
  try {
    seen = await look(ask, terms, deps)
  } catch (error) {
    if (!(error instanceof UnseenBudget)) throw error
    if (terms.overBy === null) throw withContext(error.cause, {next: [terms.again(['--over-budget'])]})
    deps.progress.emit({type: 'warning', message: `what ${ask.project} has cost could not be found out: ${error.message}`})
    return overridden()
  }
  if (seen === null) return {}
  // Nothing is waited for until it is granted: two of one command never count on the same rest.
  const stand = judge(seen, terms.memory)
  const refusal = stand.forecasts.some(isOver) ? refusalOf(stand, terms.again) : null
  if (refusal !== null && terms.overBy === null) throw refusal
  terms.memory.granted.set(stand.project, [...stand.granted, stand.wanted])
  for (const message of [...(refusal === null ? [] : [refusal.message]), ...warningsOf(stand)]) deps.progress.emit({type: 'warning', message})
  return refusal === null ? {} : overridden()
}

/** Where the budgets of a project stand with what is asked for. */
export interface BudgetStand {
  readonly project: string
  readonly forecasts: readonly BudgetForecast[]
  readonly review: ProjectReview
  readonly wanted: Wanted
  readonly granted: readonly Wanted[]
}

/** The same without granting anything. null: no budget, or nothing that costs. Rejects with {@link UnseenBudget} where a platform does not tell what there is. */
export async function standOf(ask: BudgetAsk, terms: BudgetTerms, deps: PlatformDeps): Promise<BudgetStand | null> {
  const seen = await look(ask, terms, deps)
  return seen && judge(seen, terms.memory)
}

interface Seen {
  readonly project: string
  readonly amounts: Budget
  readonly now: Date
  /** What spending of the review belongs to which period. */
  readonly periods: readonly BudgetPeriod[]
  readonly review: ProjectReview
  readonly wanted: Wanted
}

async function look({project, requestIds = [], wanted}: BudgetAsk, terms: BudgetTerms, deps: PlatformDeps): Promise<Seen | null> {
  if (project === null) return null
  const amounts = terms.amountsOf(project)
  const periods = BUDGET_PERIODS.filter(period => amounts[period] !== null)
  if (periods.length === 0) return null
  const asked = await wanted()
  if (asked.usdPerHour === 0) return null
  const now = deps.clock.now()
  const looked = terms.memory.reviews.get(project) ?? reviewAll(project, periods.map(period => ({...budgetWindow(period, now), to: now})), terms, deps)
  terms.memory.reviews.set(project, looked)
  const review = await looked
  const made = review.machines.filter(({instance: {tags}}) => requestIds.includes(tags[TAGS.createRequest] ?? '')).length
  return {project, amounts, now, periods, review, wanted: {...asked, count: Math.max(0, asked.count - made)}}
}

function judge({amounts, now, periods, project, review, wanted}: Seen, memory: BudgetMemory): BudgetStand {
  const granted = memory.granted.get(project) ?? []
  const forecasts = periods.map((period, at) => forecastBudget(
    {period, amountUsd: amounts[period] ?? 0, warnAt: amounts.warnAt},
    {now, spent: review.spent[at] ?? {usd: null, known_usd: 0, unknown: []}, ongoing: review.machines, granted, wanted},
  ))
  return {project, forecasts, review, wanted, granted}
}

async function reviewAll(project: string, windows: readonly BudgetWindow[], terms: BudgetTerms, deps: PlatformDeps): Promise<ProjectReview> {
  try {
    const others = (await terms.platforms()).filter(({provider}) => provider.name !== deps.provider.name)
    return await reviewProject({project, windows}, [deps, ...others])
  } catch (error) {
    throw isRunctlError(error) && !deps.signal.aborted ? new UnseenBudget(error.message, {cause: error}) : error
  }
}

/** Its cause is what the platform said. */
export class UnseenBudget extends Error {}
