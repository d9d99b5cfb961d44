import Table from 'cli-table3'

import {displayWidth, fitWidth} from './display-width.js'
import {escapeLine} from './escape-control.js'
import {fitColumns, type ColumnExtent} from './fit-columns.js'
import {paint, type Style} from './paint.js'
import type {RenderEnv} from './render-env.js'

const GAP = 2

export interface Column<R> {
  readonly header: string
  /** Raw text, escaped here; null where it is not known or does not apply (shown as `-`). */
  value(row: R): string | null
  /** Left where absent. */
  readonly align?: 'left' | 'right'
  /** The column of the lowest priority is dropped first where a table does not fit; absent: never. */
  readonly priority?: number
  /** It may be cut down to this many columns; absent: it is shown whole or not at all. */
  readonly minWidth?: number
  /** Which end is cut; the end where absent. */
  readonly cut?: 'end' | 'start'
  readonly style?: (row: R) => Style | undefined
}

/**
 * Rows as text, without a final line feed. `table`: with a header, fitted to the width. `text`: a line a row, every column,
 * tab-separated, nothing cut. `empty` is the sentence for a `table` without rows; as `text` that is the empty string.
 */
export function renderTable<R>(columns: readonly Column<R>[], rows: readonly R[], env: RenderEnv, empty: string): string {
  if (rows.length === 0) return env.format === 'text' ? '' : empty
  return new PagedTable(columns, env).page(rows)
}

/**
 * A table of which the rows come page by page: the columns are fitted to the first page, and stay so as long as later pages fit. Where one does
 * not, because a cell is wider or a column that said nothing does now, the table begins anew with a header: nothing is left out for being late.
 */
export class PagedTable<R> {
  /** By column: the widest cell so far, header included; null: the column has said nothing yet. */
  private widths: readonly (number | null)[]
  private shown: readonly {readonly column: Column<R>; readonly index: number; readonly width: number}[] | null = null

  constructor(
    private readonly columns: readonly Column<R>[],
    private readonly env: RenderEnv,
  ) {
    // What may be left out for room is left out where it says nothing.
    this.widths = columns.map(column => (column.priority === undefined ? displayWidth(column.header) : null))
  }

  /** The rows of a page, of which there is at least one, without a final line feed. */
  page(rows: readonly R[]): string {
    const cells = rows.map(row => this.columns.map(column => cellText(column.value(row))))
    if (this.env.format === 'text') return cells.map(line => line.join('\t')).join('\n')
    const widths = this.widths.map((width, at) => widest(this.columns[at]?.header ?? '', width, cells.map(line => line[at] ?? '-')))
    if (this.shown !== null && widths.every((width, at) => width === this.widths[at])) return this.draw(this.shown, rows, cells, false)
    const again = this.shown !== null
    this.widths = widths
    this.shown = this.fit()
    return `${again ? '\n' : ''}${this.draw(this.shown, rows, cells, true)}`
  }

  private fit(): NonNullable<PagedTable<R>['shown']> {
    const telling = this.columns.flatMap((column, index) => {
      const width = this.widths[index] ?? null
      return width === null ? [] : [{column, index, extent: columnExtent(column, width, this.env.width)}]
    })
    return fitColumns(telling.map(({extent}) => extent), this.env.width, GAP).flatMap(({index: at, width}) => {
      const fitted = telling[at]
      return fitted === undefined ? [] : [{column: fitted.column, index: fitted.index, width}]
    })
  }

  private draw(shown: NonNullable<PagedTable<R>['shown']>, rows: readonly R[], cells: readonly (readonly string[])[], withHeader: boolean): string {
    const {color} = this.env
    const table = borderless(shown.map(({column}) => column.align ?? 'left'), shown.map(({width}) => width))
    if (withHeader) table.push(shown.map(({column}) => paint(column.header, 'bold', color)))
    for (const [at, row] of rows.entries()) {
      table.push(
        shown.map(({index, width, column}) => {
          const text = fitWidth(cells[at]?.[index] ?? '-', width, column.cut)
          return paint(text, text === '-' ? 'dim' : column.style?.(row), color)
        }),
      )
    }
    return table
      .toString()
      .split('\n')
      .map(line => line.trimEnd())
      .join('\n')
  }
}

function widest(header: string, before: number | null, texts: readonly string[]): number | null {
  if (before === null && texts.every(text => text === '-')) return null
  return texts.reduce((most, text) => Math.max(most, displayWidth(text)), before ?? displayWidth(header))
}

function columnExtent<R>(column: Column<R>, widestCell: number, available: number): ColumnExtent {
  const header = displayWidth(column.header)
  const priority = column.priority === undefined ? {} : {priority: column.priority}
  if (column.minWidth === undefined) return {natural: widestCell, ...priority}
  // What is wider than the whole line is cut in any case.
  return {natural: Math.min(widestCell, Math.max(available, header)), min: Math.max(column.minWidth, header), ...priority}
}

function cellText(value: string | null): string {
  return value === null || value === '' ? '-' : escapeLine(value)
}

function borderless(aligns: readonly ('left' | 'right')[], widths: readonly number[]): Table.Table {
  const edges = ['top', 'bottom', 'left', 'right', 'mid', 'top-left', 'top-right', 'bottom-left', 'bottom-right']
  const crossings = ['top-mid', 'bottom-mid', 'left-mid', 'mid-mid', 'right-mid']
  return new Table({
    chars: {...Object.fromEntries([...edges, ...crossings].map(name => [name, ''])), middle: ' '.repeat(GAP)},
    colAligns: [...aligns],
    colWidths: [...widths],
    style: {'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true},
  })
}
