/** EBS volumes: DescribeVolumes and DeleteVolume. */

import type {DeleteVolumeRequest, DescribeVolumesRequest, DescribeVolumesResult, Volume as VolumeAnswer} from '@aws-sdk/client-ec2'

import {ServiceError, type WireRequest} from '../types.js'
import {checkFilters, checkId, endDryRun, filtered, paged, tagList, tagValues} from './filters.js'
import {regionOfZone} from './regions.js'
import type {Ec2State, Volume} from './state.js'

const FILTERS = ['attachment.instance-id', 'attachment.status', 'availability-zone', 'encrypted', 'size', 'status', 'tag-key', 'tag-value', 'volume-id', 'volume-type']

export function describeVolumes(state: Ec2State, input: DescribeVolumesRequest, {region}: WireRequest): DescribeVolumesResult {
  checkFilters(input.Filters, FILTERS)
  const chosen = input.VolumeIds === undefined ? [...state.volumes.values()].filter(({zone}) => regionOfZone(zone) === region) : input.VolumeIds.map((id) => findVolume(state, id, region))
  const {entries, NextToken} = paged(filtered(chosen, input.Filters, filterValues), input.MaxResults, input.NextToken)
  return {Volumes: entries.map(volumeAnswer), NextToken}
}

function filterValues(volume: Volume, name: string): readonly string[] | null {
  const {attachment} = volume
  const values: Readonly<Record<string, string | null>> = {
    'attachment.instance-id': attachment?.instanceId ?? null,
    'attachment.status': attachment === null ? null : 'attached',
    'availability-zone': volume.zone,
    encrypted: String(volume.encrypted),
    size: String(volume.sizeGib),
    status: attachment === null ? 'available' : 'in-use',
    'volume-id': volume.id,
    'volume-type': volume.type,
  }
  const value = values[name]
  if (value === undefined) return tagValues(volume.tags, name)
  return value === null ? [] : [value]
}

function volumeAnswer(volume: Volume): VolumeAnswer {
  const {attachment} = volume
  return {
    VolumeId: volume.id,
    Size: volume.sizeGib,
    VolumeType: volume.type as NonNullable<VolumeAnswer['VolumeType']>,
    Iops: volume.iops ?? undefined,
    Throughput: volume.throughput ?? undefined,
    Encrypted: volume.encrypted,
    AvailabilityZone: volume.zone,
    State: attachment === null ? 'available' : 'in-use',
    CreateTime: volume.createdAt,
    Tags: tagList(volume.tags),
    Attachments:
      attachment === null
        ? []
        : [{VolumeId: volume.id, InstanceId: attachment.instanceId, Device: attachment.device, State: 'attached', AttachTime: attachment.at, DeleteOnTermination: attachment.deleteOnTermination}],
  }
}

export function deleteVolume(state: Ec2State, input: DeleteVolumeRequest, {region}: WireRequest): object {
  const volume = findVolume(state, input.VolumeId ?? '', region)
  if (volume.attachment !== null) throw new ServiceError('VolumeInUse', `Volume ${volume.id} is currently attached to ${volume.attachment.instanceId}`)
  endDryRun(input.DryRun)
  state.volumes.delete(volume.id)
  return {}
}

/** Only what lives in the region. */
export function findVolume({volumes}: Ec2State, id: string, region: string): Volume {
  checkId(id, 'vol', 'ParameterValue')
  const volume = volumes.get(id)
  if (volume === undefined || regionOfZone(volume.zone) !== region) throw new ServiceError('InvalidVolume.NotFound', `The volume '${id}' does not exist.`)
  return volume
}
