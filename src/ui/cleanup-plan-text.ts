import type {ResourceCleanup} from '../core/clean-up.js'
import type {CleanupItem} from '../core/plan-cleanup.js'
import {escapeLine} from './escape-control.js'
import {formatCost} from './money.js'
import {renderNotes, wrapped, type Note} from './notes-text.js'
import {plural} from './plural.js'
import type {RenderEnv} from './render-env.js'
import {shownCost} from './shown-values.js'
import {renderTable, type Column} from './table.js'

/** So many of those that stay are shown; --json has all. */
const MOST_LEFT_SHOWN = 20

/** What goes or went, what stays and why, what it saves. `goOn`: the command that carries the plan out. As `text`: a line for each thing. */
export function renderCleanupPlan(result: ResourceCleanup, env: RenderEnv, goOn: string): string {
  if (env.format === 'text') return renderTable(columns(env), result.items, env, '')
  const going = result.items.filter(({what}) => what === 'would-remove' || what === 'removed' || what === 'failed')
  const parts = [
    going.length === 0 ? 'Nothing to clean up.' : renderTable(goingColumns(env), going, env, ''),
    ...renderNotes('What is gone with them:', [...new Set(going.flatMap(({loses}) => loses ?? []))].map(loses => ({
      head: loses, body: going.filter(item => item.loses === loses).map(({id}) => id).join(' '), next: [],
    })), env),
    ...renderNotes('Not removed, for what is on them:', result.items.filter(({what}) => what === 'refused').map(asNote), env),
    ...leftAlone(result.items.filter(({what}) => what === 'left-alone'), env),
    wrapped(sums(result, going), env),
    ...(result.dry_run && going.length > 0 ? [`Nothing was changed. To do it: ${escapeLine(goOn)}`] : []),
  ]
  return parts.join('\n\n')
}

const asNote = ({id, name, next, why}: CleanupItem): Note => ({head: name === null ? id : `${id} (${name})`, body: why, next})

function leftAlone(items: readonly CleanupItem[], env: RenderEnv): readonly string[] {
  const more = items.length - MOST_LEFT_SHOWN
  const shown = renderNotes('Left alone:', items.slice(0, MOST_LEFT_SHOWN).map(asNote), env)
  return more > 0 ? shown.map(text => `${text}\n  and ${more} more (--json has all)`) : shown
}

function goingColumns(env: RenderEnv): readonly Column<CleanupItem>[] {
  return [
    {header: '', value: ({what}) => VERBS[what], style: ({what}) => (what === 'failed' ? 'red' : 'yellow')},
    {header: 'ID', value: ({id}) => id},
    {header: 'NAME', value: ({name}) => name, minWidth: 6, priority: 2},
    {header: 'KIND', value: ({kind}) => kind, priority: 3},
    {header: 'REGION', value: ({region}) => region, priority: 1},
    {header: 'PER MONTH', value: ({usd_per_month: usd, what}) => (what === 'failed' ? null : shownCost(usd, env)), align: 'right'},
    {header: 'WHY', value: ({why}) => why, minWidth: 30, priority: 4},
  ]
}

const columns = (env: RenderEnv): readonly Column<CleanupItem>[] => [
  {header: '', value: ({what}) => what},
  {header: 'ID', value: ({id}) => id},
  {header: 'KIND', value: ({kind}) => kind},
  {header: 'NAME', value: ({name}) => name},
  {header: 'PLATFORM', value: ({platform}) => platform},
  {header: 'REGION', value: ({region}) => region},
  {header: 'PER MONTH', value: ({usd_per_month: usd}) => shownCost(usd, env)},
  {header: 'WHY', value: ({why}) => why},
]

const VERBS: Readonly<Record<CleanupItem['what'], string>> = {
  failed: 'FAILED',
  'left-alone': 'left alone',
  refused: 'not removed',
  removed: 'removed',
  'would-remove': 'remove',
}

function sums({dry_run, items, unpriced, usd_per_month_less: usd}: ResourceCleanup, going: readonly CleanupItem[]): string {
  const count = going.filter(({what}) => what !== 'failed').length
  const rest = items.length - going.length
  const saves = count === 0 ? '' : `: ${formatCost(usd)} a month less${unpriced > 0 ? `, and what ${unpriced} of them cost is unknown` : ''}`
  return `${plural(count, 'thing')} ${dry_run ? 'would be removed' : 'removed'}${saves}${rest > 0 ? `; ${rest} ${rest === 1 ? 'stays' : 'stay'}` : ''}.`
}
