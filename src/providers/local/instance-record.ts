import {RunctlError} from '../../model/errors.js'
import {TAGS, type Instance, type InstanceStateReason} from '../../model/instance.js'
import {isSameBoot} from './machine.js'

/** What `instance.json` says. `pending` is never written: an instance is ready when its folder is. */
export interface InstanceRecord {
  readonly version: 1
  readonly id: string
  readonly request_id: string
  readonly state: 'running' | 'shutting-down' | 'stopped' | 'stopping' | 'terminated'
  readonly state_reason: InstanceStateReason | null
  /** The kernel's at the last start: another one now means that the machine went down under the instance. */
  readonly machine_boot_id: string
  /** RUNCTL_BOOT_ID, new at every start. */
  readonly boot_id: string
  readonly created_at: string
  readonly launched_at: string
  /** When it last began to stop; absent where nobody saw that, and in records of older versions. */
  readonly stopped_at?: string
  /** Seconds that it ran before its last start. A start whose end nobody saw counts for nothing. */
  readonly used_seconds?: number
  readonly terminated_at: string | null
  readonly tags: Readonly<Record<string, string>>
}

const STATES: readonly unknown[] = ['running', 'shutting-down', 'stopped', 'stopping', 'terminated'] satisfies InstanceRecord['state'][]
const REASONS: readonly string[] = ['budget', 'failed', 'idle', 'interrupted', 'user'] satisfies InstanceStateReason[]

/** How long a terminated instance stays visible. */
export const REMEMBERED_MS = 3_600_000

/** As it is now: an instance whose machine was booted since its start is stopped, although nobody could write that down. */
export function currentRecord(record: InstanceRecord, machineBootId: string): InstanceRecord {
  if (record.state !== 'running' || isSameBoot(record.machine_boot_id, machineBootId)) return record
  const {stopped_at: _, ...known} = record
  return {...known, state: 'stopped', state_reason: 'interrupted'}
}

export function asInstance(record: InstanceRecord): Instance {
  return {
    id: record.id,
    platform: 'local',
    name: record.tags['Name'] ?? null,
    state: record.state,
    stateReason: record.state_reason,
    region: null,
    instanceType: 'local',
    lifecycle: 'on-demand',
    createdAt: record.created_at,
    launchedAt: record.launched_at,
    ...(record.state !== 'running' && record.stopped_at !== undefined ? {stoppedAt: record.stopped_at} : {}),
    tags: record.tags,
  }
}

/** What is to be written when a running instance ends, at that moment. */
export function endedAt(record: InstanceRecord, at: Date): Pick<InstanceRecord, 'stopped_at' | 'used_seconds'> {
  const ran = Math.max(0, (at.getTime() - Date.parse(record.launched_at)) / 1000)
  return {stopped_at: at.toISOString(), used_seconds: (record.used_seconds ?? 0) + ran}
}

/** Whoever stops an instance for another reason than a person's wish says so in its tags before. */
export function reasonForEnding(record: InstanceRecord): InstanceStateReason {
  const tag = record.tags[TAGS.stateReason] ?? ''
  return REASONS.includes(tag) ? (tag as InstanceStateReason) : 'user'
}

export function isForgotten(record: InstanceRecord, now: Date): boolean {
  return record.terminated_at !== null && now.getTime() - Date.parse(record.terminated_at) > REMEMBERED_MS
}

/** Throws `platform_failed` naming the file where it is not what this version writes. */
export function parseRecord(text: string, path: string): InstanceRecord {
  try {
    const record = JSON.parse(text) as InstanceRecord | null
    const whole = record?.version === 1 && STATES.includes(record.state) && typeof record.id === 'string' && typeof record.tags === 'object'
    if (whole && record.tags !== null) return record
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new RunctlError('platform_failed', `${path} is damaged, or of a newer runctl; move its folder away to go on without this instance`)
}

/** Throws `bad_input` for tags that a cloud would refuse. */
export function checkTags(tags: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(tags)) {
    const name = JSON.stringify(key.slice(0, 140))
    if (key === '' || [...key].length > 128) throw new RunctlError('bad_input', `a tag's key has 1 to 128 characters: ${name}`)
    if ([...value].length > 256) throw new RunctlError('bad_input', `the value of tag ${name} has more than 256 characters`)
  }
}
