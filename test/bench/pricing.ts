/** The Pricing API: products of AmazonEC2 and AmazonS3 as JSON strings, of more kinds than anyone asks for. */

import {randomUUID} from 'node:crypto'

import {type CatalogueType, INSTANCE_TYPES} from './ec2/catalogue.js'
import {jsonAnswer, jsonFailure, jsonInput} from './json-protocol.js'
import {type Service, ServiceError, type WireRequest, type WireResponse} from './types.js'

/** The only regions with an endpoint. */
const ENDPOINTS = ['ap-south-1', 'eu-central-1', 'us-east-1']

const REGIONS: Readonly<Record<string, {readonly location: string; readonly factor: number}>> = {
  'us-east-1': {location: 'US East (N. Virginia)', factor: 1},
  'us-west-2': {location: 'US West (Oregon)', factor: 1},
  'eu-west-1': {location: 'EU (Ireland)', factor: 1.1},
  'eu-central-1': {location: 'EU (Frankfurt)', factor: 1.15},
}

interface Product {
  readonly service: 'AmazonEC2' | 'AmazonS3'
  readonly family: string
  readonly attributes: Readonly<Record<string, string>>
  readonly usd: number
  readonly unit: 'GB-Mo' | 'Hrs'
  readonly description: string
  /** Of the price's steps, what they begin and end with; absent: one from 0 to Inf. */
  readonly tier?: readonly [begin: string, end: string]
}

const LARGEST_PAGE = 100
/** How on-demand offers and their hourly rates are called in every price list. */
const ON_DEMAND = 'JRTCKXETXF'
const HOURLY = '6YS6EN2CT7'

export class PricingService implements Service {
  readonly name = 'pricing'
  readonly #products = Object.keys(REGIONS).flatMap((region) => [...INSTANCE_TYPES.values()].flatMap((type) => instanceProducts(type, region)).concat(volumeProducts(region), storageProducts(region)))

  async handle(request: WireRequest): Promise<WireResponse> {
    if (!ENDPOINTS.includes(request.region)) throw new ServiceError('UnknownEndpoint', `There is no endpoint of the Pricing API in ${request.region}`, 404)
    if (request.operation !== 'GetProducts') throw new ServiceError('UnknownOperationException', `The bench has no ${request.operation}`)
    const input = jsonInput(request)
    const service = input['ServiceCode']
    if (service !== 'AmazonEC2' && service !== 'AmazonS3') throw new ServiceError('InvalidParameterException', 'Input Parameter: ServiceCode is invalid')
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

/** Who forgets a filter meets other systems, tenancies, bundled software, and reservations at no price. */
function instanceProducts(type: CatalogueType, region: string): Product[] {
  const {location, factor} = REGIONS[region] ?? {location: region, factor: 1}
  const variants = [
    {operatingSystem: 'Linux', preInstalledSw: 'NA', tenancy: 'Shared', capacitystatus: 'Used', price: 1},
    {operatingSystem: 'Linux', preInstalledSw: 'NA', tenancy: 'Shared', capacitystatus: 'UnusedCapacityReservation', price: 1},
    {operatingSystem: 'Linux', preInstalledSw: 'NA', tenancy: 'Shared', capacitystatus: 'AllocatedCapacityReservation', price: 0},
    {operatingSystem: 'Linux', preInstalledSw: 'SQL Std', tenancy: 'Shared', capacitystatus: 'Used', price: 3.1},
    {operatingSystem: 'Linux', preInstalledSw: 'NA', tenancy: 'Dedicated', capacitystatus: 'Used', price: 1.06},
    {operatingSystem: 'RHEL', preInstalledSw: 'NA', tenancy: 'Shared', capacitystatus: 'Used', price: 1.5},
    {operatingSystem: 'Windows', preInstalledSw: 'NA', tenancy: 'Shared', capacitystatus: 'Used', price: 1.9},
  ]
  return variants.map(({price, ...variant}) => ({
    service: 'AmazonEC2',
    family: 'Compute Instance',
    unit: 'Hrs',
    usd: type.onDemandUsd * factor * price,
    description: `per ${variant.tenancy === 'Shared' ? 'On Demand' : 'Dedicated'} ${variant.operatingSystem} ${type.name} Instance Hour`,
    attributes: {
      ...variant,
      instanceType: type.name,
      regionCode: region,
      location,
      locationType: 'AWS Region',
      vcpu: String(type.vcpus),
      memory: `${type.memoryMib / 1024} GiB`,
      ...(type.gpu !== null && {gpu: String(type.gpu.count)}),
      currentGeneration: 'Yes',
      licenseModel: 'No License required',
      marketoption: 'OnDemand',
      operation: variant.operatingSystem === 'Linux' ? 'RunInstances' : 'RunInstances:0002',
      usagetype: `BoxUsage:${type.name}`,
      servicename: 'Amazon Elastic Compute Cloud',
    },
  }))
}

function volumeProducts(region: string): Product[] {
  const {location, factor} = REGIONS[region] ?? {location: region, factor: 1}
  return [{name: 'gp3', usd: 0.08}, {name: 'gp2', usd: 0.1}].map(({name, usd}) => ({
    service: 'AmazonEC2',
    family: 'Storage',
    unit: 'GB-Mo',
    usd: usd * factor,
    description: `per GB-month of General Purpose (${name}) provisioned storage`,
    attributes: {regionCode: region, location, locationType: 'AWS Region', volumeApiName: name, volumeType: 'General Purpose', storageMedia: 'SSD-backed', usagetype: `EBS:VolumeUsage.${name}`},
  }))
}

/** Who forgets a filter meets other classes of storage, and the cheaper tiers of what is much. */
function storageProducts(region: string): Product[] {
  const {location, factor} = REGIONS[region] ?? {location: region, factor: 1}
  const classes = [
    {storageClass: 'General Purpose', volumeType: 'Standard', usd: 0.023, tier: ['0', '51200']},
    {storageClass: 'General Purpose', volumeType: 'Standard', usd: 0.022, tier: ['51200', '512000']},
    {storageClass: 'Infrequent Access', volumeType: 'Standard - Infrequent Access', usd: 0.0125, tier: ['0', 'Inf']},
    {storageClass: 'Archive', volumeType: 'Amazon Glacier', usd: 0.0036, tier: ['0', 'Inf']},
  ] as const
  return classes.map(({storageClass, tier, usd, volumeType}) => ({
    service: 'AmazonS3',
    family: 'Storage',
    unit: 'GB-Mo',
    usd: usd * factor,
    tier,
    description: `per GB - ${volumeType} storage`,
    attributes: {regionCode: region, location, locationType: 'AWS Region', storageClass, volumeType, usagetype: 'TimedStorage-ByteHrs', availability: '99.99%'},
  }))
}

function priceListEntry({service, family, attributes, usd, unit, description, tier: [beginRange, endRange] = ['0', 'Inf']}: Product): string {
  const sku = randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase()
  const offer = `${sku}.${ON_DEMAND}`
  const price = usd.toFixed(10)
  const dimension = {
    unit, endRange, description: `$${price} ${description}`, appliesTo: [], rateCode: `${offer}.${HOURLY}`, beginRange, pricePerUnit: {USD: price},
  }
  return JSON.stringify({
    product: {productFamily: family, attributes, sku},
    serviceCode: service,
    terms: {
      OnDemand: {[offer]: {priceDimensions: {[dimension.rateCode]: dimension}, sku, effectiveDate: '2026-11-01T00:00:00Z', offerTermCode: ON_DEMAND, termAttributes: {}}},
    },
    version: '20261113000000',
    publicationDate: '2026-11-13T00:00:00Z',
  })
}
