import type {CreatePlanResult} from '../core/plan-create.js'
import {budgetPairs} from './budget-text.js'
import {formatHourly} from './money.js'
import {renderRecord} from './record.js'
import {limitPairs} from './limits-text.js'
import type {RenderEnv} from './render-env.js'
import {shownHourly} from './shown-values.js'

/** What a create would do; nothing of it has been done. */
export function renderPlan(plan: CreatePlanResult, env: RenderEnv): string {
  const {cost_per_hour: cost, count, platform, settings} = plan
  return renderRecord([
    ['Would create', `${count} on ${platform}`],
    ...Object.entries(settings).map(([name, value]) => [`${name.slice(0, 1).toUpperCase()}${name.slice(1)}`, value] as const),
    ['Costs', env.format === 'text' ? shownHourly(cost, env) : formatHourly(cost)],
    ...limitPairs(plan.limits, plan.count === 0 || cost === null ? null : cost / plan.count, env),
    ...budgetPairs(plan.budget),
  ], env)
}
