import type {ExtendResult} from '../core/extend-limits.js'
import {endWords} from '../model/limit-words.js'
import type {LimitName} from '../model/limits.js'
import {limitPairs} from './limits-text.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'

const NAMES: Readonly<Record<LimitName, string>> = {max_seconds: 'hours', max_usd: 'dollars', idle_s: 'idleness'}

/** When it stopped itself before, and when it does now. */
export function renderExtend({before, cost_per_hour: usd, instance_id, limits, newly_set: newly}: ExtendResult, env: RenderEnv): string {
  const nothing = 'nothing stops it by itself'
  const old = before === null ? nothing : env.format === 'text' ? (before.stops_at ?? '-') : endWords(before, usd, env.now).replace(/^stops itself /, '')
  return renderRecord([
    ['Instance', instance_id],
    ['Before', old],
    ...(limits === null ? [['Stops itself', env.format === 'text' ? null : nothing] as const] : limitPairs(limits, usd, env)),
    ['Note', newly.length === 0 ? undefined : `it had no limit of ${newly.map(name => NAMES[name]).join(' and ')}: set, and counted from now`],
  ], env)
}
