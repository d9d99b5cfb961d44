/**
 * Limits that a machine keeps by itself: hours of running, dollars, idleness. What is asked for by flags and configuration, what that comes to
 * in seconds, and what is known of it afterwards. docs/limits.md says what exactly counts.
 */

/** null: no such limit. As they are on the wire (agent/guard-protocol.ts). */
export interface Limits {
  /** Seconds of running, all starts counted. */
  readonly max_seconds: number | null
  /** US dollars, machine and disks. */
  readonly max_usd: number | null
  /** Seconds without run, login or progress. */
  readonly idle_s: number | null
}
export type LimitName = keyof Limits

export const LIMIT_NAMES = ['max_seconds', 'max_usd', 'idle_s'] as const satisfies readonly LimitName[]
const NO_LIMITS: Limits = {max_seconds: null, max_usd: null, idle_s: null}

/** What is wanted of a machine. A name is in `set` or in `defaults`, or in neither. */
export interface LimitWish {
  /** Said for this command: holds from now on; null takes a limit away. */
  readonly set: Partial<Limits>
  /** From the configuration: for a machine that has no such limit yet. */
  readonly defaults: Partial<Limits>
  /** How long a stop may be put off because nothing good could be saved, in seconds. */
  readonly overrun_s: number
}

/** What a machine says of its limits. As it is on the wire (agent/guard-protocol.ts). */
export interface LimitsInUse extends Limits {
  /** Seconds that it has run, all starts counted. */
  readonly used_seconds: number
  /** null where there is no price. */
  readonly used_usd: number | null
  /** When it stops itself by hours or dollars, whichever comes first, at the present price (ISO 8601, UTC); null: neither is limited. */
  readonly stops_at: string | null
  readonly stops_because: 'dollars' | 'hours' | null
  /** Since when it has been idle; null: it is not, or idleness is not limited. */
  readonly idle_since: string | null
  /** A stop is due, and put off until then at the latest, because nothing good could be saved. */
  readonly put_off: {readonly since: string; readonly until: string; readonly why: string} | null
  /** The last time that it powered itself off. */
  readonly last_stop: {readonly at: string; readonly reason: 'budget' | 'idle'; readonly detail: string} | null
}

/** Limits of a machine as far as they are known. Also its JSON form. */
export interface LimitsState extends LimitsInUse {
  /** `instance`: it said so itself, now. `request`: as it was asked for when it was made. */
  readonly known_from: 'instance' | 'request'
}

/** The limits of a machine that has none yet. */
export const limitsOf = ({defaults, set}: Pick<LimitWish, 'defaults' | 'set'>): Limits => ({...NO_LIMITS, ...defaults, ...set})

export const hasLimits = (limits: Limits): boolean => LIMIT_NAMES.some(name => limits[name] !== null)

/** Whether anything is to be said to a machine about its limits. */
export const isWish = ({defaults, set}: Pick<LimitWish, 'defaults' | 'set'>): boolean => LIMIT_NAMES.some(name => set[name] !== undefined || typeof defaults[name] === 'number')

/** Without the limits named. */
export function withoutLimits(wish: LimitWish, names: readonly LimitName[]): LimitWish {
  const rest = (limits: Partial<Limits>): Partial<Limits> => Object.fromEntries(Object.entries(limits).filter(([name]) => !names.includes(name as LimitName)))
  return {...wish, set: rest(wish.set), defaults: rest(wish.defaults)}
}

/** The agent's guard acts when a limit is reached; this much later, in seconds, the platform's own watch does, in case it has not. */
const WATCH_LATER_S = 60

/** Seconds of running after which the machine is powered off whatever the agent does; null: never. `atMostUsdPerHour`: the most that an hour can cost. */
export function hardSeconds({max_seconds, max_usd}: Limits, overrunS: number, atMostUsdPerHour: number | null): number | null {
  const soft = [max_seconds ?? Infinity, max_usd !== null && atMostUsdPerHour ? (max_usd / atMostUsdPerHour) * 3600 : Infinity]
  const first = Math.min(...soft)
  return first === Infinity ? null : Math.ceil(first + overrunS + WATCH_LATER_S)
}

/** A machine that begins to run now, at this price. */
export function freshState(limits: Limits, usdPerHour: number | null, now: Date): LimitsState {
  const hours = limits.max_seconds ?? Infinity
  const dollars = limits.max_usd !== null && usdPerHour ? (limits.max_usd / usdPerHour) * 3600 : Infinity
  const first = Math.min(hours, dollars)
  return {
    ...limits,
    known_from: 'request',
    used_seconds: 0,
    used_usd: usdPerHour === null ? null : 0,
    stops_at: first === Infinity ? null : new Date(now.getTime() + first * 1000).toISOString(),
    stops_because: first === Infinity ? null : dollars < hours ? 'dollars' : 'hours',
    idle_since: null,
    put_off: null,
    last_stop: null,
  }
}

/** In the tag `runctl:stops-at` of a machine that only idleness stops: no time is known, and limits are kept all the same. */
const WHEN_IDLE = 'when-idle'

/** What the tag `runctl:stops-at` is to say; empty: nothing stops it by itself. */
export const stopsAtTag = (state: LimitsState | null): string =>
  state === null || !hasLimits(state) ? '' : (state.stops_at?.replace(/\.\d+Z$/, 'Z') ?? WHEN_IDLE)

/** The time in such a tag (ISO 8601, UTC); null where it names none. Anyone may have written it. */
export function stopsAtOf(tag: string | undefined): string | null {
  const at = tag === undefined || !/^\d{4}-\d\d-\d\dT/.test(tag) ? Number.NaN : Date.parse(tag)
  return Number.isNaN(at) ? null : new Date(at).toISOString()
}

/** A machine with this tag keeps limits. */
export const tagSaysLimits = (tag: string | undefined): boolean => tag === WHEN_IDLE || stopsAtOf(tag) !== null

/** Prices move a little, and a new machine begins to count a little later than it was asked for: no reason to write a tag. */
const SAME_TIME_MS = 120_000

/** Whether the tag has to be written anew. */
export function isTagOutdated(before: string | undefined, wanted: string): boolean {
  const [then, now] = [stopsAtOf(before), stopsAtOf(wanted)]
  if (then === null || now === null) return (before ?? '') !== wanted
  return Math.abs(Date.parse(then) - Date.parse(now)) > SAME_TIME_MS
}
