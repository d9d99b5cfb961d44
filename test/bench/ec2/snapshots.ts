/** EBS snapshots: DescribeSnapshots and DeleteSnapshot. */

import type {DeleteSnapshotRequest, DescribeSnapshotsRequest, DescribeSnapshotsResult, Snapshot as SnapshotAnswer} from '@aws-sdk/client-ec2'

import {ServiceError, type WireRequest} from '../types.js'
import {checkFilters, checkId, endDryRun, filtered, paged, tagList, tagValues} from './filters.js'
import type {Ec2State, Snapshot} from './state.js'

const FILTERS = ['encrypted', 'owner-id', 'snapshot-id', 'start-time', 'status', 'storage-tier', 'tag-key', 'tag-value', 'volume-id', 'volume-size']

/** Without an owner: everybody's that are public, too. */
export function describeSnapshots(state: Ec2State, input: DescribeSnapshotsRequest, {region}: WireRequest): DescribeSnapshotsResult {
  checkFilters(input.Filters, FILTERS)
  if (input.SnapshotIds !== undefined && input.MaxResults !== undefined) {
    throw new ServiceError('InvalidParameterCombination', 'The parameter SnapshotSet cannot be used with the parameter MaxResults')
  }
  const owners = input.OwnerIds?.map((owner) => (owner === 'self' ? state.world.account : owner))
  const here = input.SnapshotIds?.map((id) => findSnapshot(state, id, region)) ?? [...state.snapshots.values()].filter((snapshot) => snapshot.region === region)
  const chosen = here.filter(({ownerId}) => owners?.includes(ownerId) ?? true)
  const {entries, NextToken} = paged(filtered(chosen, input.Filters, filterValues), input.MaxResults, input.NextToken)
  return {Snapshots: entries.map(snapshotAnswer), NextToken}
}

function filterValues(snapshot: Snapshot, name: string): readonly string[] | null {
  const values: Readonly<Record<string, string>> = {
    encrypted: 'true', 'owner-id': snapshot.ownerId, 'snapshot-id': snapshot.id, 'start-time': snapshot.startedAt.toISOString(), status: 'completed',
    'storage-tier': snapshot.tier, 'volume-id': snapshot.volumeId, 'volume-size': String(snapshot.sizeGib),
  }
  const value = values[name]
  return value === undefined ? tagValues(snapshot.tags, name) : [value]
}

function snapshotAnswer({id, ownerId, sizeGib, startedAt, tags, tier, volumeId}: Snapshot): SnapshotAnswer {
  return {
    SnapshotId: id, OwnerId: ownerId, VolumeId: volumeId, VolumeSize: sizeGib, StartTime: startedAt, State: 'completed', Progress: '100%', Encrypted: true,
    Description: '', StorageTier: tier, Tags: tagList(tags),
  }
}

export function deleteSnapshot(state: Ec2State, input: DeleteSnapshotRequest, {region}: WireRequest): object {
  const snapshot = findSnapshot(state, input.SnapshotId ?? '', region)
  if (snapshot.ownerId !== state.world.account) throw new ServiceError('UnauthorizedOperation', 'You are not authorized to perform this operation.', 403)
  if (snapshot.imageId !== null) throw new ServiceError('InvalidSnapshot.InUse', `The snapshot ${snapshot.id} is currently in use by ${snapshot.imageId}`)
  endDryRun(input.DryRun)
  state.snapshots.delete(snapshot.id)
  return {}
}

export function findSnapshot({snapshots}: Ec2State, id: string, region: string): Snapshot {
  checkId(id, 'snap', 'SnapshotID')
  const snapshot = snapshots.get(id)
  if (snapshot?.region !== region) throw new ServiceError('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`)
  return snapshot
}
