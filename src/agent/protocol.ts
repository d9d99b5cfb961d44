/**
 * The agent's requests and answers, as they are on the wire (JSON, snake_case). docs/agent-protocol.md explains them;
 * agent/runctl_agent/ implements the other side. Times are ISO 8601 in UTC, sizes bytes, durations seconds.
 */
import type {Checkpoint, StoredCheckpoint} from '../model/checkpoint.js'
import type {ErrorCode} from '../model/errors.js'
import type {RunReason, RunState} from '../model/run.js'
import type {StoreAccess} from '../providers/provider.js'
import type {
  CheckpointsAnswer,
  CheckpointsRequest,
  FormatModule,
  InspectAnswer,
  InspectRequest,
  RecordCopyRequest,
  RemoveCheckpointsAnswer,
  RemoveCheckpointsRequest,
  TagCheckpointRequest,
} from './checkpoint-protocol.js'
import type {GuardAnswer, GuardRequest} from './guard-protocol.js'

export interface AgentFailure {
  readonly error: {readonly code: ErrorCode; readonly message: string; readonly details?: Readonly<Record<string, unknown>>}
}

export interface RunStatus {
  readonly run_id: string
  readonly name: string | null
  readonly project: string
  readonly script: string
  readonly args: readonly string[]
  readonly state: RunState
  readonly reason: RunReason | null
  /** A sentence for people where state and reason do not say it all: `pip install ended with exit status 1`. */
  readonly detail: string | null
  /** What kept the script from being started, where that was not its dependencies: `not_found` for data that are not there. */
  readonly failed_code?: ErrorCode | null
  /** The script's own exit status; null while it runs, where a signal ended it, or where nobody saw the end. */
  readonly exit_code: number | null
  /** The name of the signal that ended the script: `SIGKILL`. */
  readonly signal: string | null
  readonly attempt: number
  readonly parent_run_id: string | null
  /** The checkpoint that this run resumed from, relative to the project folder, or its URI in the store. */
  readonly resume_from: string | null
  readonly created_at: string
  readonly started_at: string | null
  readonly ended_at: string | null
  readonly pid: number | null
  /** Processes of this run that are alive now, whatever the state: a daemon may outlive the script. */
  readonly processes_alive: number
  readonly project_dir: string
  readonly checkpoint_dir: string
  readonly output_dir: string
  readonly log_path: string
  readonly log_size_bytes: number
  /** The last whole log line, at most 500 characters, undecodable bytes replaced. Data: escape before display. */
  readonly last_log_line: string | null
  readonly last_log_at: string | null
  readonly checkpoint_count: number
  /** The newest checkpoint of this run that is `complete`. */
  readonly last_checkpoint: Checkpoint | null
  /** The newest one of this run that is in the store, verified there; null without an `output_uri` or before the first. */
  readonly last_stored_checkpoint: Checkpoint | null
  /** How long the last save on request took, from the asking to the complete checkpoint, in seconds; null where none was asked for. */
  readonly save_took_s: number | null
  /** `the first step logged after the resume is 20, below the checkpoint's 218: …`; null where nothing is wrong. Data: escape before display. */
  readonly resume_alarm: string | null
  /** Where checkpoints, log and outputs go: `s3://bucket/prefix/PROJECT/RUN-ID/`; null where they stay on the instance. */
  readonly output_uri: string | null
  /** What of this run is not there yet, and what went wrong last; null without an `output_uri`. */
  readonly upload: UploadState | null
}

export interface UploadState {
  /** Files that are there, whole. */
  readonly done: number
  /** Files that are known and not there yet. */
  readonly pending: number
  readonly pending_bytes: number
  /** The last failure, if nothing has succeeded since: `403 AccessDenied for s3://…: the instance's role may not write there`. */
  readonly error: string | null
  /** Measured on what was uploaded last; null before enough was. */
  readonly bytes_per_s: number | null
  /** Since when something that is whole waits to be uploaded; null where nothing does. */
  readonly behind_since: string | null
}

export interface SyncEntry {
  /** Relative, `/` between parts, NFC as found; never absolute, never with `..`. */
  readonly path: string
  readonly kind: 'file' | 'symlink'
  /** Files: 0o644 or 0o755. */
  readonly mode: number
  readonly size: number
  /** Files: SHA-256 of the content, hex. */
  readonly sha256?: string
  /** Symlinks: the target as it is written in the link. */
  readonly target?: string
}

/** Where files go. `project` and `data` are kept in step (removals included); `path` only receives. */
export type SyncTarget =
  | {readonly kind: 'data'; readonly name: string}
  | {readonly kind: 'path'; readonly path: string}
  | {readonly kind: 'project'; readonly name: string}

/** A run of bytes of one blob; the bytes follow the request line, in the order of the pieces, as one zlib stream. */
export interface BlobPiece {
  readonly sha256: string
  readonly size: number
  readonly offset: number
  readonly length: number
}

/**
 * `tree` names the wanted state, `base` the state that `delta` starts from. Exactly one of `manifest`, `manifest_blob` and `delta` is
 * given, or none when `base === tree` (nothing changed) or when only pieces are delivered ahead (`tree: null`).
 */
export interface SyncRequest {
  readonly target: SyncTarget
  readonly base: string | null
  readonly tree: string | null
  readonly manifest?: readonly SyncEntry[]
  /** A manifest that is too large for a request: its JSON (an array, UTF-8) comes as a blob, through `pieces` of this call or earlier ones. */
  readonly manifest_blob?: {readonly sha256: string; readonly size: number}
  readonly delta?: {readonly set: readonly SyncEntry[]; readonly remove: readonly string[]}
  readonly pieces: readonly BlobPiece[]
  /** The most bytes of the answer: of what is needed (and of `kept_modified`) it names as much as fits. */
  readonly max_bytes?: number
}

export interface SyncAnswer {
  readonly applied: boolean
  /** The tree that is in place after this call. */
  readonly tree: string | null
  /** Not applied because: the base is another one (send the manifest), or these blobs are lacking (send their pieces, then repeat). */
  readonly need: {readonly manifest: boolean; readonly blobs: readonly string[]} | null
  readonly files_written: number
  readonly files_removed: number
  /** Files that were removed here but changed on the instance since they were synced: left alone. */
  readonly kept_modified: readonly string[]
  readonly dir: string
}

export interface StartRequest {
  readonly run_id: string
  readonly project: string
  readonly name: string | null
  /** Relative to the project folder. */
  readonly script: string
  readonly args: readonly string[]
  /** The interpreter for `.py` scripts as the user gave it, or null: chosen on the instance. */
  readonly python: string | null
  readonly env: Readonly<Record<string, string>>
  /** Relative to the project folder, or absolute. */
  readonly checkpoint_dir: string
  /** Shell patterns on the path below the checkpoint folder; empty for the default set. */
  readonly checkpoint_patterns: readonly string[]
  readonly output_dir: string
  /** Name of a synced data set, an absolute path on the instance, or null. */
  readonly data: string | null
  /** Brought to the instance before the script starts (only what changed, verified); the script finds it in RUNCTL_DATA_DIR. Not with `data`. */
  readonly data_source: {readonly uri: string; readonly access: StoreAccess} | null
  /** Where checkpoints, log segments and outputs are copied while the run goes on, below `<uri>/<project>/<run_id>/`. */
  readonly output: {readonly uri: string; readonly access: StoreAccess} | null
  /** `latest`: the newest complete checkpoint of the project; a run id: the newest complete one of that run; or a path relative to the project folder. */
  readonly resume: string | null
  /** Further candidates, newest first, with `latest`, a run id or null (then one of them it is): fetched and verified before the script starts. */
  readonly resume_stored?: readonly StoredCheckpoint[]
  /** The way to the store of `resume_stored`. */
  readonly resume_access?: StoreAccess
  /** The script's argument for the path to resume from, given where its text contains it; null: never given. Absent: `--resume-from`. */
  readonly resume_argument?: string | null
  /** The machine may be taken away: the agent watches for the notice. */
  readonly interruptible?: boolean
  readonly formats?: readonly FormatModule[]
  /** Start although another run is active in the project folder. */
  readonly concurrent: boolean
  readonly sync: SyncRequest | null
  /** Limits that are set before the script starts; where they cannot be kept, nothing is started. */
  readonly guard?: GuardRequest
  /** Wait up to so long for the script to run: then the answer is the run as it runs, and nobody has to ask again. */
  readonly wait_s?: number
}

export interface StartAnswer {
  /** null where the sync could not be applied: nothing was started. */
  readonly run: RunStatus | null
  readonly sync: SyncAnswer | null
  /** The limits as they are now; null or absent: none. */
  readonly guard?: GuardAnswer | null
  /** Checkpoints newer than the one resumed from that were passed over, and why. */
  readonly resume_skipped: readonly {readonly path: string; readonly why: string}[]
}

export interface StatusRequest {
  /** This run, else the newest of the project, else the newest of the instance. */
  readonly run_id?: string
  readonly project?: string
  /** All runs of the instance, newest first, at most `limit`. */
  readonly all?: boolean
  readonly limit?: number
  /** With `all`: only runs older than this one. */
  readonly after?: string
  /** With `all`, the most bytes of the answer (one run is given all the same); what does not fit is left for a next call (`more`). */
  readonly max_bytes?: number
  /** Wait up to so long for the (one) run to be in one of these states. */
  readonly wait_s?: number
  readonly wait_for?: readonly RunState[]
}
export interface StatusAnswer {
  readonly runs: readonly RunStatus[]
  /** There are older runs than the last one given, within `limit`; ask again with `after`. */
  readonly more?: boolean
  /** The limits of the instance; null or absent: none. */
  readonly guard?: GuardAnswer | null
  readonly boot_id: string
  readonly now: string
}

export interface LogsRequest {
  readonly run_id?: string
  /** From this byte on; absent: the last `tail_lines` lines (never more than `max_bytes`). */
  readonly offset?: number
  readonly tail_lines?: number
  readonly max_bytes: number
  /** Wait up to so long for a first byte at `offset`, or for the run's end. */
  readonly wait_s?: number
}
export interface LogsAnswer {
  readonly run_id: string
  readonly offset: number
  readonly next_offset: number
  readonly size: number
  /** base64 of the zlib-compressed bytes. */
  readonly data: string
  /** The run has ended and nothing is left after `next_offset`. */
  readonly end: boolean
  readonly run: RunStatus
}

export interface ProcessesAnswer {
  readonly now: string
  readonly cpu_count: number
  readonly load_1min: number | null
  readonly memory_total_bytes: number | null
  readonly memory_used_bytes: number | null
  readonly disk_total_bytes: number
  readonly disk_free_bytes: number
  /** null where there is no nvidia-smi. */
  readonly gpus:
    | readonly {
        readonly index: number
        readonly name: string
        readonly utilization_percent: number | null
        readonly memory_used_bytes: number | null
        readonly memory_total_bytes: number | null
        readonly temperature_c: number | null
      }[]
    | null
  readonly processes: readonly {
    readonly pid: number
    readonly ppid: number
    readonly run_id: string | null
    readonly cpu_percent: number | null
    readonly memory_bytes: number | null
    readonly gpu_memory_bytes: number | null
    readonly elapsed_s: number | null
    readonly command: string
  }[]
}

export interface SaveRequest {
  readonly request_id: string
  /** null: every active run. */
  readonly run_id: string | null
  readonly grace_s: number
  /** Answer at the latest after so long, with `done: false` if it goes on; ask again with the same request id. */
  readonly wait_s: number
}
export interface StopRequest extends SaveRequest {
  /** End the processes even if nothing good was saved. */
  readonly force: boolean
  readonly reason: RunReason
}
export interface StopReport {
  readonly run_id: string
  /** How the script was asked: it got the stop file always, SIGTERM only where it would not die of it unsaved. */
  readonly asked: 'stop-file' | 'stop-file+sigterm' | null
  /** A checkpoint that verifies exists (or the run had ended by itself): it is right to stop. */
  readonly ok: boolean
  /** Why not, in a sentence. */
  readonly why: string | null
  /** The newest complete checkpoint of the run. */
  readonly checkpoint: Checkpoint | null
  /** It was written after the request. */
  readonly saved_on_request: boolean
  /** How the run ended; `running` where it goes on. `before`: it had ended before the request. */
  readonly ended: 'before' | 'forced' | 'graceful' | 'running'
  /** How many processes had to be ended by SIGKILL. */
  readonly killed: number
  readonly took_s: number
}
export interface LastRun {
  readonly run_id: string
  readonly project: string
  readonly checkpoint: Checkpoint | null
}
export interface StopAnswer {
  readonly done: boolean
  /** All reports are ok. True where there was no run at all. */
  readonly ok: boolean
  readonly reports: readonly StopReport[]
  /**
   * Complete checkpoints on this instance's disk that are known to be nowhere else: what a terminate would lose. At most 20.
   */
  readonly only_here: readonly Checkpoint[]
  /** Where no report has a checkpoint, most often because nothing ran: the newest run, and the latest good checkpoint of its project. */
  readonly last?: LastRun | null
}

export interface ListFilesRequest {
  /** Relative to the home folder, or absolute. A file or a folder. */
  readonly path: string
  /** The most bytes of the answer; what does not fit is left for a next call (`more`). */
  readonly max_bytes?: number
  /** Only paths that sort after this one. */
  readonly after?: string
}
export interface ListFilesAnswer {
  readonly base: string
  readonly kind: 'file' | 'folder'
  /** There are further paths after the last one given; ask again with `after`. */
  readonly more?: boolean
  /** For a single file: one entry with the path `''`. */
  readonly entries: readonly {
    readonly path: string
    readonly kind: 'file' | 'symlink'
    readonly mode: number
    readonly size: number
    readonly mtime_ns: string
    readonly target?: string
  }[]
  /** Links that lead out of `base`, sockets, devices: not listed as entries. */
  readonly skipped: readonly {readonly path: string; readonly why: string}[]
}
export interface ReadFilesRequest {
  readonly base: string
  /** `digest`: the whole file's SHA-256 is wanted although it must be read for it. */
  readonly reads: readonly {readonly path: string; readonly offset: number; readonly length: number; readonly digest?: boolean}[]
}
export interface ReadFilesAnswer {
  /** In the order asked; `sha256` of the whole file where `digest` was asked, or where the read reached its end and it is known without reading more; else null. */
  readonly reads: readonly {readonly path: string; readonly length: number; readonly size: number; readonly sha256: string | null}[]
  /** base64 of the zlib-compressed bytes of all reads, one after another. */
  readonly data: string
}
/** Writes an object with the instance's own rights and reads it back; fails with what was refused. It stays there: an instance deletes nothing. */
export interface ProbeStoreRequest {
  readonly uri: string
  readonly access: StoreAccess
}

/** Request and answer of each verb. */
export interface AgentVerbs {
  start: [StartRequest, StartAnswer]
  status: [StatusRequest, StatusAnswer]
  logs: [LogsRequest, LogsAnswer]
  processes: [{readonly run_id?: string}, ProcessesAnswer]
  checkpoints: [CheckpointsRequest, CheckpointsAnswer]
  save: [SaveRequest, StopAnswer]
  stop: [StopRequest, StopAnswer]
  sync: [SyncRequest, SyncAnswer]
  'list-files': [ListFilesRequest, ListFilesAnswer]
  'read-files': [ReadFilesRequest, ReadFilesAnswer]
  'probe-store': [ProbeStoreRequest, {readonly uri: string}]
  'record-copy': [RecordCopyRequest, {readonly recorded: number}]
  inspect: [InspectRequest, InspectAnswer]
  'remove-checkpoints': [RemoveCheckpointsRequest, RemoveCheckpointsAnswer]
  'tag-checkpoint': [TagCheckpointRequest, {readonly tags: readonly string[]}]
  guard: [GuardRequest, GuardAnswer]
}
export type AgentVerb = keyof AgentVerbs
