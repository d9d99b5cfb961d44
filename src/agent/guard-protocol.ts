/** The verb `guard`: limits that the instance keeps by itself. The other side is agent/runctl_agent/guard.py; docs/limits.md explains it. */
import type {Limits, LimitsInUse} from '../model/limits.js'

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

/**
 * To the agent's guard, a process of its own that outlives runs and callers and is there again after a restart. Times count while the machine runs,
 * over all its starts.
 */
export interface GuardRequest {
  readonly request_id: string
  /** Limits counted from now: what has run up to now comes on top. Absent names stay as they are; null takes a limit away. */
  readonly set?: Partial<Limits>
  /** These names of `set` (true: all of them) are set only where there is no such limit yet. */
  readonly only_unset?: boolean | readonly (keyof Limits)[]
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

export type GuardAnswer = LimitsInUse
