import type {DescribeSnapshotsCommandOutput, Snapshot} from '@aws-sdk/client-ec2'

import type {CallOptions, Holding} from '../../provider.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {HoldingDeps} from './aws-holdings.js'
import {readTags} from './read-tags.js'

const LARGEST_PAGE = 1000
const GIB = 2 ** 30

/** Every EBS snapshot of this account's own; without an owner EC2 tells of everybody's. */
export async function* listSnapshots({clients, pricing}: HoldingDeps, {signal}: CallOptions): AsyncIterable<Holding> {
  const [ec2, region, {DescribeSnapshotsCommand}] = await Promise.all([clients.ec2(), clients.region(), import('@aws-sdk/client-ec2')])
  let page: DescribeSnapshotsCommandOutput | undefined
  do {
    const command = new DescribeSnapshotsCommand({OwnerIds: ['self'], MaxResults: LARGEST_PAGE, ...(page?.NextToken ? {NextToken: page.NextToken} : {})})
    page = await callAws('ec2:DescribeSnapshots', signal, () => ec2.send(command, sendOptions(signal)))
    for (const snapshot of page.Snapshots ?? []) {
      if (snapshot.SnapshotId === undefined) continue
      const gib = billedGib(snapshot)
      const price = gib === null ? null : await pricing.snapshotPrice(gib, snapshot.StorageTier === 'archive', signal)
      yield {
        id: snapshot.SnapshotId,
        kind: 'snapshot',
        ...readTags(snapshot.Tags),
        region,
        state: snapshot.State ?? 'unknown',
        sizeGib: snapshot.VolumeSize ?? null,
        type: snapshot.StorageTier ?? null,
        createdAt: snapshot.StartTime?.toISOString() ?? null,
        attachedTo: null,
        goesWithInstance: false,
        usdPerMonth: price?.usd ?? null,
        priceSource: price?.source ?? null,
      }
    }
  } while (page.NextToken)
}

/** The most that can be billed: what of the disk was ever written, where EC2 tells that, else all of it. Blocks that an older snapshot holds already are billed there. */
function billedGib({FullSnapshotSizeInBytes, VolumeSize}: Snapshot): number | null {
  if (FullSnapshotSizeInBytes !== undefined && FullSnapshotSizeInBytes > 0) return Math.min(FullSnapshotSizeInBytes / GIB, VolumeSize ?? Infinity)
  return VolumeSize ?? null
}
