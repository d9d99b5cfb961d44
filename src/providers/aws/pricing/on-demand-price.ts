import type {GetProductsCommandOutput} from '@aws-sdk/client-pricing'

import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {isPrice} from './price-cache.js'

/** What is read of an entry of the price list, which is JSON within JSON. */
interface Product {
  readonly terms?: {readonly OnDemand?: Readonly<Record<string, {readonly priceDimensions?: Readonly<Record<string, Dimension>>}>>}
}

interface Dimension {
  readonly unit?: string
  readonly pricePerUnit?: {readonly USD?: string}
}

/** US dollars for an hour of Linux on shared hardware, from the Pricing API; null where it lists none. */
export async function onDemandPrice(clients: AwsClients, instanceType: string, signal: AbortSignal | undefined): Promise<number | null> {
  const [pricing, region, {GetProductsCommand}] = await Promise.all([clients.pricing(), clients.region(), import('@aws-sdk/client-pricing')])
  const wanted = {
    instanceType,
    regionCode: region,
    operatingSystem: 'Linux',
    preInstalledSw: 'NA',
    tenancy: 'Shared',
    capacitystatus: 'Used',
  }
  const command = new GetProductsCommand({
    ServiceCode: 'AmazonEC2',
    Filters: Object.entries(wanted).map(([Field, Value]) => ({Type: 'TERM_MATCH' as const, Field, Value})),
    MaxResults: 10,
  })
  const call = (): Promise<GetProductsCommandOutput> => pricing.send(command, sendOptions(signal))
  const answer = await callAws('pricing:GetProducts', signal, call)
  const entries = answer.PriceList as readonly unknown[] | undefined
  const prices = (entries ?? []).flatMap(entry => hourlyPrices(String(entry)))
  return prices.length === 0 ? null : Math.min(...prices)
}

function hourlyPrices(entry: string): readonly number[] {
  let product: Product
  try {
    product = JSON.parse(entry) as Product
  } catch {
    return []
  }
  return Object.values(product.terms?.OnDemand ?? {})
    .flatMap(term => Object.values(term.priceDimensions ?? {}))
    .filter(({unit}) => unit === 'Hrs')
    .map(({pricePerUnit}) => Number(pricePerUnit?.USD))
    .filter(isPrice)
}
