import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {isPrice} from './price-cache.js'

/** AWS bills 2^30 bytes as a gigabyte (S3's FAQ, "How will I be charged"). */
const BILLED_BYTES = 2 ** 30

/** S3 Standard, the first 50 TB, US dollars a month for 2^30 bytes, as known in November 2026 (not compared with the Pricing API region by region). For who may not ask that. */
const BUILT_IN: Readonly<Record<string, number>> = {
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

interface Product {
  readonly terms?: {readonly OnDemand?: Readonly<Record<string, {readonly priceDimensions?: Readonly<Record<string, Dimension>>}>>}
}

interface Dimension {
  readonly unit?: string
  readonly beginRange?: string
  readonly pricePerUnit?: {readonly USD?: string}
}

/** US dollars for 10^9 bytes in S3 Standard for a month, in the first tier, from the Pricing API; null where it lists none. */
export async function s3Price(clients: AwsClients, region: string, signal: AbortSignal | undefined): Promise<number | null> {
  const [pricing, {GetProductsCommand}] = await Promise.all([clients.pricing(), import('@aws-sdk/client-pricing')])
  const wanted = {regionCode: region, productFamily: 'Storage', storageClass: 'General Purpose', volumeType: 'Standard'}
  const command = new GetProductsCommand({
    ServiceCode: 'AmazonS3',
    Filters: Object.entries(wanted).map(([Field, Value]) => ({Type: 'TERM_MATCH' as const, Field, Value})),
    MaxResults: 10,
  })
  const answer = await callAws('pricing:GetProducts', signal, () => pricing.send(command, sendOptions(signal)))
  const prices = ((answer.PriceList as readonly unknown[] | undefined) ?? []).flatMap(entry => firstTier(String(entry)))
  return prices.length === 0 ? null : forDecimal(Math.min(...prices))
}

/** null for a region that is not in the table. */
export function builtInS3Price(region: string): number | null {
  const usd = BUILT_IN[region]
  return usd === undefined ? null : forDecimal(usd)
}

const forDecimal = (usd: number): number => (usd * 1e9) / BILLED_BYTES

function firstTier(entry: string): readonly number[] {
  try {
    return Object.values((JSON.parse(entry) as Product).terms?.OnDemand ?? {})
      .flatMap(term => Object.values(term.priceDimensions ?? {}))
      .filter(({beginRange, unit}) => unit === 'GB-Mo' && beginRange === '0')
      .map(({pricePerUnit}) => Number(pricePerUnit?.USD))
      .filter(isPrice)
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}
