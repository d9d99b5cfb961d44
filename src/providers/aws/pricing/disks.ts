import type {DescribeVolumesCommandInput, Volume} from '@aws-sdk/client-ec2'

import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import type {VolumeFacts} from './volume-cost.js'

/** The most values of one filter. */
const MOST_IDS = 200
const LARGEST_PAGE = 1000

/** Every disk of the region that passes the filters, page by page. */
export async function* describeVolumes(clients: AwsClients, Filters: DescribeVolumesCommandInput['Filters'], signal: AbortSignal | undefined): AsyncIterable<Volume> {
  const [ec2, {DescribeVolumesCommand}] = await Promise.all([clients.ec2(), import('@aws-sdk/client-ec2')])
  let NextToken: string | undefined
  do {
    const input = {MaxResults: LARGEST_PAGE, ...(Filters?.length ? {Filters} : {}), ...(NextToken === undefined ? {} : {NextToken})}
    const page = await callAws('ec2:DescribeVolumes', signal, () => ec2.send(new DescribeVolumesCommand(input), sendOptions(signal)))
    yield* page.Volumes ?? []
    NextToken = page.NextToken || undefined
  } while (NextToken !== undefined)
}

/** The disks attached to each of these instances; one that has none, or of which EC2 tells none, is not in it. */
export async function disksOf(clients: AwsClients, instanceIds: readonly string[], signal: AbortSignal | undefined): Promise<ReadonlyMap<string, readonly VolumeFacts[]>> {
  const wanted = new Set(instanceIds)
  const found = new Map<string, VolumeFacts[]>()
  const ids = [...wanted]
  const batches = Array.from({length: Math.ceil(ids.length / MOST_IDS)}, (_, index) => ids.slice(index * MOST_IDS, (index + 1) * MOST_IDS))
  await Promise.all(batches.map(async Values => {
    for await (const volume of describeVolumes(clients, [{Name: 'attachment.instance-id', Values}], signal)) {
      // A disk that several share is billed once: to the first of them.
      const owner = volume.Attachments?.find(({InstanceId = ''}) => wanted.has(InstanceId))?.InstanceId
      if (owner !== undefined) found.set(owner, [...(found.get(owner) ?? []), volumeFacts(volume)])
    }
  }))
  return found
}

export const volumeFacts = ({Iops, Size, Throughput, VolumeType}: Volume): VolumeFacts =>
  ({type: VolumeType ?? '', gib: Size ?? Number.NaN, iops: Iops ?? null, throughput: Throughput ?? null})
