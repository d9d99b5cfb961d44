/** DescribeInstances, and how an instance looks in answers. */

import type {DescribeInstancesRequest, DescribeInstancesResult, Instance, InstanceState, Reservation} from '@aws-sdk/client-ec2'

import {type BenchInstance, type InstanceStateName, ServiceError, type WireRequest} from '../types.js'
import {checkFilters, filtered, paged, tagList, tagValues} from './filters.js'
import {findInstances} from './find-instances.js'
import {INSTANCE_TYPES} from './catalogue.js'
import {vpcIdOf} from './regions.js'
import type {Ec2State, InstanceView} from './state.js'

interface Seen {
  readonly instance: BenchInstance
  readonly view: InstanceView
}

export function describeInstances(state: Ec2State, input: DescribeInstancesRequest, request: WireRequest): DescribeInstancesResult {
  if (input.InstanceIds !== undefined && input.MaxResults !== undefined) {
    throw new ServiceError('InvalidParameterCombination', 'The parameter instancesSet cannot be used with the parameter maxResults')
  }
  checkFilters(input.Filters, FILTERS)
  const chosen = input.InstanceIds === undefined ? inRegion(state, request.region) : findInstances(state, input.InstanceIds, request)
  const seen = chosen.flatMap((instance) => {
    const view = state.view(instance)
    return view === null ? [] : [{instance, view}]
  })
  const {entries, NextToken} = paged(filtered(seen, input.Filters, (entry, name) => filterValues(state, entry, name)), input.MaxResults, input.NextToken)
  return {Reservations: reservationsOf(state, entries.map(({instance}) => instance), 'view'), NextToken}
}

function inRegion(state: Ec2State, region: string): BenchInstance[] {
  return [...state.world.instances.values()].filter((instance) => state.detailsOf(instance).region === region)
}

const FILTERS = [
  'architecture', 'availability-zone', 'client-token', 'iam-instance-profile.arn', 'image-id', 'instance-id', 'instance-lifecycle',
  'instance-state-code', 'instance-state-name', 'instance-type', 'instance.group-id', 'key-name', 'launch-time', 'private-ip-address',
  'reservation-id', 'spot-instance-request-id', 'subnet-id', 'tag-key', 'tag-value', 'vpc-id',
]

function filterValues(state: Ec2State, {instance, view}: Seen, name: string): readonly string[] | null {
  const byTag = tagValues(view.tags, name)
  if (byTag !== null) return byTag
  const details = state.detailsOf(instance)
  const values: Readonly<Record<string, string | null | readonly string[]>> = {
    architecture: details.architecture,
    'availability-zone': details.zone,
    'client-token': instance.clientToken,
    'iam-instance-profile.arn': view.profileArn,
    'image-id': instance.imageId,
    'instance-id': instance.id,
    'instance-lifecycle': instance.spot === null ? null : 'spot',
    'instance-state-code': String(stateOf(view.state).Code),
    'instance-state-name': view.state,
    'instance-type': instance.type,
    'instance.group-id': details.groupIds,
    'key-name': details.keyName,
    'launch-time': view.launchedAt.toISOString(),
    'private-ip-address': details.privateIp,
    'reservation-id': details.reservationId,
    'spot-instance-request-id': details.spotRequestId,
    'subnet-id': details.subnetId,
    'vpc-id': vpcIdOf(details.region),
  }
  const value = values[name]
  if (value === undefined) return null
  return value === null ? [] : [value].flat()
}

/** `now` tells what is, `view` what Describe knows. */
export function reservationsOf(state: Ec2State, instances: readonly BenchInstance[], when: 'now' | 'view'): Reservation[] {
  const reservations = new Map<string, Instance[]>()
  for (const instance of instances) {
    const {reservationId} = state.detailsOf(instance)
    const view = when === 'now' ? {...instance, at: 0} : state.view(instance)
    if (view !== null) reservations.set(reservationId, [...(reservations.get(reservationId) ?? []), instanceAnswer(state, instance, view)])
  }
  return [...reservations].map(([ReservationId, Instances]) => ({ReservationId, OwnerId: state.world.account, Groups: [], Instances}))
}

const STATE_CODES: Readonly<Record<InstanceStateName, number>> = {pending: 0, running: 16, 'shutting-down': 32, terminated: 48, stopping: 64, stopped: 80}

export function stateOf(name: InstanceStateName): InstanceState {
  return {Code: STATE_CODES[name], Name: name}
}

function instanceAnswer(state: Ec2State, instance: BenchInstance, view: InstanceView): Instance {
  const details = state.detailsOf(instance)
  const ended = view.state === 'terminated'
  const publicIp = view.state === 'running' ? `54.${details.privateIp.split('.').slice(1).join('.')}` : undefined
  const vcpus = INSTANCE_TYPES.get(instance.type)?.vcpus ?? 1
  return {
    InstanceId: instance.id,
    ImageId: instance.imageId,
    State: stateOf(view.state),
    PrivateDnsName: ended ? '' : `ip-${details.privateIp.replaceAll('.', '-')}.ec2.internal`,
    PublicDnsName: publicIp === undefined ? '' : `ec2-${publicIp.replaceAll('.', '-')}.compute-1.amazonaws.com`,
    StateTransitionReason: view.transitionReason,
    StateReason: view.stateReason === null ? undefined : {Code: view.stateReason.split(': ')[0], Message: view.stateReason},
    KeyName: details.keyName ?? undefined,
    AmiLaunchIndex: details.launchIndex,
    ProductCodes: [],
    InstanceType: instance.type as NonNullable<Instance['InstanceType']>,
    LaunchTime: inSeconds(view.launchedAt),
    Placement: {AvailabilityZone: details.zone, GroupName: '', Tenancy: 'default'},
    Monitoring: {State: 'disabled'},
    SubnetId: ended ? undefined : details.subnetId,
    VpcId: ended ? undefined : vpcIdOf(details.region),
    PrivateIpAddress: ended ? undefined : details.privateIp,
    PublicIpAddress: publicIp,
    Architecture: details.architecture as NonNullable<Instance['Architecture']>,
    RootDeviceType: 'ebs',
    RootDeviceName: details.rootDevice,
    BlockDeviceMappings: ended ? [] : blockDevices(state, instance),
    VirtualizationType: 'hvm',
    Hypervisor: 'xen',
    ClientToken: instance.clientToken ?? '',
    Tags: tagList(view.tags),
    SecurityGroups: ended ? [] : details.groupIds.map((id) => ({GroupId: id, GroupName: state.groups.get(id)?.name})),
    IamInstanceProfile: view.profileArn === null ? undefined : profileAnswer(state, view.profileArn),
    InstanceLifecycle: instance.spot === null ? undefined : 'spot',
    SpotInstanceRequestId: details.spotRequestId ?? undefined,
    EbsOptimized: false,
    CpuOptions: {CoreCount: Math.max(1, vcpus / 2), ThreadsPerCore: 2},
    MetadataOptions: {
      State: 'applied',
      HttpTokens: details.metadata.httpTokens as 'optional' | 'required',
      HttpPutResponseHopLimit: details.metadata.hopLimit,
      HttpEndpoint: details.metadata.endpoint as 'disabled' | 'enabled',
    },
    PlatformDetails: 'Linux/UNIX',
  }
}

/** EC2 tells whole seconds here. */
function inSeconds(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000)
}

export function profileAnswer({world}: Ec2State, arn: string): {Arn: string; Id: string | undefined} {
  return {Arn: arn, Id: [...world.instanceProfiles.values()].find((profile) => profile.arn === arn)?.id}
}

function blockDevices(state: Ec2State, instance: BenchInstance): NonNullable<Instance['BlockDeviceMappings']> {
  return [...state.detailsOf(instance).volumes].flatMap(([DeviceName, volumeId]) => {
    const attachment = state.volumes.get(volumeId)?.attachment
    if (!attachment) return []
    return [{DeviceName, Ebs: {VolumeId: volumeId, Status: 'attached' as const, AttachTime: attachment.at, DeleteOnTermination: attachment.deleteOnTermination}}]
  })
}
