import {savingOf, type Insight} from '../model/insight.js'
import {escapeLine} from './escape-control.js'
import {formatCost} from './money.js'
import {wrapped} from './notes-text.js'
import {paint} from './paint.js'
import {plural} from './plural.js'
import type {RenderEnv} from './render-env.js'
import {shownCost} from './shown-values.js'
import {renderTable, type Column} from './table.js'
import {wrapWords} from './wrap-words.js'

/** A paragraph for each finding, the dearest first, with its command unbroken, so that it can be copied; then the sum. As `text`: a line for each. */
export function renderInsights(insights: readonly Insight[], env: RenderEnv): string {
  if (env.format === 'text') return renderTable(columns(env), insights, env, '')
  if (insights.length === 0) return 'Nothing was found that costs more than it must.'
  return [...insights.map(one => paragraph(one, env)), wrapped(sum(insights), env)].join('\n\n')
}

function paragraph(insight: Insight, env: RenderEnv): string {
  const {at_risk_usd: risk, command, finding, id, name, owner, region, usd_per_month: usd} = insight
  const facts = [name, region, owner].filter(fact => fact !== null)
  const money = usd !== null ? `${formatCost(usd)} a month` : risk !== null ? `${formatCost(risk)} at stake` : MONEY_OF[insight.kind]
  const head = `${TITLES[insight.kind]}: ${id}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}${money === '' ? '' : `: ${money}`}`
  return [
    ...wrapWords(escapeLine(head), env.width).map(line => paint(line, 'bold', env.color)),
    ...wrapWords(escapeLine(finding), Math.max(20, env.width - 2)).map(line => `  ${line}`),
    ...(command === null ? [] : [`  ${escapeLine(command)}`]),
  ].join('\n')
}

const TITLES: Readonly<Record<Insight['kind'], string>> = {
  idle: 'Idle',
  'no-limit': 'No limit',
  oversized: 'Larger than needed',
  'spot-missed': 'Spot would be cheaper',
  'stopped-long': 'Stopped for long',
  unattached: 'Attached to nothing',
  unsynced: 'Only one copy',
}

/** Where no figure is known. Of some kinds nothing is saved by the month. */
const MONEY_OF: Readonly<Record<Insight['kind'], string>> = {
  idle: 'price unknown',
  'no-limit': '',
  oversized: 'saving unknown',
  'spot-missed': 'saving unknown',
  'stopped-long': 'price unknown',
  unattached: 'price unknown',
  unsynced: '',
}

const columns = (env: RenderEnv): readonly Column<Insight>[] => [
  {header: 'KIND', value: ({kind}) => kind},
  {header: 'ID', value: ({id}) => id},
  {header: 'PER MONTH', value: ({usd_per_month: usd}) => shownCost(usd, env)},
  {header: 'AT STAKE', value: ({at_risk_usd: usd}) => shownCost(usd, env)},
  {header: 'FINDING', value: ({finding}) => finding},
  {header: 'COMMAND', value: ({command}) => command},
]

function sum(insights: readonly Insight[]): string {
  const {of, usd} = savingOf(insights)
  const unknown = insights.filter(one => one.usd_per_month === null && MONEY_OF[one.kind] !== '').length
  const rest = unknown > 0 ? `; what ${plural(unknown, 'finding')} would save is unknown` : ''
  return of === 0 ? `${plural(insights.length, 'finding')}${rest}.` : `${plural(insights.length, 'finding')}; together ${formatCost(usd)} a month less${rest}. Of one thing only its largest saving is counted.`
}
