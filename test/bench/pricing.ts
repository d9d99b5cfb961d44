/** The Pricing API: products as JSON strings. */

import {randomUUID} from 'node:crypto'

import {jsonAnswer, jsonFailure, jsonInput} from './json-protocol.js'
import {allProducts, type Product} from './pricing-products.js'
import {type Service, ServiceError, type WireRequest, type WireResponse} from './types.js'

/** The only regions with an endpoint. */
const ENDPOINTS = ['ap-south-1', 'eu-central-1', 'us-east-1']

const LARGEST_PAGE = 100
/** How on-demand offers and their hourly rates are called in every price list. */
const ON_DEMAND = 'JRTCKXETXF'
const HOURLY = '6YS6EN2CT7'

export class PricingService implements Service {
  readonly name = 'pricing'
  readonly #products = allProducts()

  async handle(request: WireRequest): Promise<WireResponse> {
    if (!ENDPOINTS.includes(request.region)) throw new ServiceError('UnknownEndpoint', `There is no endpoint of the Pricing API in ${request.region}`, 404)
    if (request.operation !== 'GetProducts') throw new ServiceError('UnknownOperationException', `The bench has no ${request.operation}`)
    const input = jsonInput(request)
    const service = input['ServiceCode']
    if (service !== 'AmazonEC2' && service !== 'AmazonS3' && service !== 'AmazonVPC') throw new ServiceError('InvalidParameterException', 'Input Parameter: ServiceCode is invalid')
    const chosen = this.#products.filter((product) => product.service === service && filtersOf(input).every((filter) => matches(product, filter)))
    const start = pageStart(input['NextToken'])
    const end = start + pageSize(input['MaxResults'])
    const NextToken = end < chosen.length ? Buffer.from(`page ${end}`).toString('base64') : undefined
    return jsonAnswer({FormatVersion: 'aws_v1', PriceList: chosen.slice(start, end).map(priceListEntry), ...(NextToken !== undefined && {NextToken})})
  }

  fail(error: ServiceError): WireResponse {
    return jsonFailure(error)
  }
}

interface ProductFilter {
  readonly Type?: unknown
  readonly Field?: unknown
  readonly Value?: unknown
}

function filtersOf({Filters}: Record<string, unknown>): readonly ProductFilter[] {
  return Array.isArray(Filters) ? (Filters as readonly ProductFilter[]) : []
}

/** Attributes are found whatever the case of their letters. */
function matches({attributes, family, service}: Product, {Type, Field, Value}: ProductFilter): boolean {
  if (Type !== 'TERM_MATCH') throw new ServiceError('InvalidParameterException', `The bench has no filters of type ${String(Type)}`)
  const all: Readonly<Record<string, string>> = {...attributes, productFamily: family, servicecode: service}
  const found = Object.entries(all).find(([name]) => name.toLowerCase() === String(Field).toLowerCase())
  return found?.[1].toLowerCase() === String(Value).toLowerCase()
}

function pageStart(token: unknown): number {
  if (token === undefined || token === null || token === '') return 0
  const [, start] = /^page (\d+)$/.exec(Buffer.from(String(token), 'base64').toString()) ?? []
  if (start === undefined) throw new ServiceError('InvalidNextTokenException', 'The pagination token is invalid.')
  return Number(start)
}

function pageSize(size: unknown): number {
  if (size === undefined || size === null) return LARGEST_PAGE
  if (typeof size !== 'number' || size < 1 || size > LARGEST_PAGE) throw new ServiceError('InvalidParameterException', 'Input Parameter: MaxResults must be between 1 and 100')
  return size
}

function priceListEntry({service, family, attributes, usd, unit, description, tier: [beginRange, endRange] = ['0', 'Inf']}: Product): string {
  const sku = randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase()
  const offer = `${sku}.${ON_DEMAND}`
  const price = usd.toFixed(10)
  const dimension = {
    unit, endRange, description: `$${price} ${description}`, appliesTo: [], rateCode: `${offer}.${HOURLY}`, beginRange, pricePerUnit: {USD: price},
  }
  return JSON.stringify({
    product: {...(family !== '' && {productFamily: family}), attributes, sku},
    serviceCode: service,
    terms: {
      OnDemand: {[offer]: {priceDimensions: {[dimension.rateCode]: dimension}, sku, effectiveDate: '2026-11-01T00:00:00Z', offerTermCode: ON_DEMAND, termAttributes: {}}},
    },
    version: '20261113000000',
    publicationDate: '2026-11-13T00:00:00Z',
  })
}
