import type {AwsClients} from '../clients.js'
import {builtInPrice} from './built-in-prices.js'
import {askPriceList} from './price-list.js'

/** AWS bills 2^30 bytes as a gigabyte (S3's FAQ, "How will I be charged"). */
const BILLED_BYTES = 2 ** 30

/** US dollars for 10^9 bytes in S3 Standard for a month, in the first tier, from the Pricing API; null where it lists none. */
export async function s3Price(clients: AwsClients, region: string, signal: AbortSignal | undefined): Promise<number | null> {
  const attributes = {regionCode: region, productFamily: 'Storage', storageClass: 'General Purpose', volumeType: 'Standard'}
  const listed = await askPriceList(clients, {service: 'AmazonS3', attributes, pageSize: 10}, signal)
  const first = listed.filter(({isFirstTier, unit}) => unit === 'GB-Mo' && isFirstTier).map(({usd}) => usd)
  return first.length === 0 ? null : forDecimal(Math.min(...first))
}

/** null for a region that is not in the table. */
export function s3BuiltIn(region: string): number | null {
  const usd = builtInPrice('s3', region, 'standard')
  return usd === null ? null : forDecimal(usd)
}

const forDecimal = (usd: number): number => (usd * 1e9) / BILLED_BYTES
