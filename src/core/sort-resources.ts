import {INSTANCE_STATES} from '../model/instance.js'
import {isInstanceRow, type ListedRow} from './list-holdings.js'

export const SORT_KEYS = ['age', 'cost', 'hourly', 'name', 'risk', 'state'] as const
export type SortKey = (typeof SORT_KEYS)[number]

export interface ResourceSort {
  readonly key: SortKey
  /** Money from the least to the most, the newest first, names from Z. */
  readonly reversed: boolean
}

/**
 * The first rows in the order that is wanted: instances, then other things. Money comes from the most to the least, age from the oldest, what
 * is not known always last; of equals the id decides. Where there is a limit, no more than twice so many rows are held at any time.
 */
export class SortedRows {
  private rows: ListedRow[] = []

  constructor(
    private readonly sort: ResourceSort,
    private readonly limit: number,
  ) {}

  add(rows: readonly ListedRow[]): void {
    for (const row of rows) this.rows.push(row)
    if (this.rows.length > 2 * this.limit) this.rows = this.first()
  }

  first(): ListedRow[] {
    return this.rows.sort((a, b) => compare(a, b, this.sort)).slice(0, this.limit)
  }
}

function compare(a: ListedRow, b: ListedRow, {key, reversed}: ResourceSort): number {
  if (isInstanceRow(a) !== isInstanceRow(b)) return isInstanceRow(a) ? -1 : 1
  const [one, other] = [valueOf(a, key), valueOf(b, key)]
  if (one === null || other === null) return one === other ? byId(a, b) : one === null ? 1 : -1
  const order = typeof one === 'string' ? one.localeCompare(String(other)) : one - Number(other)
  return (reversed ? -order : order) || byId(a, b)
}

const byId = (a: ListedRow, b: ListedRow): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

function valueOf(row: ListedRow, key: SortKey): number | string | null {
  switch (key) {
    case 'age':
      return row.created_at
    case 'name':
      return row.name
    case 'state':
      // What costs most first.
      return isInstanceRow(row) ? ['running', ...INSTANCE_STATES].indexOf(row.state) : row.state
    case 'cost':
      return mostFirst(isInstanceRow(row) ? (row.estimated_cost ?? (row.cost_at_least > 0 ? row.cost_at_least : null)) : row.storage_usd_per_month)
    case 'hourly':
      return mostFirst(isInstanceRow(row) ? row.cost_per_hour : row.storage_usd_per_month)
    case 'risk':
      return mostFirst(row.at_risk_usd)
  }
}

const mostFirst = (usd: number | null): number | null => (usd === null ? null : -usd)
