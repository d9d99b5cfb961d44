/** From a launch that is allowed to instances that exist. */

import type {BlockDeviceMapping, RunInstancesRequest, Tag, VolumeType} from '@aws-sdk/client-ec2'
import {randomInt} from 'node:crypto'

import type {BenchInstance} from '../types.js'
import {newHexId} from '../world.js'
import {type CatalogueImage, type CatalogueType, INSTANCE_TYPES} from './catalogue.js'
import type {Lifecycle} from './lifecycle.js'
import {defaultGroupIdOf, imagesIn, regionOfZone, subnetIdOf} from './regions.js'
import type {Ec2State, SpotRequest, Volume} from './state.js'

/** A RunInstances request, checked. */
export interface LaunchPlan {
  readonly input: RunInstancesRequest
  /** The parameters as they came, for tests. */
  readonly request: Readonly<Record<string, string>>
  readonly type: CatalogueType
  readonly image: CatalogueImage
  readonly region: string
  readonly zone: string
  readonly groupIds: readonly string[]
  readonly profileArn: string | null
  /** When it begins; absent: now. */
  readonly at?: Date
}

/** All of one reservation, in state pending, not started and not yet recorded. */
export function makeInstances(state: Ec2State, plan: LaunchPlan, count: number, lifecycle: Lifecycle): BenchInstance[] {
  const reservationId = newHexId('r')
  return Array.from({length: count}, (_, launchIndex) => makeInstance(state, plan, {reservationId, launchIndex}, lifecycle, null))
}

interface Seat {
  readonly reservationId: string
  readonly launchIndex: number
}

function makeInstance(state: Ec2State, plan: LaunchPlan, seat: Seat, lifecycle: Lifecycle, replaces: SpotRequest | null): BenchInstance {
  const {world} = state
  const {input, type, image, zone} = plan
  const market = input.InstanceMarketOptions?.MarketType === 'spot' ? (input.InstanceMarketOptions.SpotOptions ?? {}) : null
  const now = plan.at ?? world.now()
  const instance: BenchInstance = {
    id: newHexId('i'),
    state: 'pending',
    type: type.name,
    imageId: image.id,
    spot: market === null ? null : (market.SpotInstanceType ?? 'one-time'),
    tags: tagsFor(input, 'instance'),
    profileArn: plan.profileArn,
    clientToken: input.ClientToken ?? null,
    createdAt: now,
    launchedAt: now,
    stateReason: null,
    transitionReason: '',
    onlineAt: null,
    spotNotice: null,
    userData: input.UserData === undefined ? null : Buffer.from(input.UserData, 'base64').toString(),
    request: {...plan.request, 'Placement.AvailabilityZone': zone},
  }
  world.instances.set(instance.id, instance)
  const spot = replaces ?? (market === null ? null : openSpotRequest(state, plan, lifecycle))
  if (spot !== null) Object.assign(spot, {instanceId: instance.id, state: 'active', status: 'fulfilled'})
  state.details.set(instance.id, {
    ...seat,
    region: plan.region,
    zone,
    subnetId: input.SubnetId ?? subnetIdOf(zone),
    groupIds: plan.groupIds.length === 0 ? [defaultGroupIdOf(plan.region)] : plan.groupIds,
    privateIp: `172.31.${randomInt(16, 95)}.${randomInt(4, 250)}`,
    rootDevice: image.rootDevice,
    architecture: image.architecture,
    keyName: input.KeyName ?? null,
    metadata: {
      httpTokens: input.MetadataOptions?.HttpTokens ?? 'optional',
      hopLimit: input.MetadataOptions?.HttpPutResponseHopLimit ?? 1,
      endpoint: input.MetadataOptions?.HttpEndpoint ?? 'enabled',
    },
    spotRequestId: spot?.id ?? null,
    volumes: attachVolumes(state, plan, instance.id),
    associationId: plan.profileArn === null ? null : newHexId('iip-assoc'),
    history: [],
    endedAt: null,
  })
  return instance
}

export function tagsFor({TagSpecifications}: RunInstancesRequest, resource: string): Map<string, string> {
  const tags: Tag[] = (TagSpecifications ?? []).filter(({ResourceType}) => ResourceType === resource).flatMap(({Tags}) => Tags ?? [])
  return new Map(tags.map(({Key = '', Value = ''}) => [Key, Value]))
}

function openSpotRequest(state: Ec2State, plan: LaunchPlan, lifecycle: Lifecycle): SpotRequest {
  const options = plan.input.InstanceMarketOptions?.SpotOptions ?? {}
  const kind = options.SpotInstanceType ?? 'one-time'
  const request: SpotRequest = {
    id: newHexId('sir').slice(0, 12),
    kind,
    interruption: options.InstanceInterruptionBehavior ?? 'terminate',
    maxPriceUsd: options.MaxPrice ?? String(plan.type.onDemandUsd),
    type: plan.type.name,
    zone: plan.zone,
    createdAt: state.world.now(),
    tags: tagsFor(plan.input, 'spot-instances-request'),
    state: 'open',
    status: 'pending-evaluation',
    instanceId: null,
    relaunch:
      kind === 'one-time'
        ? null
        : () => {
            const seat = {reservationId: newHexId('r'), launchIndex: 0}
            lifecycle.start(makeInstance(state, {...plan, input: {...plan.input, ClientToken: undefined}}, seat, lifecycle, request))
          },
  }
  state.spotRequests.set(request.id, request)
  return request
}

/** The root and what the mappings add, device to volume id. */
function attachVolumes(state: Ec2State, {input, image, zone, at = state.world.now()}: LaunchPlan, instanceId: string): Map<string, string> {
  const mappings = input.BlockDeviceMappings ?? []
  const root = mappings.find(({DeviceName}) => DeviceName === image.rootDevice) ?? {DeviceName: image.rootDevice}
  const others = mappings.filter((mapping) => mapping !== root && mapping.Ebs !== undefined)
  const attached = [root, ...others].map(({DeviceName: device = '', Ebs: ebs = {}}) => {
    const volume = state.addVolume({
      ...performanceOf(ebs.VolumeType ?? 'gp3', ebs.VolumeSize ?? image.rootGib, ebs),
      encrypted: ebs.Encrypted ?? false,
      zone,
      createdAt: at,
      tags: tagsFor(input, 'volume'),
      attachment: {instanceId, device, deleteOnTermination: ebs.DeleteOnTermination ?? device === image.rootDevice, at},
    })
    return [device, volume.id] as const
  })
  return new Map(attached)
}

/** What EC2 makes of what is asked for, by the type of the disk. */
export function performanceOf(
  type: string, sizeGib: number, asked: {readonly Iops?: number | undefined; readonly Throughput?: number | undefined},
): Pick<Volume, 'iops' | 'sizeGib' | 'throughput' | 'type'> {
  const isFixed = ['sc1', 'st1', 'standard'].includes(type)
  const byType = type === 'gp2' ? Math.min(16_000, Math.max(100, 3 * sizeGib)) : (asked.Iops ?? 3000)
  return {type, sizeGib, iops: isFixed ? null : byType, throughput: type === 'gp3' ? (asked.Throughput ?? 125) : null}
}

export interface WantedDisk {
  readonly gib: number
  readonly type?: string
  readonly iops?: number
  /** MiB/s */
  readonly throughput?: number
  readonly deleteOnTermination?: boolean
}

export interface WantedInstance {
  /** Default `t3.medium`. */
  readonly type?: string
  readonly tags?: Readonly<Record<string, string>>
  /** An instance profile's name; default `runctl-instance`; null: none. */
  readonly profile?: string | null
  readonly spot?: 'one-time' | 'persistent'
  readonly interruption?: 'stop' | 'terminate'
  readonly region?: string
  /** `eu-west-1b`; default the region's first, or the world's. */
  readonly zone?: string
  /** When it was made; default now. */
  readonly at?: Date
  /** The root disk first; default one of the image's size. */
  readonly disks?: readonly WantedDisk[]
}

/** For tests that need an instance without asking for one. */
export function planOf({world}: Ec2State, wanted: WantedInstance): LaunchPlan {
  const type = INSTANCE_TYPES.get(wanted.type ?? 't3.medium')
  if (type === undefined) throw new Error(`the bench has no instance type ${wanted.type ?? ''}`)
  const region = wanted.region ?? (wanted.zone === undefined ? world.region : regionOfZone(wanted.zone))
  const image = [...imagesIn(region).values()].find(({architecture}) => architecture === type.architecture)
  if (image === undefined) throw new Error(`the bench has no image for ${type.architecture}`)
  const profileName = wanted.profile === undefined ? 'runctl-instance' : wanted.profile
  const profile = profileName === null ? null : world.instanceProfiles.get(profileName)
  if (profile === undefined) throw new Error(`the bench has no instance profile ${profileName ?? ''}`)
  const Tags = Object.entries(wanted.tags ?? {}).map(([Key, Value]) => ({Key, Value}))
  const spot = {SpotInstanceType: wanted.spot, InstanceInterruptionBehavior: wanted.interruption}
  return {
    input: {
      MinCount: 1,
      MaxCount: 1,
      TagSpecifications: [{ResourceType: 'instance', Tags}, {ResourceType: 'volume', Tags}],
      ...(wanted.disks && {BlockDeviceMappings: wanted.disks.map((disk, index) => mappingOf(disk, index === 0 ? image.rootDevice : `/dev/sd${'fghijklmnop'[index - 1] ?? 'z'}`))}),
      ...(wanted.spot && {InstanceMarketOptions: {MarketType: 'spot', SpotOptions: spot}}),
    },
    request: {},
    type,
    image,
    region,
    zone: wanted.zone ?? `${region}a`,
    groupIds: [],
    profileArn: profile?.arn ?? null,
    ...(wanted.at && {at: wanted.at}),
  }
}

function mappingOf({gib, type, iops, throughput, deleteOnTermination = true}: WantedDisk, DeviceName: string): BlockDeviceMapping {
  return {DeviceName, Ebs: {VolumeSize: gib, VolumeType: (type ?? 'gp3') as VolumeType, Iops: iops, Throughput: throughput, DeleteOnTermination: deleteOnTermination}}
}
