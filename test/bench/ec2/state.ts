/** What EC2 keeps beside the instances: volumes, groups, spot requests, and what Describe calls have learnt of changes. */

import type {BenchInstance, InstanceStateName} from '../types.js'
import {newHexId, type World} from '../world.js'
import {defaultGroupIdOf, REGIONS, vpcIdOf} from './regions.js'

/** An instance as it was at a moment. */
export interface InstanceView {
  readonly at: number
  readonly state: InstanceStateName
  readonly launchedAt: Date
  readonly transitionReason: string
  readonly stateReason: string | null
  readonly profileArn: string | null
  readonly tags: ReadonlyMap<string, string>
}

export interface InstanceDetails {
  readonly region: string
  readonly zone: string
  readonly subnetId: string
  readonly groupIds: readonly string[]
  readonly privateIp: string
  readonly reservationId: string
  readonly launchIndex: number
  readonly rootDevice: string
  readonly architecture: string
  readonly keyName: string | null
  readonly metadata: {readonly httpTokens: string; readonly hopLimit: number; readonly endpoint: string}
  readonly spotRequestId: string | null
  /** Device name to volume. */
  readonly volumes: ReadonlyMap<string, string>
  associationId: string | null
  /** Oldest first. */
  readonly history: InstanceView[]
  endedAt: Date | null
}

export interface Volume {
  readonly id: string
  readonly sizeGib: number
  readonly type: string
  /** null: the type has none. */
  readonly iops: number | null
  /** MiB/s; null: not provisioned for the type. */
  readonly throughput: number | null
  readonly encrypted: boolean
  readonly zone: string
  readonly createdAt: Date
  readonly tags: Map<string, string>
  attachment: {readonly instanceId: string; readonly device: string; readonly deleteOnTermination: boolean; readonly at: Date} | null
}

export interface IpRule {
  readonly protocol: string
  readonly fromPort: number | null
  readonly toPort: number | null
  readonly cidrs: readonly string[]
  readonly groups: readonly string[]
}

export interface SecurityGroup {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly vpcId: string
  readonly tags: Map<string, string>
  inbound: IpRule[]
  outbound: IpRule[]
}

export interface SpotRequest {
  readonly id: string
  readonly kind: 'one-time' | 'persistent'
  readonly interruption: 'hibernate' | 'stop' | 'terminate'
  readonly maxPriceUsd: string
  readonly type: string
  readonly zone: string
  readonly createdAt: Date
  readonly tags: Map<string, string>
  state: 'active' | 'cancelled' | 'closed' | 'disabled' | 'open'
  status: string
  instanceId: string | null
  /** Starts a replacement; null for one-time requests. */
  readonly relaunch: (() => void) | null
}

export interface Snapshot {
  readonly id: string
  readonly region: string
  readonly ownerId: string
  /** Of the volume that it was made of. */
  readonly sizeGib: number
  readonly volumeId: string
  readonly startedAt: Date
  readonly tags: Map<string, string>
  readonly tier: 'archive' | 'standard'
  /** It cannot be deleted while an image is registered on it. */
  readonly imageId: string | null
}

/** An Elastic IP address. */
export interface Address {
  readonly id: string
  readonly region: string
  readonly publicIp: string
  readonly tags: Map<string, string>
  association: {readonly id: string; readonly instanceId: string} | null
}

/** A price from a moment on. */
export interface SpotPriceChange {
  readonly at: number
  readonly usd: number
}

export class Ec2State {
  readonly world: World
  readonly details = new Map<string, InstanceDetails>()
  readonly volumes = new Map<string, Volume>()
  readonly snapshots = new Map<string, Snapshot>()
  readonly addresses = new Map<string, Address>()
  readonly groups = new Map<string, SecurityGroup>()
  readonly spotRequests = new Map<string, SpotRequest>()
  /** By `ZONE TYPE`, oldest first, where a test has said how prices went. */
  readonly spotPrices = new Map<string, SpotPriceChange[]>()
  readonly keyPairs = new Set(['runctl-key'])
  /** `REGION TOKEN` to what the ClientToken was used for. */
  readonly tokens = new Map<string, {readonly parameters: string; readonly instanceIds: readonly string[]}>()

  constructor(world: World) {
    this.world = world
    const everywhere: IpRule = {protocol: '-1', fromPort: null, toPort: null, cidrs: ['0.0.0.0/0'], groups: []}
    for (const region of REGIONS) {
      const group = {id: defaultGroupIdOf(region), name: 'default', description: 'default VPC security group', vpcId: vpcIdOf(region), tags: new Map<string, string>()}
      this.groups.set(group.id, {...group, inbound: [{...everywhere, cidrs: [], groups: [group.id]}], outbound: [everywhere]})
    }
  }

  detailsOf(instance: BenchInstance): InstanceDetails {
    const details = this.details.get(instance.id)
    if (details === undefined) throw new Error(`no details of ${instance.id}`)
    return details
  }

  /** To be called after each change of an instance; `at` long ago makes it visible at once. */
  record(instance: BenchInstance, at = this.world.now().getTime()): void {
    const {state, launchedAt, transitionReason, stateReason, profileArn, tags} = instance
    this.detailsOf(instance).history.push({at, state, launchedAt, transitionReason, stateReason, profileArn, tags: new Map(tags)})
  }

  /** What Describe knows of an instance: null where it has not heard of it yet, or no longer. */
  view(instance: BenchInstance): InstanceView | null {
    const {history, endedAt} = this.detailsOf(instance)
    const now = this.world.now().getTime()
    if (endedAt !== null && now - endedAt.getTime() > TERMINATED_VISIBLE_MS) return null
    return history.findLast(({at}) => at <= now - this.world.times.lagMs) ?? null
  }

  addVolume(volume: Omit<Volume, 'id'>): Volume {
    const made = {...volume, id: newHexId('vol')}
    this.volumes.set(made.id, made)
    return made
  }
}

const TERMINATED_VISIBLE_MS = 3_600_000
