/** The verb `guard`: limits that the instance keeps by itself. The other side is agent/runctl_agent/guard.py; docs/limits.md explains it. */

/**
 * The limits of an instance, kept by the agent's guard: a process of its own that outlives runs and callers and is there again after a restart.
 * Times count while the machine runs, over all its starts.
 */
export interface GuardLimits {
  /** Seconds of running; null: no such limit. */
  readonly max_seconds: number | null
  /** US dollars, machine and disks; null: no such limit. */
  readonly max_usd: number | null
  /** Seconds without run, login or progress; null: no such limit. */
  readonly idle_s: number | null
}

/** What an hour of the machine costs, for a limit in dollars. */
export interface GuardPrice {
  /** null: unknown; then a limit in dollars is refused. */
  readonly usd_per_hour: number | null
  /** The most that an hour can come to cost without anybody asking again (on-demand price, or the maximum bid, of a spot machine). */
  readonly at_most_usd_per_hour: number | null
  /** Disks, US dollars an hour, running or not; null: unknown, and not counted. */
  readonly storage_usd_per_hour: number | null
  /** A spot machine, whose price changes: the guard asks for it where the instance's role may, else it reckons with the most. */
  readonly spot: {readonly instance_type: string; readonly zone: string} | null
}

export interface GuardRequest {
  readonly request_id: string
  /** Limits counted from now: what has run up to now comes on top. Absent names stay as they are; null takes a limit away. */
  readonly set?: Partial<GuardLimits>
  /** These names of `set` (true: all of them) are set only where there is no such limit yet. */
  readonly only_unset?: boolean | readonly (keyof GuardLimits)[]
  /** Added to the limits that there are; `wrong_state` where there is none to extend. */
  readonly extend?: {readonly seconds?: number; readonly usd?: number}
  /** How long a stop may be put off by a save that is refused, in seconds. Default 900. */
  readonly overrun_s?: number
  readonly price?: GuardPrice
  /** See SelfStop: POSIX sh that sets the platform's watch up; null or absent: nothing to set up. */
  readonly install?: string | null
  readonly access?: {readonly region: string; readonly endpoint: string | null} | null
  readonly ends_as?: 'stop' | 'terminate'
}

export interface GuardAnswer extends GuardLimits {
  /** Seconds that the machine has run, all starts counted. */
  readonly used_seconds: number
  /** null where there is no price. */
  readonly used_usd: number | null
  /** When it stops itself by hours or dollars, whichever comes first, at the present price; null: neither is limited. */
  readonly stops_at: string | null
  readonly stops_because: 'dollars' | 'hours' | null
  /** Since when it has been idle; null: it is not, or idleness is not limited. */
  readonly idle_since: string | null
  /** A stop is due, and put off until then at the latest, because nothing good could be saved. */
  readonly put_off: {readonly since: string; readonly until: string; readonly why: string} | null
  /** The last time that the guard powered the machine off. */
  readonly last_stop: {readonly at: string; readonly reason: 'budget' | 'idle'; readonly detail: string} | null
}
