import type {BudgetForecast, Wanted} from '../model/budget.js'
import type {CreateInstanceRequest} from '../providers/provider.js'
import {checkBudget, standOf, UnseenBudget} from './check-budget.js'
import type {CreateInput} from './create-instance.js'
import {priceOfNew, type NewLimits} from './create-limits.js'
import type {PlatformDeps} from './platform-deps.js'

type Asked = Pick<CreateInput, 'budget' | 'project'>

/**
 * The tags with which new machines are made because of a budget. Rejects with `over_budget`. Several that are asked for at once fit together or
 * not at all.
 */
export async function tagsByBudget(
  {budget, project}: Asked,
  request: CreateInstanceRequest,
  {count, limits, requestIds}: {readonly count: number; readonly limits: NewLimits | null; readonly requestIds: readonly string[]},
  deps: PlatformDeps,
): Promise<Readonly<Record<string, string>>> {
  if (!budget) return {}
  const price = async (): Promise<number | null> => (limits?.price ?? (await priceOfNew(request, deps))).usd_per_hour
  return checkBudget({project, requestIds, wanted: async () => wanted(count, await price(), limits)}, budget, deps)
}

/** For a plan, whose price is known: where the budgets stand with it. */
export async function planBudget(
  {budget, project}: Asked, {count, limits, usdPerHour}: {readonly count: number; readonly limits: NewLimits | null; readonly usdPerHour: number | null}, deps: PlatformDeps,
): Promise<readonly BudgetForecast[]> {
  if (!budget) return []
  try {
    const stand = await standOf({project, wanted: () => Promise.resolve(wanted(count, usdPerHour, limits))}, budget, deps)
    return stand?.forecasts ?? []
  } catch (error) {
    if (!(error instanceof UnseenBudget)) throw error
    deps.progress.emit({type: 'warning', message: `the budget is left out: ${error.message}`})
    return []
  }
}

function wanted(count: number, usdPerHour: number | null, limits: NewLimits | null): Wanted {
  const {max_seconds: seconds = null, max_usd: usd = null} = limits?.state ?? {}
  return {count, usdPerHour, maxHours: seconds === null ? null : seconds / 3600, maxUsd: usd}
}
