/**
 * - `complete`: its format was read through and is whole
 * - `partial`: still being written, or cut off
 * - `corrupt`: has the name of a known format and breaks its rules
 * - `unverified`: a format that cannot be judged; the digest is known, nothing else
 */
export type CheckpointState = 'complete' | 'corrupt' | 'partial' | 'unverified'

/** A place where a checkpoint is. */
export interface CheckpointPlace {
  readonly kind: 'client' | 'instance' | 's3'
  /** The instance id, the host name of a client, or the bucket. */
  readonly where: string
  readonly path: string
  /** ISO 8601; null where nobody has verified the copy there. */
  readonly verified_at: string | null
}

/** What is known of a checkpoint; `null` for what cannot be known. This is also its JSON form. */
export interface Checkpoint {
  /** Path relative to the project folder on the instance, or as given for a local folder. */
  readonly path: string
  readonly state: CheckpointState
  /** Why, where the state is not `complete`. */
  readonly state_detail: string | null
  /** `json`, `safetensors`, `torch-zip`, `npz`, `folder`, … */
  readonly format: string | null
  readonly size_bytes: number
  /** SHA-256, hex; of a folder: over the sorted list of its files' paths and digests. */
  readonly sha256: string | null
  readonly step: number | null
  readonly epoch: number | null
  /** Figures that the checkpoint itself tells: `{loss: 0.31, eval_loss: 0.35}`; empty where it tells none. */
  readonly metrics: Readonly<Record<string, number>>
  readonly modified_at: string
  readonly run_id: string | null
  /** Of the run that wrote it: 1, or one more for each resume before. */
  readonly attempt: number | null
  /** Names that a person gave it (`runctl checkpoint tag`); a clean-up keeps it then. */
  readonly tags: readonly string[]
  readonly places: readonly CheckpointPlace[]
}

/**
 * A checkpoint in an object store, as its manifest tells. The manifest (`<uri>.manifest.json`) is written when everything else is there and
 * verified: without one there is no checkpoint, only what is left of an upload.
 */
export interface StoredCheckpoint {
  /** Of the file, or of the folder without a trailing `/`: `s3://bucket/prefix/PROJECT/RUN-ID/checkpoints/epoch_3.pt` */
  readonly uri: string
  /** As in {@link Checkpoint}: relative to the project folder of the instance that wrote it. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  readonly state: CheckpointState
  readonly format: string | null
  readonly sha256: string
  readonly size_bytes: number
  readonly step: number | null
  readonly epoch: number | null
  readonly metrics: Readonly<Record<string, number>>
  readonly modified_at: string
  readonly run_id: string
  readonly attempt: number | null
  /** When the copy was compared with what was sent. */
  readonly verified_at: string
}

/** What fits into the 256 characters of a tag. */
export interface CheckpointTag {
  readonly path: string
  /** First 16 hex digits of the SHA-256. */
  readonly sha: string
  readonly epoch: number | null
  readonly step: number | null
  readonly size: number
  readonly at: string
}
