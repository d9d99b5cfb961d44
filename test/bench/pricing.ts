/** The Pricing API: products of AmazonEC2 as JSON strings, of more kinds than anyone asks for. */

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
  readonly family: string
  readonly attributes: Readonly<Record<string, string>>
  readonly usd: number
  readonly unit: 'GB-Mo' | 'Hrs'
  readonly description: string
}

const LARGEST_PAGE = 100
/** How on-demand offers and their hourly rates are called in every price list. */
const ON_DEMAND = 'JRTCKXETXF'
const HOURLY = '6YS6EN2CT7'

export class PricingService implements Service {
  readonly name = 'pricing'
  readonly #products = Object.keys(REGIONS).flatMap((region) => [...INSTANCE_TYPES.values()].flatMap((type) => instanceProducts(type, region)).concat(volumeProducts(region)))

  async handle(request: WireRequest): Promise<WireResponse> {
    if (!ENDPOINTS.includes(request.region)) throw new ServiceError('UnknownEndpoint', `There is no endpoint of the Pricing API in ${request.region}`, 404)
    if (request.operation !== 'GetProducts') throw new ServiceError('UnknownOperationException', `The bench has no ${request.operation}`)
    const input = jsonInput(request)
    if (input['ServiceCode'] !== 'AmazonEC2') throw new ServiceError('InvalidParameterException', 'Input Parameter: ServiceCode is invalid')
    const chosen = this.#products.filter((product) => filtersOf(input).every((filter) => matches(product, filter)))
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
function matches({attributes, family}: Product, {Type, Field, Value}: ProductFilter): boolean {
  if (Type !== 'TERM_MATCH') throw new ServiceError('InvalidParameterException', `The bench has no filters of type ${String(Type)}`)
  const all: Readonly<Record<string, string>> = {...attributes, productFamily: family, servicecode: 'AmazonEC2'}
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
    family: 'Storage',
    unit: 'GB-Mo',
    usd: usd * factor,
    description: `per GB-month of General Purpose (${name}) provisioned storage`,
    attributes: {regionCode: region, location, locationType: 'AWS Region', volumeApiName: name, volumeType: 'General Purpose', storageMedia: 'SSD-backed', usagetype: `EBS:VolumeUsage.${name}`},
  }))
}

function priceListEntry({family, attributes, usd, unit, description}: Product): string {
  const sku = randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase()
  const offer = `${sku}.${ON_DEMAND}`
  const price = usd.toFixed(10)
  const dimension = {
    unit, endRange: 'Inf', description: `$${price} ${description}`, appliesTo: [], rateCode: `${offer}.${HOURLY}`, beginRange: '0', pricePerUnit: {USD: price},
  }
  return JSON.stringify({
    product: {productFamily: family, attributes, sku},
    serviceCode: 'AmazonEC2',
    terms: {
      OnDemand: {[offer]: {priceDimensions: {[dimension.rateCode]: dimension}, sku, effectiveDate: '2026-11-01T00:00:00Z', offerTermCode: ON_DEMAND, termAttributes: {}}},
    },
    version: '20261113000000',
    publicationDate: '2026-11-13T00:00:00Z',
  })
}
