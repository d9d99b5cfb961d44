import type {SpendingSum, SpendingSummary, SpendingSums, SummaryGroup} from '../core/summarize-spending.js'
import {escapeLine} from './escape-control.js'
import {paint} from './paint.js'
import {plural} from './plural.js'
import type {RenderEnv} from './render-env.js'
import {sumWords} from './sum-words.js'
import {renderTable, type Column} from './table.js'
import {formatTime} from './timestamp.js'
import {wrapWords} from './wrap-words.js'

const MOST_UNKNOWN = 5
const NOT_IN_IT = 'From list prices: without traffic, S3, taxes, discounts, and machines that ended without runctl.'
const HOW = 'By its end: what runs now runs on until it stops itself, and all disks stay. Loose volumes are attached to nothing.'
const HEADERS: Readonly<Record<SummaryGroup, string>> = {owner: 'OWNER', platform: 'PLATFORM', project: 'PROJECT', region: 'REGION', type: 'TYPE'}
const NAMES = {address: ['address', 'addresses'], snapshot: ['snapshot', 'snapshots'], volume: ['loose volume', 'loose volumes']} as const

interface Line extends SpendingSums {
  readonly label: string
  readonly instances: number | null
  readonly running: number | null
  readonly isTotal?: boolean
}

/** A month's spending as a table with its total; below it what is not known and what is not in it. As `text` the lines of the table, amounts exact. */
export function renderSummary(summary: SpendingSummary, env: RenderEnv): string {
  const {groups, others, over, total} = summary
  const lines: readonly Line[] = [
    ...groups.map(group => ({...group, label: group.key ?? 'none'})),
    ...others.map(other => ({...other, label: `${other.count} ${NAMES[other.kind][other.count === 1 ? 0 : 1]}`, instances: null, running: null})),
    {...total, label: 'Total', instances: null, running: null, isTotal: true},
  ]
  const table = renderTable(columns(summary, env), lines, env, '')
  if (env.format === 'text') return table
  const upTo = over ? 'the whole month' : `up to ${formatTime(summary.now) ?? ''}`
  const below = [...unknownLines(summary), ...summary.incomplete.map(what => escapeLine(`Incomplete: ${what}.`.replace(/\.\.$/, '.'))), ...(over ? [] : [HOW]), NOT_IN_IT]
  return [
    paint(`${monthName(summary.month)}, ${upTo}`, 'bold', env.color),
    '',
    table,
    '',
    ...below.flatMap(sentence => wrapWords(sentence, env.width)),
  ].join('\n')
}

function columns({by, over}: SpendingSummary, env: RenderEnv): readonly Column<Line>[] {
  const money = (header: string, of: (line: Line) => SpendingSum | null): Column<Line> =>
    ({header, value: line => shownSum(of(line), env), align: 'right'})
  return [
    {header: HEADERS[by], value: line => line.label, minWidth: 16, style: line => (line.isTotal ? 'bold' : undefined)},
    {header: 'INSTANCES', value: line => (line.instances === null ? null : String(line.instances)), align: 'right', priority: 1},
    {header: 'RUNNING', value: line => (line.running === null ? null : String(line.running)), align: 'right', priority: 2},
    ...(over ? [] : [money('TODAY', line => line.today)]),
    money(over ? 'MONTH' : 'SO FAR', line => line.month),
    ...(over ? [] : [money('BY ITS END', line => line.projection)]),
  ]
}

function shownSum(sum: SpendingSum | null, env: RenderEnv): string | null {
  if (sum === null) return null
  if (env.format === 'text') return sum.usd === null ? 'unknown' : String(sum.usd)
  return sumWords(sum.known_usd, sum.unknown)
}

function unknownLines({unknown}: SpendingSummary): readonly string[] {
  if (unknown.length === 0) return []
  const left = unknown.length - MOST_UNKNOWN
  return [
    ...unknown.slice(0, MOST_UNKNOWN).map(({id, name, why}) => escapeLine(`${id}${name === null ? '' : ` (${name})`}: ${why.join('; ')}`)),
    ...(left > 0 ? [`and parts of ${plural(left, 'more instance')}: --json has them all`] : []),
    '',
  ]
}

const monthName = (month: string): string => new Date(`${month}-01T00:00:00Z`).toLocaleString('en', {month: 'long', year: 'numeric', timeZone: 'UTC'})
