/**
 * What a machine costs, as a cloud bills it: by the second of each start (60 s at least), its disks by the second of their existence. A price is
 * kept with the time that it was paid for, so that a later price changes nothing of the past. What is unknown is null, never 0.
 */

/** `stopped`: the machine is off and only its disks are billed. */
export type SegmentKind = 'on-demand' | 'spot' | 'stopped'

/** A time over which one price held. Also its JSON form. */
export interface CostSegment {
  /** ISO 8601, UTC. */
  readonly from: string
  /** ISO 8601, UTC; null: it goes on. */
  readonly to: string | null
  readonly kind: SegmentKind
  readonly instance_type: string | null
  /** US dollars for an hour of the machine; 0 while it is stopped; null where unknown. */
  readonly usd_per_hour: number | null
  /** US dollars for a month of its disks; null where unknown. */
  readonly storage_usd_per_month: number | null
  /** Where `usd_per_hour` is from: `pricing-api`, `spot-history`, `built-in 2026-11`, `tags`; null where unknown. */
  readonly price_source: string | null
  /** It begins with a start of the machine: what is billed for one is at least a minute. */
  readonly begins_with_start: boolean
}

/** A sum that may have parts which nobody knows. Also its JSON form. */
export interface Cost {
  /** US dollars; null where a part is unknown. */
  readonly usd: number | null
  /** US dollars of the parts that are known. */
  readonly known_usd: number
  /** What is not known, a sentence each. Empty where all is. */
  readonly unknown: readonly string[]
}

/** What remains of an instance's cost when it is gone: kept in the platform's store, else on this machine. Also its JSON form. */
export interface CostRecord {
  readonly version: 1
  readonly id: string
  readonly name: string | null
  readonly platform: string
  readonly region: string | null
  readonly instance_type: string | null
  readonly project: string | null
  readonly owner: string | null
  readonly created_at: string | null
  readonly ended_at: string
  readonly segments: readonly CostSegment[]
}
