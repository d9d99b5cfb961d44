import type {CallOptions, Holding} from '../../provider.js'
import {describeVolumes, volumeFacts} from '../pricing/disks.js'
import type {HoldingDeps} from './aws-holdings.js'
import {readTags} from './read-tags.js'

/** Every EBS volume of the region, attached or not. */
export async function* listVolumes({clients, pricing}: HoldingDeps, {signal}: CallOptions): AsyncIterable<Holding> {
  const region = await clients.region()
  for await (const volume of describeVolumes(clients, undefined, signal)) {
    if (volume.VolumeId === undefined) continue
    const [attachment] = volume.Attachments ?? []
    const price = await pricing.volumePrice(volumeFacts(volume), signal)
    yield {
      id: volume.VolumeId,
      kind: 'volume',
      ...readTags(volume.Tags),
      region,
      state: volume.State ?? 'unknown',
      sizeGib: volume.Size ?? null,
      type: volume.VolumeType ?? null,
      createdAt: volume.CreateTime?.toISOString() ?? null,
      attachedTo: attachment?.InstanceId ?? null,
      goesWithInstance: attachment?.DeleteOnTermination ?? false,
      usdPerMonth: price?.usd ?? null,
      priceSource: price?.source ?? null,
    }
  }
}
