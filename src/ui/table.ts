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
  const cells = rows.map(row => columns.map(column => cellText(column.value(row))))
  if (env.format === 'text') return cells.map(line => line.join('\t')).join('\n')
  if (rows.length === 0) return empty
  // What may be left out for room is left out where it says nothing.
  const isTelling = columns.map((column, at) => column.priority === undefined || cells.some(line => line[at] !== '-'))
  if (isTelling.includes(false)) return renderTable(columns.filter((_, at) => isTelling[at]), rows, env, empty)

  const extents = columns.map((column, at) => columnExtent(column, cells.map(line => line[at] ?? ''), env.width))
  const shown = fitColumns(extents, env.width, GAP).flatMap(({index, width}) => {
    const column = columns[index]
    return column === undefined ? [] : [{index, width, column}]
  })
  const table = borderless(shown.map(({column}) => column.align ?? 'left'))
  table.push(shown.map(({column}) => paint(column.header, 'bold', env.color)))
  for (const [at, row] of rows.entries()) {
    table.push(
      shown.map(({index, width, column}) => {
        const text = fitWidth(cells[at]?.[index] ?? '-', width, column.cut)
        return paint(text, text === '-' ? 'dim' : column.style?.(row), env.color)
      }),
    )
  }
  return table
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
}

function columnExtent<R>(column: Column<R>, texts: readonly string[], available: number): ColumnExtent {
  const header = displayWidth(column.header)
  const natural = texts.reduce((most, text) => Math.max(most, displayWidth(text)), header)
  const priority = column.priority === undefined ? {} : {priority: column.priority}
  if (column.minWidth === undefined) return {natural, ...priority}
  // What is wider than the whole line is cut in any case.
  return {natural: Math.min(natural, Math.max(available, header)), min: Math.max(column.minWidth, header), ...priority}
}

function cellText(value: string | null): string {
  return value === null || value === '' ? '-' : escapeLine(value)
}

function borderless(aligns: readonly ('left' | 'right')[]): Table.Table {
  const edges = ['top', 'bottom', 'left', 'right', 'mid', 'top-left', 'top-right', 'bottom-left', 'bottom-right']
  const crossings = ['top-mid', 'bottom-mid', 'left-mid', 'mid-mid', 'right-mid']
  return new Table({
    chars: {...Object.fromEntries([...edges, ...crossings].map(name => [name, ''])), middle: ' '.repeat(GAP)},
    colAligns: [...aligns],
    style: {'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true},
  })
}
