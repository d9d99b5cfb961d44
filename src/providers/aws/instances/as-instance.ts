import type {Instance as AwsInstance, StateReason} from '@aws-sdk/client-ec2'

import {INSTANCE_STATES, TAGS, type Instance, type InstanceState, type InstanceStateReason} from '../../../model/instance.js'

/** An instance with what only this provider needs of it. */
export interface KnownInstance {
  readonly instance: Instance
  readonly zone: string | null
  readonly profileArn: string | null
  readonly spotRequestId: string | null
}

const TAGGED_REASONS: readonly string[] = ['budget', 'failed', 'idle', 'interrupted', 'user']

/** null for what has no id or a state that is unknown here. */
export function asKnownInstance(raw: AwsInstance, region: string): KnownInstance | null {
  const state = INSTANCE_STATES.find(known => known === raw.State?.Name)
  if (raw.InstanceId === undefined || state === undefined) return null
  const zone = raw.Placement?.AvailabilityZone ?? null
  const tags = Object.fromEntries((raw.Tags ?? []).map(({Key, Value}) => [Key ?? '', Value ?? '']))
  return {
    instance: {
      id: raw.InstanceId,
      platform: 'aws',
      name: tags['Name'] ?? null,
      state,
      stateReason: stateReason(state, raw.StateReason, raw.StateTransitionReason ?? '', tags),
      region,
      ...(zone === null ? {} : {zone}),
      instanceType: raw.InstanceType ?? null,
      lifecycle: raw.InstanceLifecycle === 'spot' ? 'spot' : 'on-demand',
      createdAt: createdAt(raw)?.toISOString() ?? null,
      launchedAt: raw.LaunchTime?.toISOString() ?? null,
      ...(state === 'running' || state === 'pending' ? {} : stoppedAt(raw.StateTransitionReason ?? '')),
      tags,
    },
    zone,
    profileArn: raw.IamInstanceProfile?.Arn ?? null,
    spotRequestId: raw.SpotInstanceRequestId ?? null,
  }
}

/** LaunchTime is the last start; the root disk and the first network interface are attached once, when the instance is made. */
function createdAt({BlockDeviceMappings, LaunchTime, NetworkInterfaces, RootDeviceName}: AwsInstance): Date | undefined {
  const root = BlockDeviceMappings?.find(({DeviceName}) => DeviceName === RootDeviceName)
  const first = NetworkInterfaces?.find(({Attachment}) => Attachment?.DeviceIndex === 0)
  return root?.Ebs?.AttachTime ?? first?.Attachment?.AttachTime ?? LaunchTime
}

/** From `User initiated (2026-11-23 10:00:00 GMT)`, and from whatever else EC2 writes with a time, as for a shutdown from within. */
function stoppedAt(transition: string): {readonly stoppedAt?: string} {
  const [, day, time] = /\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) GMT\)/.exec(transition) ?? []
  const at = new Date(`${day}T${time}Z`)
  return Number.isNaN(at.getTime()) ? {} : {stoppedAt: at.toISOString()}
}

function stateReason(
  state: InstanceState, reason: StateReason | undefined, transition: string, tags: Readonly<Record<string, string>>,
): InstanceStateReason | null {
  if (state === 'running' || state === 'pending') return null
  const code = reason?.Code ?? /^[A-Z]\w+\.\w+/.exec(transition)?.[0] ?? ''
  if (code.startsWith('Server.Spot') || code === 'Server.ScheduledStop') return 'interrupted'
  if (code.startsWith('Server.') || /^Client\.(InternalError|InvalidSnapshot|VolumeLimitExceeded)/.test(code)) return 'failed'
  // Whoever stops an instance for another reason than a person's wish says so in its tags before.
  const tagged = tags[TAGS.stateReason] ?? ''
  if (TAGGED_REASONS.includes(tagged)) return tagged as InstanceStateReason
  // A shutdown from within is not a person's wish, as far as EC2 knows.
  if (code === 'Client.InstanceInitiatedShutdown') return null
  return code === 'Client.UserInitiatedShutdown' || transition.startsWith('User initiated') ? 'user' : null
}
