import type {HoldingRow, ListedRow} from '../core/list-holdings.js'
import type {ResourceRow} from '../core/list-resources.js'
import {renderCleanup} from './cleanup-text.js'
import {instanceColumns} from './instance-text.js'
import type {RenderEnv} from './render-env.js'
import {ResourceTotals} from './resource-totals.js'
import {shownAge, shownCost, shownNumber} from './shown-values.js'
import {PagedTable, type Column} from './table.js'
import {wrapWords} from './wrap-words.js'

/** Of so many is looked whether they could be cleaned up: the list itself knows no end. */
const MOST_CANDIDATES = 1000

/**
 * A list of resources as text, a piece for each page: instances, below them other things, in `table` format the sums at the end and what could
 * be cleaned up. A page has instances alone or other things alone. Each piece ends with a line feed. No more is held than a page.
 */
export async function* resourceListText(pages: AsyncIterable<readonly ListedRow[]>, env: RenderEnv, empty = 'No resources.'): AsyncGenerator<string, void, undefined> {
  const totals = new ResourceTotals()
  const candidates: ResourceRow[] = []
  const instances = new PagedTable(instanceColumns(env), env)
  const others = new PagedTable(holdingColumns(env), env)
  let hasOthers = false
  for await (const page of pages) {
    totals.add(page)
    const rows = page.filter(row => row.kind === 'instance')
    if (rows.length > 0) {
      yield `${instances.page(rows)}\n`
      candidates.push(...rows.filter(row => renderCleanup([row], env) !== '').slice(0, MOST_CANDIDATES - candidates.length))
    }
    const holdings = page.filter(row => row.kind !== 'instance')
    if (holdings.length === 0) continue
    const apart = env.format === 'table' && !hasOthers && totals.rows > holdings.length ? '\n' : ''
    hasOthers = true
    yield `${apart}${others.page(holdings)}\n`
  }
  if (env.format === 'text') return
  if (totals.rows === 0) return yield `${empty}\n`
  yield `\n${totals.lines.flatMap(line => wrapWords(line, env.width)).join('\n')}\n`
  const hints = renderCleanup(candidates, env)
  if (hints !== '') yield `\n${hints}\n`
}

function holdingColumns(env: RenderEnv): readonly Column<HoldingRow>[] {
  return [
    {header: 'ID', value: row => row.id},
    {header: 'KIND', value: row => row.kind},
    {header: 'NAME', value: row => row.name, minWidth: 6, priority: 5},
    {header: 'PLATFORM', value: row => row.platform, priority: 2},
    {header: 'REGION', value: row => row.region, priority: 4},
    {header: 'STATE', value: row => row.state, priority: 8},
    {header: 'TYPE', value: row => row.holding_type, priority: 3},
    {header: 'GIB', value: row => shownNumber(row.disk_gib), align: 'right', priority: 9},
    {header: 'AGE', value: row => shownAge(row.created_at, env), align: 'right', priority: 6},
    {header: 'A MONTH', value: row => shownCost(row.storage_usd_per_month, env), align: 'right'},
    {header: 'ATTACHED TO', value: row => row.attached_to, priority: 10},
    {header: 'PROJECT', value: row => row.project, minWidth: 8, priority: 1},
    {header: 'OWNER', value: row => row.owner, minWidth: 6, priority: 0},
    {header: 'RUNCTL', value: row => (row.made_by_runctl ? 'yes' : 'no'), priority: 7},
  ]
}
