/** The states of an instance, as clouds name them. Billing usually runs in `running` alone; disks are billed in all but `terminated`. */
export const INSTANCE_STATES = ['pending', 'running', 'stopping', 'stopped', 'shutting-down', 'terminated'] as const
export type InstanceState = (typeof INSTANCE_STATES)[number]

/** Why an instance is in the state that it is in; `null` where nobody recorded it. */
export type InstanceStateReason = 'budget' | 'failed' | 'idle' | 'interrupted' | 'user'

export interface Instance {
  readonly id: string
  readonly platform: string
  /** The user's name for it (tag `Name`), or null. */
  readonly name: string | null
  readonly state: InstanceState
  readonly stateReason: InstanceStateReason | null
  readonly region: string | null
  /** The part of the region where it is, where the platform has such parts (`eu-central-1a`): spot prices differ by it. */
  readonly zone?: string
  readonly instanceType: string | null
  readonly lifecycle: 'on-demand' | 'spot'
  /** ISO 8601, UTC. When the instance came into being. */
  readonly createdAt: string | null
  /** ISO 8601, UTC. The start of the current (or last) time it ran; changes at every start. */
  readonly launchedAt: string | null
  /** ISO 8601, UTC. When it last began to stop, where it does not run and the platform tells. */
  readonly stoppedAt?: string
  readonly tags: Readonly<Record<string, string>>
}

/** The tags that runctl writes. Their values are data from anywhere: escape them before they reach a terminal. */
export const TAGS = {
  /** Marks what runctl created; nothing without it is ever changed by a clean-up. Value: the version that created it. */
  createdBy: 'runctl:created-by',
  createRequest: 'runctl:create-request',
  owner: 'runctl:owner',
  project: 'runctl:project',
  lastRun: 'runctl:last-run',
  /** JSON of {@link CheckpointTag}, at most 256 characters. */
  lastCheckpoint: 'runctl:last-checkpoint',
  /** How many complete checkpoints the disk held, when it was stopped, that were known to be nowhere else. */
  onlyHere: 'runctl:only-here',
  /** The start (`launchedAt`) of the time for which `runctl:only-here` holds: of whatever ran after a later start it knows nothing. */
  onlyHereOf: 'runctl:only-here-of',
  stateReason: 'runctl:state-reason',
  /** Where the last run's outputs go, without project and run: `s3://bucket/prefix`. What was saved is found there when the instance is gone. */
  output: 'runctl:output',
  /** What it cost before the present state, as core/cost-tags.ts writes it; goes on in `runctl:cost-2`, `runctl:cost-3`, … */
  cost: 'runctl:cost',
  /**
   * When it stops itself at the latest (ISO 8601), as known when the limits were set; `when-idle` where only idleness stops it. With such a value
   * limits are kept on the instance; empty or absent: none are. Read it with `stopsAtOf` of model/limits.ts.
   */
  stopsAt: 'runctl:stops-at',
  /** What its limits did last, a sentence: why a stop is put off, or why it stopped itself and when. Written by the instance, where its role may. */
  guard: 'runctl:guard',
  /** The project's budget was exceeded on purpose when it was created: by whom and when. */
  overBudget: 'runctl:over-budget',
} as const
