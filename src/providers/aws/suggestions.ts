import type {Suggestion} from '../provider.js'

/**
 * The types that training is usually run on, those with a GPU first, as AWS's pages on instance types describe them (GPU memory of the whole machine).
 * Of their prices and of where they exist `create --dry-run` knows more; a list that is asked for would be of nine hundred.
 */
const TYPES: Readonly<Record<string, string>> = {
  'g4dn.xlarge': '1 T4 16 GB, 4 vCPU, 16 GiB',
  'g4dn.2xlarge': '1 T4 16 GB, 8 vCPU, 32 GiB',
  'g4dn.12xlarge': '4 T4 64 GB, 48 vCPU, 192 GiB',
  'g5.xlarge': '1 A10G 24 GB, 4 vCPU, 16 GiB',
  'g5.2xlarge': '1 A10G 24 GB, 8 vCPU, 32 GiB',
  'g5.4xlarge': '1 A10G 24 GB, 16 vCPU, 64 GiB',
  'g5.12xlarge': '4 A10G 96 GB, 48 vCPU, 192 GiB',
  'g5.48xlarge': '8 A10G 192 GB, 192 vCPU, 768 GiB',
  'g6.xlarge': '1 L4 24 GB, 4 vCPU, 16 GiB',
  'g6.2xlarge': '1 L4 24 GB, 8 vCPU, 32 GiB',
  'g6.12xlarge': '4 L4 96 GB, 48 vCPU, 192 GiB',
  'g6e.xlarge': '1 L40S 48 GB, 4 vCPU, 32 GiB',
  'g6e.2xlarge': '1 L40S 48 GB, 8 vCPU, 64 GiB',
  'g6e.12xlarge': '4 L40S 192 GB, 48 vCPU, 384 GiB',
  'p3.2xlarge': '1 V100 16 GB, 8 vCPU, 61 GiB',
  'p4d.24xlarge': '8 A100 320 GB, 96 vCPU, 1152 GiB',
  'p4de.24xlarge': '8 A100 640 GB, 96 vCPU, 1152 GiB',
  'p5.48xlarge': '8 H100 640 GB, 192 vCPU, 2 TiB',
  't3.micro': '2 vCPU, 1 GiB',
  't3.medium': '2 vCPU, 4 GiB',
  't3.large': '2 vCPU, 8 GiB',
  'm5.large': '2 vCPU, 8 GiB',
  'm5.xlarge': '4 vCPU, 16 GiB',
  'm5.4xlarge': '16 vCPU, 64 GiB',
  'c5.xlarge': '4 vCPU, 8 GiB',
  'c5.4xlarge': '16 vCPU, 32 GiB',
  'r5.xlarge': '4 vCPU, 32 GiB',
  'r5.4xlarge': '16 vCPU, 128 GiB',
}

/** `regions` is asked for those that this account may use. */
export async function awsSuggestions(name: string, regions: () => Promise<readonly string[]>): Promise<readonly Suggestion[]> {
  if (name === 'type') return Object.entries(TYPES).map(([value, description]) => ({value, description}))
  if (name === 'region') return (await regions()).map(value => ({value}))
  return []
}
