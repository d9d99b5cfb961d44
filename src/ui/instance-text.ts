import type {InstanceState} from '../model/instance.js'
import {formatAgo} from './duration.js'
import {formatHourly} from './money.js'
import {plural} from './plural.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'
import {shownAge, shownCost, shownHourly} from './shown-values.js'
import {instanceStateStyle, instanceStateWords} from './state-words.js'
import {renderTable, type Column} from './table.js'
import {formatTime} from './timestamp.js'

/** An instance and what is known of its money and its work, as `resources list` gives it. */
export interface ResourceRow {
  readonly id: string
  readonly name: string | null
  readonly platform: string
  readonly region: string | null
  readonly state: InstanceState
  readonly state_reason: string | null
  readonly instance_type: string | null
  readonly lifecycle: 'on-demand' | 'spot'
  readonly created_at: string | null
  readonly launched_at: string | null
  /** What it costs an hour now; null where the price is not known. */
  readonly cost_per_hour: number | null
  readonly estimated_cost: number | null
  readonly price_source: string | null
  readonly project: string | null
  readonly owner: string | null
  readonly run: string | null
  readonly last_checkpoint: {readonly path: string; readonly epoch: number | null; readonly step: number | null; readonly at: string} | null
}

export function renderInstance(row: ResourceRow, env: RenderEnv): string {
  const money = `${formatHourly(row.cost_per_hour)}${row.price_source === null ? '' : ` (${row.price_source})`}`
  return renderRecord(
    [
      ['Instance', row.id],
      ['Name', row.name ?? undefined],
      ['State', instanceStateWords(row.state, row.state_reason), instanceStateStyle(row.state)],
      ['Platform', row.region === null ? row.platform : `${row.platform}, ${row.region}`],
      ['Type', `${row.instance_type ?? 'unknown'}${row.lifecycle === 'spot' ? ' (spot)' : ''}`],
      ['Created', timeAndAge(row.created_at, env)],
      ['Launched', timeAndAge(row.launched_at, env)],
      ['Costs', env.format === 'text' ? shownHourly(row.cost_per_hour, env) : money],
      ['So far', shownCost(row.estimated_cost, env)],
      ['Project', row.project ?? undefined],
      ['Owner', row.owner ?? undefined],
      ['Run', row.run ?? undefined],
      ['Checkpoint', row.last_checkpoint === null ? undefined : checkpointWords(row.last_checkpoint, env)],
    ],
    env,
  )
}

/** A table, in `table` format with a last line of sums. */
export function renderInstanceList(rows: readonly ResourceRow[], env: RenderEnv, empty = 'No instances.'): string {
  const table = renderTable(instanceColumns(env), rows, env, empty)
  return env.format === 'text' || rows.length === 0 ? table : `${table}\n\n${sums(rows, env)}`
}

function instanceColumns(env: RenderEnv): readonly Column<ResourceRow>[] {
  return [
    {header: 'ID', value: row => row.id},
    {header: 'NAME', value: row => row.name, minWidth: 8, priority: 6},
    {header: 'PLATFORM', value: row => row.platform, priority: 2},
    {header: 'REGION', value: row => row.region, priority: 1},
    {header: 'STATE', value: row => instanceStateWords(row.state, row.state_reason), style: row => instanceStateStyle(row.state), minWidth: 10},
    {header: 'TYPE', value: row => spotType(row), priority: 7},
    {header: 'UP', value: row => (env.format === 'text' || row.state === 'running' ? shownAge(row.launched_at, env) : null), align: 'right', priority: 8},
    {header: 'PER HOUR', value: row => shownHourly(row.cost_per_hour, env), align: 'right', priority: 9},
    {header: 'COST', value: row => shownCost(row.estimated_cost, env), align: 'right'},
    {header: 'PROJECT', value: row => row.project, minWidth: 8, priority: 5},
    {header: 'OWNER', value: row => row.owner, minWidth: 6, priority: 3},
    {header: 'CHECKPOINT', value: row => row.last_checkpoint?.path ?? null, minWidth: 12, cut: 'start', priority: 4},
  ]
}

function spotType(row: ResourceRow): string | null {
  return row.lifecycle === 'spot' ? `${row.instance_type ?? '?'} (spot)` : row.instance_type
}

function sums(rows: readonly ResourceRow[], env: RenderEnv): string {
  const running = rows.filter(row => row.state === 'running')
  const hourly = running.reduce((sum, row) => sum + (row.cost_per_hour ?? 0), 0)
  const spent = rows.reduce((sum, row) => sum + (row.estimated_cost ?? 0), 0)
  const unknown = rows.filter(row => row.estimated_cost === null || (row.state === 'running' && row.cost_per_hour === null)).length
  const known = `${running.length} of ${plural(rows.length, 'instance')} running: ${formatHourly(hourly)}, ${shownCost(spent, env) ?? ''} so far`
  return unknown === 0 ? known : `${known}, without ${unknown} of unknown price`
}

function timeAndAge(at: string | null, env: RenderEnv): string | null {
  const ago = formatAgo(at, env.now)
  if (env.format === 'text' || ago === null) return at
  return `${formatTime(at) ?? ''} (${ago})`
}

function checkpointWords(checkpoint: NonNullable<ResourceRow['last_checkpoint']>, env: RenderEnv): string {
  const facts = [
    checkpoint.epoch === null ? [] : [`epoch ${checkpoint.epoch}`],
    checkpoint.step === null ? [] : [`step ${checkpoint.step}`],
    [formatAgo(checkpoint.at, env.now) ?? checkpoint.at],
  ].flat()
  return env.format === 'text' ? checkpoint.path : `${checkpoint.path} (${facts.join(', ')})`
}
