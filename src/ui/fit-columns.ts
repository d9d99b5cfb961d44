/** The columns of a table before they are fitted. Widths in terminal columns. */
export interface ColumnExtent {
  /** Of the widest cell, header included. */
  readonly natural: number
  /** How narrow it may get; absent: it is shown whole or not at all. */
  readonly min?: number
  /** The lowest is dropped first; absent: never dropped. */
  readonly priority?: number
}

export interface FittedColumn {
  /** The index in what was given. */
  readonly index: number
  readonly width: number
}

/**
 * Fits columns, `gap` apart, into `available`: first the widest of those that may shrink shrinks, then columns are dropped by
 * priority (of equals the last). What may neither shrink nor go is left too wide: a cut id is of no use to anyone.
 */
export function fitColumns(columns: readonly ColumnExtent[], available: number, gap: number): readonly FittedColumn[] {
  let shown = columns.map((column, index) => ({...column, index}))
  for (;;) {
    const widths = shrink(shown, available - gap * (shown.length - 1))
    const dropped = widths === undefined ? leastImportant(shown) : undefined
    if (dropped === undefined) {
      return shown.map((column, at) => ({index: column.index, width: widths?.[at] ?? leastWidth(column)}))
    }
    shown = shown.filter(column => column.index !== dropped)
  }
}

function shrink(columns: readonly ColumnExtent[], available: number): readonly number[] | undefined {
  const widths = columns.map(column => column.natural)
  const least = columns.map(leastWidth)
  let excess = widths.reduce((sum, width) => sum + width, 0) - available
  if (excess > widths.reduce((sum, width, at) => sum + width - (least[at] ?? width), 0)) return undefined
  while (excess > 0) {
    // The widest that can still give, down to the next widest, so that columns shrink together.
    const givers = widths.map((width, at) => ({at, width, spare: width - (least[at] ?? width)})).filter(giver => giver.spare > 0)
    const widest = givers.reduce((best, giver) => (giver.width > best.width ? giver : best))
    const next = Math.max(0, ...givers.filter(giver => giver.at !== widest.at).map(giver => giver.width))
    const give = Math.max(1, Math.min(excess, widest.spare, widest.width - next))
    widths[widest.at] = widest.width - give
    excess -= give
  }
  return widths
}

function leastWidth(column: ColumnExtent): number {
  return Math.min(column.natural, column.min ?? column.natural)
}

function leastImportant(columns: readonly (ColumnExtent & {readonly index: number})[]): number | undefined {
  let least: {readonly index: number; readonly priority: number} | undefined
  for (const {index, priority} of columns) {
    if (priority !== undefined && (least === undefined || priority <= least.priority)) least = {index, priority}
  }
  return least?.index
}
