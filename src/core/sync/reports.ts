import type {SkippedFile} from './project-file.js'

/** How a sync changed what the instance has, counted against the last one from this machine; without one, everything is new. */
export interface SyncChanges {
  readonly added: number
  readonly changed: number
  readonly removed: number
  /** Some of the paths, at most 20 in all. */
  readonly examples: readonly {readonly path: string; readonly what: 'added' | 'changed' | 'removed'}[]
}

/** What a sync did. JSON: sizes are bytes. */
export interface SyncReport {
  /** The folder on the instance. */
  readonly dir: string
  /** Names the state that is in place. */
  readonly tree: string
  readonly files_total: number
  /** Files whose content was sent, and their size before compression; content that the instance had is not counted. */
  readonly files_sent: number
  readonly bytes_sent: number
  /** Bytes of all attachments, compressed. */
  readonly wire_bytes: number
  readonly files_written: number
  readonly files_removed: number
  /** Removed here, but changed on the instance since they were synced: left alone there. */
  readonly kept_modified: readonly string[]
  readonly changes: SyncChanges
  /** Calls to the instance. */
  readonly rounds: number
  readonly warnings: readonly string[]
}

export interface PushReport {
  readonly source: string
  /** Where the file or folder is on the instance; relative to the home folder unless absolute. */
  readonly destination: string
  readonly files_total: number
  readonly files_sent: number
  readonly bytes_sent: number
  readonly wire_bytes: number
  /** The others were there already. */
  readonly files_written: number
  readonly rounds: number
  readonly warnings: readonly string[]
}

export interface PulledFile {
  /** Below the source; the base name where the source is a file. */
  readonly path: string
  /** Absolute, on the instance. */
  readonly remote_path: string
  /** Absolute, on this machine. */
  readonly local_path: string
  readonly size_bytes: number
  /** Verified against the instance; null where a file that was here was kept for its size and time alone. */
  readonly sha256: string | null
  /** `unchanged`: it was here already. */
  readonly what: 'copied' | 'unchanged'
}

export interface PullReport {
  /** Absolute, on the instance. */
  readonly source: string
  /** Absolute, on this machine. */
  readonly destination: string
  readonly files: readonly PulledFile[]
  readonly files_copied: number
  readonly bytes_copied: number
  readonly links: number
  /** What could not be copied, and why: links that lead out, sockets. */
  readonly skipped: readonly SkippedFile[]
  readonly rounds: number
}
