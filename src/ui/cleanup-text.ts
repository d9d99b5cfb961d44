import type {ResourceRow} from '../core/list-resources.js'
import {pathForShell} from '../model/quote-for-shell.js'
import {formatAge} from './duration.js'
import {escapeLine} from './escape-control.js'
import {paint} from './paint.js'
import type {RenderEnv} from './render-env.js'

const HOUR_MS = 3_600_000
/** Who works with a machine has trained on it by then. */
const UNUSED_MS = 3 * HOUR_MS
/** A weekend is no reason to give a disk away. */
const FORGOTTEN_MS = 7 * 24 * HOUR_MS
const MOST_SHOWN = 10

/**
 * What could be cleaned up, a line each with its command, the longest first, from what the list knows; empty where there is nothing. Only what costs
 * money and was made by runctl. Commands are not broken, so that they can be copied. Programs read the rows: as `text` it is empty.
 */
export function renderCleanup(rows: readonly ResourceRow[], env: RenderEnv): string {
  if (env.format === 'text') return ''
  const found = rows.flatMap(row => suggestion(row, env)).toSorted((a, b) => b.ms - a.ms)
  if (found.length === 0) return ''
  const left = found.length - MOST_SHOWN
  return [
    paint('What could be cleaned up:', 'bold', env.color),
    ...found.slice(0, MOST_SHOWN).map(({text}) => `  ${text}`),
    ...(left > 0 ? [`  and ${left} more`] : []),
    'With what each would save: runctl resources insights; as a plan: runctl resources cleanup',
  ].join('\n')
}

interface Suggestion {
  readonly ms: number
  readonly text: string
}

function suggestion(row: ResourceRow, env: RenderEnv): readonly Suggestion[] {
  if (row.cost_per_hour === 0 || !row.made_by_runctl) return []
  if (row.state === 'stopped') return since(row, row.stopped_at, FORGOTTEN_MS, 'terminate', age => `stopped for ${age}, its disk is paid for`, env)
  if (row.state !== 'running' || row.run !== null) return []
  return since(row, row.launched_at, UNUSED_MS, 'stop', age => `running for ${age}, nothing was trained on it`, env)
}

function since(row: ResourceRow, at: string | null, leastMs: number, verb: string, words: (age: string) => string, env: RenderEnv): readonly Suggestion[] {
  const ms = env.now.getTime() - Date.parse(at ?? '')
  const age = formatAge(at, env.now)
  if (age === null || !(ms >= leastMs)) return []
  return [{ms, text: escapeLine(`${row.id}: ${words(age)}: runctl ${pathForShell(row.platform)} ${verb} ${pathForShell(row.id)}`)}]
}
