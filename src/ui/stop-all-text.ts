import type {StopAllItem} from '../core/stop-all.js'
import {escapeLine} from './escape-control.js'
import {formatHourly} from './money.js'
import {renderNotes, wrapped} from './notes-text.js'
import {plural} from './plural.js'
import type {RenderEnv} from './render-env.js'
import {shownHourly} from './shown-values.js'
import {renderTable, type Column} from './table.js'

/** What was stopped (or would be) and what runs on, with the commands for it. `goOn`: the command that carries the plan out. */
export function renderStopAll(items: readonly StopAllItem[], env: RenderEnv, goOn: string): string {
  const table = renderTable(columns(env), items, env, 'Nothing runs.')
  if (env.format === 'text' || items.length === 0) return table
  const staying = items.filter(({what}) => what === 'left-alone' || what === 'failed').map(({id, name, next, why}) => ({head: name === null ? id : `${id} (${name})`, body: why ?? '', next}))
  const isPlan = items.some(({what}) => what === 'would-stop')
  return [
    table,
    ...renderNotes('What runs on:', staying, env),
    wrapped(sums(items), env),
    ...(isPlan ? [`Nothing was changed. To do it: ${escapeLine(goOn)}`] : []),
  ].join('\n\n')
}

const columns = (env: RenderEnv): readonly Column<StopAllItem>[] => [
  {header: '', value: ({what}) => VERBS[what], style: ({what}) => (what === 'failed' ? 'red' : what === 'left-alone' ? undefined : 'yellow')},
  {header: 'ID', value: ({id}) => id},
  {header: 'NAME', value: ({name}) => name, minWidth: 6, priority: 2},
  {header: 'PLATFORM', value: ({platform}) => platform, priority: 1},
  {header: 'REGION', value: ({region}) => region, priority: 0},
  {header: 'PER HOUR', value: ({usd_per_hour: usd}) => shownHourly(usd, env), align: 'right', priority: 5},
  {header: 'PROJECT', value: ({project}) => project, minWidth: 8, priority: 3},
  {header: 'SAVED', value: ({saved}) => (saved.length === 0 ? null : saved.join(' ')), minWidth: 12, cut: 'start', priority: 4},
  ...(env.format === 'text' ? [{header: 'WHY', value: ({why}: StopAllItem) => why}] : []),
]

const VERBS: Readonly<Record<StopAllItem['what'], string>> = {failed: 'FAILED', 'left-alone': 'left alone', stopped: 'stopped', 'would-stop': 'stop'}

function sums(items: readonly StopAllItem[]): string {
  const chosen = items.filter(({what}) => what === 'stopped' || what === 'would-stop')
  const known = chosen.flatMap(({usd_per_hour: usd}) => usd ?? [])
  const unknown = chosen.length - known.length
  const saves = chosen.length === 0 ? '' : `: ${formatHourly(known.reduce((sum, usd) => sum + usd, 0))} less${unknown > 0 ? `, and what ${unknown} of them cost is unknown` : ''}; their disks go on costing`
  const verb = items.some(({what}) => what === 'would-stop') ? 'would be stopped' : 'stopped'
  return `${plural(chosen.length, 'instance')} ${verb}${saves}; ${items.length - chosen.length} left as they are.`
}
