import type {HoldingRow, ListedRow} from '../core/list-holdings.js'
import type {ResourceRow} from '../core/list-resources.js'
import {renderCleanup} from './cleanup-text.js'
import {instanceColumns} from './instance-text.js'
import type {PagedText} from './paged-text.js'
import type {RenderEnv} from './render-env.js'
import {ResourceTotals} from './resource-totals.js'
import {shownAge, shownCost, shownNumber} from './shown-values.js'
import {PagedTable, type Column} from './table.js'
import {wrapWords} from './wrap-words.js'

/** Of so many is looked whether they could be cleaned up: the list itself knows no end. */
const MOST_CANDIDATES = 1000

/**
 * A list of resources as text: instances, below them other things; in `table` format the sums at the end, and what could be cleaned up. A page
 * has instances alone or other things alone.
 */
export class ResourceListText implements PagedText<ListedRow> {
  private readonly totals = new ResourceTotals()
  private readonly candidates: ResourceRow[] = []
  private readonly instances: PagedTable<ResourceRow>
  private readonly others: PagedTable<HoldingRow>
  private hasInstances = false
  private hasOthers = false

  constructor(
    private readonly env: RenderEnv,
    private readonly empty = 'No resources.',
  ) {
    this.instances = new PagedTable(instanceColumns(env), env)
    this.others = new PagedTable(holdingColumns(env), env)
  }

  begin(): string {
    return ''
  }

  page(rows: readonly ListedRow[]): string {
    this.totals.add(rows)
    return this.ofInstances(rows.filter(row => row.kind === 'instance')) + this.ofOthers(rows.filter(row => row.kind !== 'instance'))
  }

  end(): string {
    const {candidates, empty, env, totals} = this
    if (env.format === 'text') return ''
    if (totals.rows === 0) return `${empty}\n`
    const sums = totals.lines.flatMap(line => wrapWords(line, env.width)).join('\n')
    const hints = renderCleanup(candidates, env)
    return `\n${sums}\n${hints === '' ? '' : `\n${hints}\n`}`
  }

  private ofInstances(rows: readonly ResourceRow[]): string {
    if (rows.length === 0) return ''
    this.hasInstances = true
    const candidates = rows.filter(row => renderCleanup([row], this.env) !== '')
    this.candidates.push(...candidates.slice(0, MOST_CANDIDATES - this.candidates.length))
    return `${this.instances.page(rows)}\n`
  }

  private ofOthers(rows: readonly HoldingRow[]): string {
    if (rows.length === 0) return ''
    const apart = this.env.format === 'table' && this.hasInstances && !this.hasOthers ? '\n' : ''
    this.hasOthers = true
    return `${apart}${this.others.page(rows)}\n`
  }
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
