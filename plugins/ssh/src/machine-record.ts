import type {Instance, InstanceStateReason} from 'runctl'

/** What host/host.py keeps on the machine, as far as this side looks at it. */
export interface MachineRecord {
  readonly id: string
  readonly request_id: string | null
  readonly state: 'running' | 'stopping' | 'terminated'
  readonly state_reason: InstanceStateReason | null
  /** ISO 8601, UTC. */
  readonly created_at: string
  readonly launched_at: string
  readonly stopped_at?: string
  readonly tags: Readonly<Record<string, string>>
}

export function asInstance(id: string, record: MachineRecord | null, launchedAt: string | null, state: Instance['state']): Instance {
  const tags = record?.tags ?? {}
  return {
    id,
    platform: 'ssh',
    name: tags['Name'] ?? null,
    state,
    // One that was last seen running went down by itself, and cannot tell why before it is on again.
    stateReason: (state === 'stopped' || state === 'stopping') && record?.state === 'stopping' ? (record.state_reason ?? 'user') : null,
    region: null,
    instanceType: 'ssh',
    lifecycle: 'on-demand',
    createdAt: record?.created_at ?? launchedAt,
    launchedAt: record?.launched_at ?? launchedAt,
    ...(record?.stopped_at === undefined || state === 'running' || state === 'pending' ? {} : {stoppedAt: record.stopped_at}),
    tags,
  }
}
