/**
 * The files from which completion answers: one for each platform in `completion/` of the cache folder. All in them is from instances, tags and
 * file names, and the file itself may be anything: whoever reads it takes nothing for granted.
 */
export interface KnownValues {
  readonly version: 1
  readonly platform: string
  /** ISO 8601: from then on a completion has them refreshed. */
  readonly refreshAfter: string
  /** ISO 8601: from then on also the suggestions are asked for. */
  readonly suggestAfter: string
  /** Newest first. */
  readonly instances: readonly KnownInstance[]
  /** Newest first. */
  readonly runs: readonly KnownRun[]
  /** Newest first. */
  readonly checkpoints: readonly KnownCheckpoint[]
  readonly suggestions: Readonly<Record<string, readonly KnownSuggestion[]>>
}

export interface KnownInstance {
  readonly id: string
  readonly name: string | null
  readonly state: string
  readonly type: string | null
  readonly project: string | null
  readonly createdAt: string | null
}

export interface KnownRun {
  readonly id: string
  readonly instance: string
  /** null where only the run's id is known, from a tag of its instance. */
  readonly state: string | null
  readonly script: string | null
  readonly project: string | null
}

export interface KnownCheckpoint {
  readonly path: string
  readonly instance: string
  readonly run: string | null
  readonly state: string | null
  readonly step: number | null
}

export interface KnownSuggestion {
  readonly value: string
  readonly description?: string
}
