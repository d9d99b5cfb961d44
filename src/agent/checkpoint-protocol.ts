/** The agent's verbs about checkpoints, as they are on the wire; the others are in protocol.ts. */
import type {Checkpoint} from '../model/checkpoint.js'
import type {CheckpointXray} from '../model/checkpoint-xray.js'

/** Judges checkpoints of a further format, on the instance: a Python module of a plugin (docs/checkpoints.md). */
export interface FormatModule {
  /** `gguf` */
  readonly name: string
  /** Of file names, lower case, with the dot: `.gguf`. */
  readonly extensions: readonly string[]
  /** Python 3.8, standard library only; at most 64 KiB. */
  readonly source: string
}

export interface CheckpointsRequest {
  /** The checkpoints that this run wrote. */
  readonly run_id?: string
  /** All that are in the project's checkpoint folder. Neither: of the newest run's project. */
  readonly project?: string
  /** Any folder; absolute, or relative to the home folder. */
  readonly dir?: string
  readonly patterns?: readonly string[]
  /** Only this one, by its path. */
  readonly path?: string
  /** The most bytes of the answer (one checkpoint is given all the same); what does not fit is left for a next call (`more`). */
  readonly max_bytes?: number
  /** Only paths that sort after this one. */
  readonly after?: string
  readonly formats?: readonly FormatModule[]
}
export interface CheckpointsAnswer {
  /** Oldest first; by path where `max_bytes` or `after` is given. */
  readonly checkpoints: readonly Checkpoint[]
  /** There are further paths after the last one given; ask again with `after`. */
  readonly more?: boolean
  readonly dir: string
  readonly project_dir: string | null
  /** Of all, whatever part of them this answer gives. */
  readonly latest_good: Checkpoint | null
  /** The newest ones first, as many as fit. */
  readonly latest_good_skipped: readonly {readonly path: string; readonly why: string}[]
}

/** Looks into one checkpoint: a `path` on the machine that is asked, or an object in a store that is read by ranges. */
export interface InspectRequest {
  /** Absolute, or relative to the folder of the project (of `run_id`, `project`, else the newest run); else to the home folder. */
  readonly path?: string
  readonly run_id?: string
  readonly project?: string
  readonly object?: {
    /** The file's name, or the folder's: tells the format, step and epoch. */
    readonly name: string
    /** One entry with the path `''` for a file. Presigned for GET. */
    readonly files: readonly {readonly path: string; readonly size_bytes: number; readonly url: string}[]
    readonly modified_at: string
  }
  /** Read every byte: checksums inside, and a digest of each tensor. False: headers and tables only. */
  readonly full: boolean
  readonly max_tensors: number
  /** Only tensors whose name sorts after this one. */
  readonly after?: string
  /** The most bytes of the answer; tensors and files that do not fit are counted (`tensors_left_out`, `files_left_out`). */
  readonly max_bytes?: number
  readonly formats?: readonly FormatModule[]
}
export interface InspectAnswer {
  /** Of an object its `places` are empty and its `sha256` is null unless all of it was read. */
  readonly checkpoint: Checkpoint
  /** null where the format has no tables that could be read. */
  readonly xray: CheckpointXray | null
  /** Read for it, from the disk or the network. */
  readonly bytes_read: number
  /**
   * With `full`, of a path: what its bytes were known to be, in just this state (size and time) of the file. One that differs from what was read
   * makes it `corrupt`.
   */
  readonly known_digests: readonly {readonly sha256: string; /** `recorded by run-…`, `read before` */ readonly by: string}[]
}

/** Removes checkpoints whose content is still the one that is named. Refuses (in `kept`) what an active run writes or resumed from. */
export interface RemoveCheckpointsRequest {
  readonly run_id?: string
  readonly project?: string
  readonly dir?: string
  readonly remove: readonly {readonly path: string; readonly sha256: string}[]
}
export interface RemoveCheckpointsAnswer {
  readonly removed: readonly {readonly path: string; readonly freed_bytes: number}[]
  readonly kept: readonly {readonly path: string; readonly why: string}[]
}

/** Names a checkpoint, by its content. */
export interface TagCheckpointRequest {
  readonly sha256: string
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

/** Remembers that a checkpoint was copied and that the copy verified. */
export interface RecordCopyRequest {
  readonly copies: readonly {readonly path: string; readonly sha256: string; readonly place: Checkpoint['places'][number]}[]
}
