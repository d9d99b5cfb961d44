import type {ResourceRow} from '../core/list-resources.js'
import {timeWords} from '../model/amount-words.js'
import {endWords, momentWords, usedWords} from '../model/limit-words.js'
import type {LimitsState} from '../model/limits.js'
import type {Pair} from './record.js'
import type {RenderEnv} from './render-env.js'
import {formatTime} from './timestamp.js'

/** What is known of when a machine stops itself: a line each. Empty where nothing does that. */
export function limitPairs(limits: LimitsState | null, usdPerHour: number | null, env: RenderEnv): readonly Pair[] {
  if (limits === null) return []
  if (env.format === 'text') return plainPairs(limits)
  const used = limits.known_from === 'instance' ? usedWords(limits) : ''
  return [
    ['Stops itself', [endWords(limits, usdPerHour, env.now).replace(/^stops itself /, ''), ...(used === '' ? [] : [`used: ${used}`]), ...idleLine(limits, env)]],
    ...(limits.put_off === null ? [] : [['Put off', putOffWords(limits.put_off, env.now), 'yellow'] as const]),
  ]
}

/** What the tags say, where the instance was not asked. */
export const stopsAtPair = ({stops_at}: Pick<ResourceRow, 'stops_at'>, env: RenderEnv): readonly Pair[] =>
  stops_at === null ? [] : [['Stops itself', env.format === 'text' ? stops_at : `${formatTime(stops_at) ?? stops_at} at the latest`]]

/** `idle for 12 min (stops at 30 min)` */
function idleLine({idle_s, idle_since}: LimitsState, {now}: RenderEnv): readonly string[] {
  if (idle_since === null || idle_s === null) return []
  const seconds = (now.getTime() - Date.parse(idle_since)) / 1000
  // What it was asked a moment ago is not yet idleness.
  return Number.isNaN(seconds) || seconds < 60 ? [] : [`idle for ${timeWords(seconds)} (stops at ${timeWords(idle_s)})`]
}

/** `stop put off since Tue 18:30 UTC: no space left on the disk; stops Tue 18:45 UTC whatever happens` */
const putOffWords = ({since, until, why}: NonNullable<LimitsState['put_off']>, now: Date): string =>
  `stop put off since ${momentWords(since, now)}: ${why}; stops ${momentWords(until, now)} whatever happens`

/** For programs: seconds, dollars, ISO 8601. */
function plainPairs(limits: LimitsState): readonly Pair[] {
  const figure = (value: number | null): string | null => (value === null ? null : String(value))
  return [
    ['Stops at', limits.stops_at],
    ['Max seconds', figure(limits.max_seconds)],
    ['Used seconds', figure(limits.used_seconds)],
    ['Max USD', figure(limits.max_usd)],
    ['Used USD', figure(limits.used_usd)],
    ['Idle seconds', figure(limits.idle_s)],
    ['Idle since', limits.idle_since],
    ['Put off until', limits.put_off?.until ?? null],
    ['Put off because', limits.put_off?.why ?? null],
  ]
}
