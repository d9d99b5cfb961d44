import type {ListedRow} from '../core/list-holdings.js'

/** The fields of an exported list: one column each, in this order. The names are those of the JSON. */
export const EXPORTED_FIELDS = [
  'kind', 'id', 'name', 'platform', 'region', 'state', 'state_reason', 'instance_type', 'lifecycle', 'created_at', 'launched_at', 'stopped_at', 'cost_per_hour',
  'estimated_cost', 'cost_at_least', 'price_source', 'storage_usd_per_month', 'disk_gib', 'project', 'owner', 'run', 'last_checkpoint', 'at_risk_usd', 'stops_at',
  'made_by_runctl', 'attached_to',
] as const
export type ExportedField = (typeof EXPORTED_FIELDS)[number]

/**
 * A field in words, exact: numbers as they are, times as ISO 8601. null where it does not apply or nobody set it; a price or a cost that is not
 * known is `unknown`, so that no spreadsheet takes it for 0.
 */
export function exportedValue(row: ListedRow, field: ExportedField): string | null {
  switch (field) {
    case 'cost_per_hour':
      // What is no machine has no price an hour.
      return row.kind === 'instance' ? knownOr(row.cost_per_hour) : null
    case 'estimated_cost':
    case 'storage_usd_per_month':
      return knownOr(row[field])
    case 'instance_type':
      return row.kind === 'instance' ? row.instance_type : row.holding_type
    case 'last_checkpoint':
      return row.last_checkpoint?.path ?? null
    case 'made_by_runctl':
      return row.made_by_runctl ? 'yes' : 'no'
    default: {
      const value = row[field]
      return value === null ? null : String(value)
    }
  }
}

const knownOr = (usd: number | null): string => (usd === null ? 'unknown' : String(usd))
