import type {ResourceRow} from '../core/list-resources.js'
import type {RunRow} from '../core/list-runs.js'
import type {InstanceStatus} from '../core/show-status.js'
import {wordForShell} from '../model/quote-for-shell.js'
import {escapeLine} from './escape-control.js'
import {goOnLine} from './go-on-text.js'
import {renderInstance, renderInstanceList} from './instance-text.js'
import {limitPairs} from './limits-text.js'
import type {Pair} from './record.js'
import type {RenderEnv} from './render-env.js'
import {riskLines} from './risk-text.js'
import {renderRun, renderRunList} from './run-text.js'

export function renderStatus(status: InstanceStatus, env: RenderEnv): string {
  const runs = status.runs?.map(run => renderRun(run, env)) ?? []
  const note = status.runs === null ? `Runs: not known: ${status.runs_unknown_because ?? ''}` : status.runs.length === 0 ? 'Runs: none yet' : ''
  // What the tags say of a run is older than what the run itself says.
  const instance = runs.length > 0 ? {...status, run: null, last_checkpoint: null} : status
  const [newest] = status.runs ?? []
  const next = newest === undefined ? afterLimit(status, env) : goOnLine(newest, status.id, env)
  return [renderInstance(instance, env, limitsOf(status, env)), ...runs, riskLines(status, env).join('\n'), note, next].filter(part => part !== '').join('\n\n')
}

/** undefined: what the tags say. */
function limitsOf({cost_per_hour, limits, limits_note}: InstanceStatus, env: RenderEnv): readonly Pair[] | undefined {
  if (limits !== null) return limitPairs(limits, cost_per_hour, env)
  return limits_note === null ? undefined : [['Limits', limits_note]]
}

/** The commands to go on with where a limit stopped the machine; empty for others, and for programs. */
function afterLimit({id, platform, run, state, state_reason: reason}: InstanceStatus, env: RenderEnv): string {
  if (env.format === 'text' || state !== 'stopped' || (reason !== 'budget' && reason !== 'idle')) return ''
  const resume = run === null ? [] : [`       runctl checkpoint resume --instance-id ${wordForShell(id)} --run ${wordForShell(run)} --wait`]
  return [`Go on: runctl ${platform} start ${wordForShell(id)} --wait --max-hours 8`, ...resume].map(line => escapeLine(line)).join('\n')
}

export interface OverviewFacts {
  readonly instances: readonly ResourceRow[]
  readonly active_runs: readonly RunRow[]
  readonly cost_per_hour: number | null
}

export function renderOverview(overview: OverviewFacts, env: RenderEnv): string {
  const instances = renderInstanceList(overview.instances, env, 'No instances: nothing runs, nothing costs.')
  if (env.format === 'text') return [instances, renderRunList(overview.active_runs, env)].filter(part => part !== '').join('\n')
  const runs = renderRunList(overview.active_runs, env, 'No active runs.')
  return overview.instances.length === 0 ? instances : `${instances}\n\n${runs}`
}
