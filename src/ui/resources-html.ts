import type {ListedRow} from '../core/list-holdings.js'
import {escapeLine} from './escape-control.js'
import {formatCost, formatHourly} from './money.js'
import type {PagedText} from './paged-text.js'
import {EXPORTED_FIELDS, exportedValue, type ExportedField} from './resource-fields.js'
import {ResourceTotals} from './resource-totals.js'
import {formatTime} from './timestamp.js'

const STYLE = `
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #1a1a1a; background: #fff; }
table { border-collapse: collapse; }
th, td { padding: .25em .7em; text-align: left; white-space: nowrap; border-bottom: 1px solid #ddd; }
th { position: sticky; top: 0; background: #f4f4f4; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.unknown { color: #a04000; }
p { max-width: 60em; }
`

const NUMBERS: ReadonlySet<ExportedField> = new Set(['at_risk_usd', 'cost_at_least', 'cost_per_hour', 'disk_gib', 'estimated_cost', 'storage_usd_per_month'])

/** A list as one HTML file that needs nothing else: a table in the order of the rows, sums, and when it was made. */
export class ResourcesHtml implements PagedText<ListedRow> {
  private readonly totals = new ResourceTotals()

  constructor(private readonly now: Date) {}

  begin(): string {
    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Resources and what they cost</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Resources and what they cost</h1>
<p>Made by runctl on ${formatTime(this.now.toISOString()) ?? ''}. US dollars, estimated from list prices, without taxes, discounts and traffic. What is not
known is shown as unknown, never as 0.</p>
<table>
<thead><tr>${EXPORTED_FIELDS.map(field => `<th>${field.replaceAll('_', ' ')}</th>`).join('')}</tr></thead>
<tbody>
`
  }

  page(rows: readonly ListedRow[]): string {
    this.totals.add(rows)
    return rows.map(row => `<tr>${EXPORTED_FIELDS.map(field => cell(row, field)).join('')}</tr>\n`).join('')
  }

  end(): string {
    const sums = this.totals.rows === 0 ? ['No resources.'] : this.totals.lines
    return `</tbody>
</table>
${sums.map(sum => `<p><strong>${escapeHtml(sum)}</strong></p>`).join('\n')}
</body>
</html>
`
  }
}

function cell(row: ListedRow, field: ExportedField): string {
  const value = exportedValue(row, field)
  if (value === 'unknown' && NUMBERS.has(field)) return '<td class="number unknown">unknown</td>'
  const text = value === null ? '' : (shown(row, field) ?? value)
  return `<td${NUMBERS.has(field) ? ' class="number"' : ''}>${escapeHtml(escapeLine(text))}</td>`
}

/** Rounded for people; null: as it is. */
function shown(row: ListedRow, field: ExportedField): string | null {
  switch (field) {
    case 'cost_per_hour':
      return formatHourly(row.cost_per_hour)
    case 'at_risk_usd':
    case 'cost_at_least':
    case 'estimated_cost':
    case 'storage_usd_per_month':
      return formatCost(row[field])
    case 'created_at':
    case 'launched_at':
    case 'stopped_at':
    case 'stops_at':
      return formatTime(row[field])
    default:
      return null
  }
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')
