import type {GetProductsCommandOutput} from '@aws-sdk/client-pricing'

import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {isPrice} from './price-cache.js'

/** One price of one product. */
export interface ListedPrice {
  /** `EUC1-EBS:VolumeUsage.gp3`: what is billed, behind a prefix for the region that some regions lack. Empty where it is not told. */
  readonly usageType: string
  /** `Hrs`, `GB-Mo`, `IOPS-Mo`, `GiBps-mo` */
  readonly unit: string
  /** US dollars for one unit. */
  readonly usd: number
  /** Of prices that fall with the amount, the one for the first units. */
  readonly isFirstTier: boolean
}

/** What is read of an entry of the price list, which is JSON within JSON. */
interface Product {
  readonly product?: {readonly attributes?: {readonly usagetype?: unknown}}
  readonly terms?: {readonly OnDemand?: Readonly<Record<string, {readonly priceDimensions?: Readonly<Record<string, Dimension>>}>>}
}

interface Dimension {
  readonly unit?: string
  readonly beginRange?: string
  readonly pricePerUnit?: {readonly USD?: string}
}

export interface PriceQuestion {
  readonly service: 'AmazonEC2' | 'AmazonS3' | 'AmazonVPC'
  /** Attributes by name; all must match. */
  readonly attributes: Readonly<Record<string, string>>
  /** Entries a page; the least that will do saves AWS and us the rest. Default 100, the most. */
  readonly pageSize?: number
}

/** On-demand prices of all products that match, from the Pricing API, page by page. Free ones and what cannot be read are left out. */
export async function askPriceList(clients: AwsClients, {attributes, pageSize = 100, service}: PriceQuestion, signal: AbortSignal | undefined): Promise<readonly ListedPrice[]> {
  const [pricing, {GetProductsCommand}] = await Promise.all([clients.pricing(), import('@aws-sdk/client-pricing')])
  const Filters = Object.entries(attributes).map(([Field, Value]) => ({Type: 'TERM_MATCH' as const, Field, Value}))
  const found: ListedPrice[] = []
  let NextToken: string | undefined
  do {
    const command = new GetProductsCommand({ServiceCode: service, Filters, MaxResults: pageSize, ...(NextToken === undefined ? {} : {NextToken})})
    const page: GetProductsCommandOutput = await callAws('pricing:GetProducts', signal, () => pricing.send(command, sendOptions(signal)))
    for (const entry of (page.PriceList as readonly unknown[] | undefined) ?? []) found.push(...readPrices(String(entry)))
    NextToken = page.NextToken || undefined
  } while (NextToken !== undefined)
  return found
}

function readPrices(entry: string): readonly ListedPrice[] {
  let product: Product | null
  try {
    product = JSON.parse(entry) as Product | null
  } catch {
    return []
  }
  const usageType = product?.product?.attributes?.usagetype
  return Object.values(product?.terms?.OnDemand ?? {})
    .flatMap(term => Object.values(term.priceDimensions ?? {}))
    .map(({beginRange = '0', pricePerUnit, unit = ''}) => ({
      usageType: typeof usageType === 'string' ? usageType : '', unit, usd: Number(pricePerUnit?.USD), isFirstTier: beginRange === '0',
    }))
    .filter(({usd}) => isPrice(usd))
}
