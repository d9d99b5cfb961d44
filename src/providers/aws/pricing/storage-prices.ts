import type {AwsClients} from '../clients.js'
import {askPriceList, type ListedPrice} from './price-list.js'

/** What is paid for a disk and for snapshots, by what the bill calls it without the prefix of the region. */
const USAGE = {
  'gp3': 'EBS:VolumeUsage.gp3',
  'gp2': 'EBS:VolumeUsage.gp2',
  'io1': 'EBS:VolumeUsage.piops',
  'io2': 'EBS:VolumeUsage.io2',
  'st1': 'EBS:VolumeUsage.st1',
  'sc1': 'EBS:VolumeUsage.sc1',
  'standard': 'EBS:VolumeUsage',
  'gp3-iops': 'EBS:VolumeP-IOPS.gp3',
  'io1-iops': 'EBS:VolumeP-IOPS.piops',
  'io2-iops': 'EBS:VolumeP-IOPS.io2',
  'io2-iops-above-32000': 'EBS:VolumeP-IOPS.io2.tier2',
  'io2-iops-above-64000': 'EBS:VolumeP-IOPS.io2.tier3',
  'gp3-throughput': 'EBS:VolumeP-Throughput.gp3',
  'snapshot': 'EBS:SnapshotUsage',
  'snapshot-archive': 'EBS:SnapshotArchiveStorage',
} as const

export type StorageItem = keyof typeof USAGE

export const isStorageItem = (name: string): name is StorageItem => name in USAGE

/** Where the price list has an item. One question answers for all of a family. */
export function familyOf(item: StorageItem): string {
  if (item.startsWith('snapshot')) return 'Storage Snapshot'
  if (item.endsWith('-throughput')) return 'Provisioned Throughput'
  return item.includes('-iops') ? 'System Operation' : 'Storage'
}

/** US dollars a month for one GiB, one I/O operation a second or one MiB/s, of every item of the family that the region has. */
export async function askStoragePrices(clients: AwsClients, region: string, family: string, signal: AbortSignal | undefined): Promise<ReadonlyMap<StorageItem, number>> {
  const listed = await askPriceList(clients, {service: 'AmazonEC2', attributes: {regionCode: region, productFamily: family}}, signal)
  const found = new Map<StorageItem, number>()
  for (const [item, usage] of Object.entries(USAGE) as [StorageItem, string][]) {
    const prices = listed.filter(price => price.isFirstTier && isUsage(price.usageType, usage)).flatMap(asMonthly)
    if (prices.length > 0) found.set(item, Math.min(...prices))
  }
  return found
}

/** `EBS:VolumeUsage` in the first region of all, `EUC1-EBS:VolumeUsage` elsewhere; what is longer is something else. */
const isUsage = (usageType: string, usage: string): boolean => usageType === usage || usageType.endsWith(`-${usage}`)

function asMonthly({unit, usd}: ListedPrice): readonly number[] {
  switch (unit.toLowerCase()) {
    case 'gb-mo':
    case 'iops-mo':
    case 'mibps-mo':
      return [usd]
    case 'gibps-mo':
      return [usd / 1024]
    default:
      return []
  }
}
