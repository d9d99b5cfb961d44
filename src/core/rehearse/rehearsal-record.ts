/** What a drill has seen, for the verdict. Times are milliseconds since 1970 here. */
import type {Checkpoint, CheckpointState} from '../../model/checkpoint.js'
import type {KillKind} from './kill-kinds.js'
import type {TimedMark} from './log-timeline.js'

/** As much of a checkpoint as the verdict asks for. Also its JSON form. */
export interface CheckpointFacts {
  readonly path: string
  readonly state: CheckpointState
  readonly step: number | null
  readonly epoch: number | null
  readonly sha256: string | null
  readonly modified_at: string
}

export const factsOf = ({epoch, modified_at, path, sha256, state, step}: Pick<Checkpoint, keyof CheckpointFacts>): CheckpointFacts =>
  ({path, state, step, epoch, sha256, modified_at})

export interface KillRecord {
  readonly kind: KillKind
  readonly atMs: number
  /** What was done, in words: `SIGKILL while checkpoints/last.pt was being written`. */
  readonly did: string
  /** The newest one on the disk just after, whatever its state. */
  readonly newest: CheckpointFacts | null
  /** From the asking to the end of the save, in seconds; null where nothing was asked. */
  readonly saveTook_s: number | null
  /** Whether a checkpoint was written because it was asked for; null where nothing was asked. */
  readonly savedOnRequest: boolean | null
  /** A file that was there before was being written over, in its place. */
  readonly overwrote: string | null
}

export interface AttemptRecord {
  readonly runId: string
  readonly startedAtMs: number
  readonly marks: readonly TimedMark[]
  readonly resumedFrom: CheckpointFacts | null
  /** Why it began from nothing although it should have gone on; null where it went on, or was the first. */
  readonly resumeRefused: string | null
  readonly passedOver: readonly {readonly path: string; readonly why: string}[]
  /** Somebody had seen a complete checkpoint of this round before its end. */
  readonly sawGood: boolean
  readonly end: 'completed' | 'failed' | 'killed' | 'unfinished'
  /** `failed (exit 3)`: where it failed by itself. */
  readonly endWords: string
  readonly kill: KillRecord | null
}

/** What a training has left behind when it had ended. */
export interface EndState {
  /** Verified; the newest. */
  readonly good: CheckpointFacts | null
  /** Whatever its state. */
  readonly newest: CheckpointFacts | null
  readonly checkpointCount: number
  /** Digests of the files in the output folder, by path; those that cannot be had are left out. */
  readonly outputs: ReadonlyMap<string, string>
}

/** From nothing to the end, through some kills. */
export interface RoundRecord {
  readonly attempts: readonly AttemptRecord[]
  /** null where it did not come to an end. */
  readonly end: EndState | null
}

export interface ReferenceRecord {
  readonly attempt: AttemptRecord
  readonly end: EndState
  readonly durationMs: number
}
