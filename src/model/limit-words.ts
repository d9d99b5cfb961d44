/** Limits in sentences for people. */
import {timeWords} from './amount-words.js'
import {hasLimits, type LimitsState} from './limits.js'

/** What a machine costs and when it ends its own time. */
export interface LaunchFacts {
  readonly id: string
  readonly platform: string
  readonly instance_type: string | null
  readonly lifecycle: 'on-demand' | 'spot'
  /** US dollars; null where unknown. */
  readonly cost_per_hour: number | null
  readonly price_source: string | null
}

/**
 * The first line after a launch: `t3.medium at $0.0416/h (pricing-api); stops itself Tue 18:30 UTC at the latest (8 h, $0.33), or after 30 min idle`.
 * null where there is nothing to tell: it costs nothing and keeps no limits. `canLimit`: machines of this platform can stop themselves. `unasked`: it keeps limits, and only it knows how much of them is left.
 */
export function launchWords(facts: LaunchFacts, limits: LimitsState | 'unasked' | null, now: Date, canLimit = true): string | null {
  const {cost_per_hour: usd, id, instance_type, lifecycle, platform, price_source} = facts
  const isLimited = limits !== null && (limits === 'unasked' || hasLimits(limits))
  if (usd === 0 && !isLimited) return null
  const what = `${instance_type ?? 'a machine'}${lifecycle === 'spot' ? ' spot' : ''}`
  const price = usd === null ? ', price unknown' : ` at ${perHour(usd)}${price_source === null ? '' : ` (${price_source})`}`
  return `${what}${price}; ${ending()}`

  function ending(): string {
    if (!canLimit) return 'nothing stops it by itself'
    if (!isLimited) return `nothing stops it by itself: runctl ${platform} extend ${id} --hours 8`
    return limits === 'unasked' ? `it keeps limits: runctl ${platform} status ${id} says when it stops itself` : endWords(limits, usd, now)
  }
}

/** `stops itself Tue 18:30 UTC at the latest (8 h, $0.33), or after 30 min idle` */
export function endWords(limits: LimitsState, usdPerHour: number | null, now: Date): string {
  const {idle_s, stops_at} = limits
  const idle = idle_s === null ? '' : `after ${lengthWords(idle_s)} idle`
  if (stops_at === null) return idle === '' ? 'stops itself at its limit' : `stops itself ${idle}`
  return `stops itself ${momentWords(stops_at, now)} at the latest (${allowance(limits, usdPerHour, now)})${idle === '' ? '' : `, or ${idle}`}`
}

/** What is left until then, and what that costs where the price is known: `8 h, $0.33`. By dollars: what is left of them, `$5.00, 12 h`. */
function allowance({max_usd, stops_at, stops_because, used_usd}: LimitsState, usdPerHour: number | null, now: Date): string {
  const seconds = Math.max(0, (Date.parse(stops_at ?? '') - now.getTime()) / 1000)
  // A moment has passed since it was set: whole minutes are meant.
  const length = lengthWords(seconds < 120 ? seconds : Math.round(seconds / 60) * 60)
  if (stops_because === 'dollars' && max_usd !== null && used_usd !== null) return `${dollars(Math.max(0, max_usd - used_usd))}, ${length}`
  return usdPerHour === null || usdPerHour === 0 ? length : `${length}, ${dollars((seconds / 3600) * usdPerHour)}`
}

/** What of its limits a machine has used: `3 h 12 min of 8 h, $0.13 of $5.00`. Empty where neither hours nor dollars are limited. */
export function usedWords({max_seconds, max_usd, used_seconds, used_usd}: LimitsState): string {
  return [
    ...(max_seconds === null ? [] : [`${lengthWords(used_seconds)} of ${lengthWords(max_seconds)}`]),
    ...(max_usd === null ? [] : [`${used_usd === null ? 'unknown' : dollars(used_usd)} of ${dollars(max_usd)}`]),
  ].join(', ')
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const WEEK_MS = 6 * 86_400_000

/** `Tue 18:30 UTC` within six days, else with the date. */
export function momentWords(at: string, now: Date): string {
  const time = new Date(at)
  if (Number.isNaN(time.getTime())) return at
  // A time that was reckoned a moment ago is meant to the minute.
  const iso = new Date(Math.round(time.getTime() / 60_000) * 60_000).toISOString()
  const day = Math.abs(time.getTime() - now.getTime()) < WEEK_MS ? (DAYS[new Date(iso).getUTCDay()] ?? '') : iso.slice(0, 10)
  return `${day} ${iso.slice(11, 16)} UTC`
}

/** Limits are often whole hours of days: `72 h`, where a time that has passed is `3 days`. */
function lengthWords(seconds: number): string {
  const hours = Math.round(seconds / 60) / 60
  return hours >= 48 ? `${Number.isInteger(hours) ? hours : hours.toFixed(1)} h` : timeWords(seconds)
}

const perHour = (usd: number): string => (usd === 0 ? '$0.00/h' : `$${usd.toFixed(usd < 0.1 ? 4 : 3).replace(/(\.\d\d\d*?)0+$/, '$1')}/h`)
const dollars = (usd: number): string => (usd > 0 && usd < 0.005 ? '<$0.01' : `$${usd.toFixed(2)}`)
