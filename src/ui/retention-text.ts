import type {CleanedCheckpoint, CleanedPlace, CleanupResult} from '../core/cleanup-checkpoints.js'
import {formatBytes} from './bytes.js'
import {formatCost} from './money.js'
import {plural} from './plural.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'
import {shownAge, shownBytes, shownNumber} from './shown-values.js'
import {renderTable, type Column} from './table.js'

/** What goes or went, what stays and why, and what that saves. */
export function renderCleanup(result: CleanupResult, env: RenderEnv): string {
  const several = result.places.length > 1
  const table = renderTable(columns(env, several), result.checkpoints, env, 'No checkpoints.')
  if (env.format === 'text' || result.places.length === 0) return table
  return [table, renderRecord(result.places.flatMap(place => placeLines(place, result.dry_run)), env)].join('\n\n')
}

function columns(env: RenderEnv, several: boolean): readonly Column<CleanedCheckpoint>[] {
  return [
    {header: '', value: row => verb(row), style: row => (row.what === 'kept' ? undefined : 'yellow')},
    {header: 'PATH', value: row => row.path, minWidth: 20, cut: 'start'},
    {header: 'STEP', value: row => shownNumber(row.step ?? row.epoch), align: 'right', priority: 2},
    {header: 'SIZE', value: row => shownBytes(row.size_bytes, env), align: 'right', priority: 3},
    {header: 'AGE', value: row => shownAge(row.modified_at, env), align: 'right', priority: 1},
    ...(several || env.format === 'text' ? [{header: 'WHERE', value: (row: CleanedCheckpoint) => row.where, minWidth: 8, priority: 0}] : []),
    {header: 'WHY', value: row => (row.why.length === 0 ? null : row.why.join('; ')), minWidth: 16},
  ]
}

function verb({what}: CleanedCheckpoint): string {
  switch (what) {
    case 'kept': return 'keep'
    case 'removed': return 'removed'
    case 'would-remove': return 'remove'
  }
}

function placeLines(place: CleanedPlace, dryRun: boolean): readonly (readonly [string, string])[] {
  const {kept, kept_bytes, removed, removed_bytes} = place
  return [
    ['In', place.dir],
    [dryRun ? 'Would remove' : 'Removed', `${plural(removed, 'checkpoint')} (${formatBytes(removed_bytes)})${savedWords(place)}`],
    [dryRun ? 'Would keep' : 'Kept', `${plural(kept, 'checkpoint')} (${formatBytes(kept_bytes)})`],
    ...place.notes.map(note => ['Note', note] as const),
  ]
}

/** What keeps its price saves nothing, and says so in its notes. */
function savedWords({price_source, usd_per_month_less: usd}: CleanedPlace): string {
  if (usd === null) return ': what that saves is unknown'
  if (usd === 0) return ''
  return `: ${formatCost(usd)} a month less${price_source === null ? '' : ` (price: ${price_source})`}`
}
