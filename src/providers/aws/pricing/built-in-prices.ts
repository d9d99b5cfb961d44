/**
 * Prices for who may not ask AWS's Pricing API, or gets no answer. They are the published on-demand prices (Linux, shared hardware) as remembered in
 * November 2026, not compared one by one with the lists: whoever shows one shows this source with it. What is not here stays unknown.
 */
export const BUILT_IN_SOURCE = 'built-in 2026-11'

/** US dollars an hour in each of REGIONS; types whose price has changed of late are left out. */
const REGIONS = ['us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1'] as const

const HOURLY: Readonly<Record<string, readonly [number, number, number, number]>> = {
  't3.micro': [0.0104, 0.0104, 0.0114, 0.012],
  't3.small': [0.0208, 0.0208, 0.0228, 0.024],
  't3.medium': [0.0416, 0.0416, 0.0456, 0.048],
  't3.large': [0.0832, 0.0832, 0.0912, 0.096],
  't3.xlarge': [0.1664, 0.1664, 0.1824, 0.192],
  't3.2xlarge': [0.3328, 0.3328, 0.3648, 0.384],
  'm5.large': [0.096, 0.096, 0.107, 0.115],
  'm5.xlarge': [0.192, 0.192, 0.214, 0.23],
  'm5.2xlarge': [0.384, 0.384, 0.428, 0.46],
  'm5.4xlarge': [0.768, 0.768, 0.856, 0.92],
  'c5.large': [0.085, 0.085, 0.096, 0.097],
  'c5.xlarge': [0.17, 0.17, 0.192, 0.194],
  'c5.2xlarge': [0.34, 0.34, 0.384, 0.388],
  'c5.4xlarge': [0.68, 0.68, 0.768, 0.776],
  'r5.large': [0.126, 0.126, 0.141, 0.152],
  'r5.xlarge': [0.252, 0.252, 0.282, 0.304],
  'r5.2xlarge': [0.504, 0.504, 0.564, 0.608],
  'g4dn.xlarge': [0.526, 0.526, 0.587, 0.658],
  'g4dn.2xlarge': [0.752, 0.752, 0.838, 0.94],
  'g4dn.4xlarge': [1.204, 1.204, 1.342, 1.505],
  'g4dn.8xlarge': [2.176, 2.176, 2.426, 2.72],
  'g4dn.12xlarge': [3.912, 3.912, 4.362, 4.89],
  'g5.xlarge': [1.006, 1.006, 1.123, 1.258],
  'g5.2xlarge': [1.212, 1.212, 1.353, 1.516],
  'g5.4xlarge': [1.624, 1.624, 1.813, 2.031],
  'g5.8xlarge': [2.448, 2.448, 2.733, 3.061],
  'g5.12xlarge': [5.672, 5.672, 6.332, 7.093],
  'g5.16xlarge': [4.096, 4.096, 4.573, 5.122],
  'g5.24xlarge': [8.144, 8.144, 9.092, 10.184],
  'g5.48xlarge': [16.288, 16.288, 18.184, 20.367],
  'p3.2xlarge': [3.06, 3.06, 3.305, 3.823],
  'p3.8xlarge': [12.24, 12.24, 13.22, 15.292],
  'p3.16xlarge': [24.48, 24.48, 26.44, 30.584],
}

/** US dollars for a GiB a month (snapshots: of what they hold). */
const STORAGE: Readonly<Record<string, readonly [number, number, number, number]>> = {
  gp3: [0.08, 0.08, 0.088, 0.0952],
  gp2: [0.1, 0.1, 0.11, 0.119],
  snapshot: [0.05, 0.05, 0.05, 0.054],
}

/** S3 Standard, the first 50 TB, US dollars a month for 2^30 bytes. */
const S3: Readonly<Record<string, number>> = {
  'ap-northeast-1': 0.025,
  'ap-south-1': 0.025,
  'ap-southeast-1': 0.025,
  'ap-southeast-2': 0.025,
  'ca-central-1': 0.025,
  'eu-central-1': 0.0245,
  'eu-north-1': 0.023,
  'eu-west-1': 0.023,
  'eu-west-2': 0.024,
  'eu-west-3': 0.024,
  'sa-east-1': 0.0405,
  'us-east-1': 0.023,
  'us-east-2': 0.023,
  'us-west-1': 0.026,
  'us-west-2': 0.023,
}

/** A public IPv4 address, used or not, in all of AWS's commercial regions since February 2024. */
const ADDRESS_USD_PER_HOUR = 0.005

type Priced = 'address' | 'on-demand' | 's3' | 'storage'

/** null: not in the table. `what`: an instance type, `gp3`, `gp2`, `snapshot`; of addresses and S3 there is one kind. */
export function builtInPrice(kind: Priced, region: string, what: string): number | null {
  if (kind === 's3') return S3[region] ?? null
  const at = (REGIONS as readonly string[]).indexOf(region)
  if (kind === 'address') return region in S3 ? ADDRESS_USD_PER_HOUR : null
  return (kind === 'storage' ? STORAGE : HOURLY)[what]?.[at] ?? null
}
