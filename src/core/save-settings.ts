/** What of the configuration says how much time a save has. */
export interface SaveSettings {
  /** That a stop gives, in milliseconds (`stop.grace`). */
  readonly graceMs: number
  /** Between two interruptions of a spot instance, in milliseconds: an assumption (`spot.mean_time_to_interruption`). */
  readonly meanTimeToInterruptionMs: number
}
