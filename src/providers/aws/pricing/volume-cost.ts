import type {KnownPrice} from './listed-prices.js'
import {isStorageItem, type StorageItem} from './storage-prices.js'

/** What EC2 says of a disk. */
export interface VolumeFacts {
  /** `gp3` */
  readonly type: string
  readonly gib: number
  /** Operations a second; null: not told. */
  readonly iops: number | null
  /** MiB/s; null: not told. */
  readonly throughput: number | null
}

/** So much of a gp3 disk's performance is in its price. */
const GP3_FREE = {iops: 3000, throughput: 125}
/** Of an io2 disk's operations a second, those above cost less. */
const IO2_STEPS = [32_000, 64_000]

/** How much of what a disk is billed for; null where that is not known of its type. */
export function billedItems({gib, iops, throughput, type}: VolumeFacts): readonly (readonly [item: StorageItem, amount: number])[] | null {
  if (!isStorageItem(type) || type.includes('-') || type === 'snapshot') return null
  const all = [[type, gib] as const, ...performance(type, iops ?? 0, throughput ?? 0)]
  // An amount that EC2 does not tell is not nothing.
  if ((type === 'io1' || type === 'io2') && iops === null) return null
  return all.filter(([, amount]) => amount > 0)
}

function performance(type: StorageItem, iops: number, throughput: number): readonly (readonly [StorageItem, number])[] {
  const [low = 0, high = 0] = IO2_STEPS
  switch (type) {
    case 'gp3':
      return [['gp3-iops', Math.max(0, iops - GP3_FREE.iops)], ['gp3-throughput', Math.max(0, throughput - GP3_FREE.throughput)]]
    case 'io1':
      return [['io1-iops', iops]]
    case 'io2':
      return [
        ['io2-iops', Math.min(iops, low)], ['io2-iops-above-32000', Math.min(Math.max(0, iops - low), high - low)], ['io2-iops-above-64000', Math.max(0, iops - high)],
      ]
    default:
      return []
  }
}

/** US dollars a month; null where a part is unknown. The source is the weakest, the time the oldest of the parts. */
export async function costOf(
  items: readonly (readonly [item: StorageItem, amount: number])[] | null, priceOf: (item: StorageItem) => Promise<KnownPrice | null>,
): Promise<KnownPrice | null> {
  if (items === null) return null
  const parts = await Promise.all(items.map(async ([item, amount]) => {
    const price = await priceOf(item)
    return price && {...price, usd: price.usd * amount}
  }))
  return parts.includes(null) ? null : sumOf(parts.filter(part => part !== null))
}

/** null of nothing. */
export function sumOf(parts: readonly KnownPrice[]): KnownPrice | null {
  const [first] = parts
  if (!first) return null
  const asOf = parts.flatMap(part => part.asOf ?? []).sort()[0]
  return {
    usd: parts.reduce((sum, {usd}) => sum + usd, 0),
    source: parts.find(({source}) => source !== 'pricing-api')?.source ?? first.source,
    ...(asOf === undefined ? {} : {asOf}),
  }
}
