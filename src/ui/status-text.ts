import type {ResourceRow} from '../core/list-resources.js'
import type {RunRow} from '../core/list-runs.js'
import type {InstanceStatus} from '../core/show-status.js'
import {goOnLine} from './go-on-text.js'
import {renderInstance, renderInstanceList} from './instance-text.js'
import type {RenderEnv} from './render-env.js'
import {riskLines} from './risk-text.js'
import {renderRun, renderRunList} from './run-text.js'

export function renderStatus(status: InstanceStatus, env: RenderEnv): string {
  const runs = status.runs?.map(run => renderRun(run, env)) ?? []
  const note = status.runs === null ? `Runs: not known: ${status.runs_unknown_because ?? ''}` : status.runs.length === 0 ? 'Runs: none yet' : ''
  // What the tags say of a run is older than what the run itself says.
  const instance = runs.length > 0 ? {...status, run: null, last_checkpoint: null} : status
  const [newest] = status.runs ?? []
  const next = newest === undefined ? '' : goOnLine(newest, status.id, env)
  return [renderInstance(instance, env), ...runs, riskLines(status, env).join('\n'), note, next].filter(part => part !== '').join('\n\n')
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
