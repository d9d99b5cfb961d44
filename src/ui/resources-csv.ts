import type {ListedRow} from '../core/list-holdings.js'
import type {PagedText} from './paged-text.js'
import {EXPORTED_FIELDS, exportedValue} from './resource-fields.js'

/**
 * A list as CSV (RFC 4180: a header, CRLF, UTF-8). Names and tags are written by anyone: one that a spreadsheet would take for a formula gets
 * a `'` in front.
 */
export class ResourcesCsv implements PagedText<ListedRow> {
  begin(): string {
    return line(EXPORTED_FIELDS)
  }

  page(rows: readonly ListedRow[]): string {
    return rows.map(row => line(EXPORTED_FIELDS.map(field => exportedValue(row, field) ?? ''))).join('')
  }

  end(): string {
    return ''
  }
}

const line = (values: readonly string[]): string => `${values.map(cell).join(',')}\r\n`

function cell(value: string): string {
  const harmless = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
