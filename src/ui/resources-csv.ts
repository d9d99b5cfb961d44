import type {ListedRow} from '../core/list-holdings.js'
import {EXPORTED_FIELDS, exportedValue} from './resource-fields.js'

/**
 * A list as CSV (RFC 4180: a header, CRLF, UTF-8), a piece for each page. Names and tags are written by anyone: one that a spreadsheet would
 * take for a formula gets a `'` in front.
 */
export async function* resourcesCsv(pages: AsyncIterable<readonly ListedRow[]>): AsyncGenerator<string, void, undefined> {
  yield line(EXPORTED_FIELDS)
  for await (const page of pages) yield page.map(row => line(EXPORTED_FIELDS.map(field => exportedValue(row, field) ?? ''))).join('')
}

const line = (values: readonly string[]): string => `${values.map(cell).join(',')}\r\n`

function cell(value: string): string {
  const harmless = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
