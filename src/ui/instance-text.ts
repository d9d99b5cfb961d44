import type {ResourceRow} from '../core/list-resources.js'
import {formatAgo} from './duration.js'
import {formatCost, formatHourly} from './money.js'
import {plural} from './plural.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'
import {shownAge, shownCost, shownHourly} from './shown-values.js'
import {instanceStateStyle, instanceStateWords} from './state-words.js'
import {renderTable, type Column} from './table.js'
import {formatTime} from './timestamp.js'

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
      ['Disks', disks(row, env)],
      ['So far', costInWords(row, env)],
      ['Stops at', row.stops_at === null ? undefined : env.format === 'text' ? row.stops_at : formatTime(row.stops_at)],
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
  return env.format === 'text' || rows.length === 0 ? table : `${table}\n\n${sums(rows)}`
}

export function instanceColumns(env: RenderEnv): readonly Column<ResourceRow>[] {
  return [
    {header: 'ID', value: row => row.id},
    {header: 'NAME', value: row => row.name, minWidth: 6, priority: 7},
    {header: 'PLATFORM', value: row => row.platform, priority: 2},
    {header: 'REGION', value: row => row.region, priority: 1},
    {header: 'STATE', value: row => row.state, style: row => instanceStateStyle(row.state)},
    {header: 'WHY', value: row => row.state_reason, priority: 6},
    {header: 'TYPE', value: row => spotType(row), priority: 8},
    {header: 'UP', value: row => upFor(row, env), align: 'right', priority: 9},
    {header: 'PER HOUR', value: row => shownHourly(row.cost_per_hour, env), align: 'right', priority: 10},
    {header: 'COST', value: row => costSoFar(row, env), align: 'right'},
    {header: 'AT RISK', value: row => (row.at_risk_usd === null ? null : shownCost(row.at_risk_usd, env)), align: 'right', priority: 11},
    {header: 'PROJECT', value: row => row.project, minWidth: 8, priority: 5},
    {header: 'OWNER', value: row => row.owner, minWidth: 6, priority: 3},
    {header: 'CHECKPOINT', value: row => row.last_checkpoint?.path ?? null, minWidth: 12, cut: 'start', priority: 4},
  ]
}

function upFor(row: ResourceRow, env: RenderEnv): string | null {
  return env.format === 'text' || row.state === 'running' ? shownAge(row.launched_at, env) : null
}

/** `$12.34`; `$3.10+` where a part of it is not known, `unknown` where all is. */
function costSoFar({cost_at_least, estimated_cost}: ResourceRow, env: RenderEnv): string | null {
  if (estimated_cost !== null || env.format === 'text' || cost_at_least === 0) return shownCost(estimated_cost, env)
  return `${formatCost(cost_at_least)}+`
}

/** With what is in it, or why it is not known. */
function costInWords({cost_at_least, cost_unknown, estimated_cost}: ResourceRow, env: RenderEnv): string | null {
  if (env.format === 'text') return shownCost(estimated_cost, env)
  if (estimated_cost !== null) return `${formatCost(estimated_cost)}${estimated_cost === 0 ? '' : ' (machine and disks)'}`
  const why = cost_unknown.length === 0 ? '' : `: ${cost_unknown.join('; ')}`
  return `unknown${cost_at_least === 0 ? '' : `; at least ${formatCost(cost_at_least)}`}${why}`
}

/** Nothing of a platform whose disks cost nothing. */
function disks({disk_gib, storage_usd_per_month}: ResourceRow, env: RenderEnv): string | undefined {
  if (env.format === 'text') return storage_usd_per_month === null ? '-' : String(storage_usd_per_month)
  if (storage_usd_per_month === 0) return undefined
  const size = disk_gib === null ? '' : `${disk_gib} GiB, `
  return `${size}${storage_usd_per_month === null ? 'unknown price' : `${formatCost(storage_usd_per_month)} a month, running or not`}`
}

function spotType(row: ResourceRow): string | null {
  return row.lifecycle === 'spot' ? `${row.instance_type ?? '?'} spot` : row.instance_type
}

function sums(rows: readonly ResourceRow[]): string {
  const running = rows.filter(row => row.state === 'running')
  const hourly = running.reduce((sum, row) => sum + (row.cost_per_hour ?? 0), 0)
  const spent = rows.reduce((sum, row) => sum + row.cost_at_least, 0)
  const unknown = rows.filter(row => row.estimated_cost === null || (row.cost_per_hour === null && row.state === 'running')).length
  const count = `${running.length} of ${plural(rows.length, 'instance')} running`
  const known = `${count}: ${formatHourly(hourly)}, ${unknown > 0 && spent > 0 ? 'at least ' : ''}${formatCost(spent)} so far`
  return unknown === 0 ? known : `${known}; the cost of ${unknown} is not known${spent > 0 ? ' in full' : ''}`
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
