import type {BudgetForecast, Wanted} from '../model/budget.js'
import type {Instance} from '../model/instance.js'
import type {CreateInstanceRequest} from '../providers/provider.js'
import {checkBudget, standOf, UnseenBudget, type BudgetTerms} from './check-budget.js'
import type {CreateInput} from './create-instance.js'
import {hourlyPrice} from './instance-cost.js'
import type {PlatformDeps} from './platform-deps.js'

type Asked = Pick<CreateInput, 'budget' | 'project'>
interface Several {
  readonly count: number
  readonly requestIds: readonly string[]
}

/**
 * The tags with which new machines are made because of a budget. Rejects with `over_budget`. Several that are asked for at once fit together or
 * not at all.
 */
export async function tagsByBudget({budget, project}: Asked, request: CreateInstanceRequest, {count, requestIds}: Several, deps: PlatformDeps): Promise<Readonly<Record<string, string>>> {
  if (!budget) return {}
  const usdPerHour = async (): Promise<number | null> =>
    deps.provider.planCreate ? (await deps.provider.planCreate(request, {signal: deps.signal})).usdPerHour : priceOfNew(request, deps)
  return checkBudget({project, requestIds, wanted: async () => wanted(count, await usdPerHour(), budget)}, budget, deps)
}

/** For a plan, whose price is known: where the budgets stand with it. */
export async function planBudget({budget, project}: Asked, count: number, usdPerHour: number | null, deps: PlatformDeps): Promise<readonly BudgetForecast[]> {
  if (!budget) return []
  try {
    return (await standOf({project, wanted: () => Promise.resolve(wanted(count, usdPerHour, budget))}, budget, deps))?.forecasts ?? []
  } catch (error) {
    if (!(error instanceof UnseenBudget)) throw error
    deps.progress.emit({type: 'warning', message: `the budget is left out: ${error.message}`})
    return []
  }
}

const wanted = (count: number, usdPerHour: number | null, {caps}: BudgetTerms): Wanted => ({count, usdPerHour, ...caps})

/** Of a platform that plans nothing: the price of one that is like it. */
async function priceOfNew({instanceType, tags}: CreateInstanceRequest, deps: PlatformDeps): Promise<number | null> {
  const likeIt: Instance = {
    id: '', platform: deps.provider.name, name: null, state: 'pending', stateReason: null, region: null, instanceType: instanceType ?? null,
    lifecycle: 'on-demand', createdAt: null, launchedAt: null, tags,
  }
  return (await hourlyPrice(likeIt, deps))?.usdPerHour ?? null
}
