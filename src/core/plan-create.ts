import type {BudgetForecast} from '../model/budget.js'
import {RunctlError} from '../model/errors.js'
import type {LimitsState} from '../model/limits.js'
import {planBudget} from './create-budget.js'
import {createRequest, type CreateInput} from './create-instance.js'
import {newLimits} from './create-limits.js'
import type {PlatformDeps} from './platform-deps.js'

/** What a create would do. Money in US dollars, null where unknown. */
export interface CreatePlanResult {
  readonly dry_run: true
  readonly platform: string
  readonly count: number
  /** What is settled, by its name: `image`, `type`, `zone`. Which names there are depends on the platform. */
  readonly settings: Readonly<Record<string, string>>
  /** For one hour of all of them, running. */
  readonly cost_per_hour: number | null
  /** When each of them would stop itself if it were made now; null: nothing does that. */
  readonly limits: LimitsState | null
  /** Where the project's budgets stand with it; empty where there is none, and where it costs nothing. */
  readonly budget: readonly BudgetForecast[]
}

/** Finds out what `createInstances` would do and whether it may; no step runs, nothing is changed. Rejects with `bad_input` where a platform cannot tell. */
export async function planCreate(input: CreateInput, count: number, deps: PlatformDeps): Promise<CreatePlanResult> {
  const {provider, signal} = deps
  if (!provider.planCreate) {
    throw new RunctlError('bad_input', `${provider.name} cannot tell beforehand what it would create: leave --dry-run out`, {next: [`runctl ${provider.name} create`]})
  }
  const limits = input.limits ? await newLimits(input.limits, createRequest(input), deps) : null
  const {settings, usdPerHour} = await provider.planCreate(createRequest(input, limits), {signal})
  const budget = await planBudget(input, {count, limits, usdPerHour}, deps)
  return {dry_run: true, platform: provider.name, count, settings, cost_per_hour: usdPerHour === null ? null : usdPerHour * count, limits: limits?.state ?? null, budget}
}
