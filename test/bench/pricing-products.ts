/** What the price list holds: products of AmazonEC2, AmazonS3 and AmazonVPC, of more kinds than anyone asks for. */

import {type CatalogueType, INSTANCE_TYPES} from './ec2/catalogue.js'

/** Usage types begin with a region's prefix, which the first region of all lacks for EC2. */
const REGIONS: Readonly<Record<string, {readonly location: string; readonly factor: number; readonly prefix: string}>> = {
  'us-east-1': {location: 'US East (N. Virginia)', factor: 1, prefix: ''},
  'us-west-2': {location: 'US West (Oregon)', factor: 1, prefix: 'USW2'},
  'eu-west-1': {location: 'EU (Ireland)', factor: 1.1, prefix: 'EU'},
  'eu-central-1': {location: 'EU (Frankfurt)', factor: 1.15, prefix: 'EUC1'},
}

export interface Product {
  readonly service: 'AmazonEC2' | 'AmazonS3' | 'AmazonVPC'
  readonly family: string
  readonly attributes: Readonly<Record<string, string>>
  readonly usd: number
  readonly unit: 'GB-Mo' | 'GiBps-mo' | 'Hrs' | 'IOPS-Mo' | 'IOs'
  readonly description: string
  /** Of the price's steps, what they begin and end with; absent: one from 0 to Inf. */
  readonly tier?: readonly [begin: string, end: string]
}

export function allProducts(): Product[] {
  return Object.keys(REGIONS).flatMap((region) => [
    ...[...INSTANCE_TYPES.values()].flatMap((type) => instanceProducts(type, region)), ...diskProducts(region), ...storageProducts(region), ...addressProducts(region),
  ])
}

function placeOf(region: string): {readonly location: string; readonly factor: number; readonly prefix: string} {
  return REGIONS[region] ?? {location: region, factor: 1, prefix: region}
}

/** Who forgets a filter meets other systems, tenancies, bundled software, and reservations at no price. */
function instanceProducts(type: CatalogueType, region: string): Product[] {
  const {location, factor} = placeOf(region)
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

interface DiskProduct {
  readonly family: string
  readonly unit: Product['unit']
  readonly usd: number
  readonly volumeApiName?: string
  /** Without the region's prefix. */
  readonly usagetype: string
  readonly group?: string
}

const DISKS: readonly DiskProduct[] = [
  {family: 'Storage', unit: 'GB-Mo', usd: 0.08, volumeApiName: 'gp3', usagetype: 'EBS:VolumeUsage.gp3'},
  {family: 'Storage', unit: 'GB-Mo', usd: 0.1, volumeApiName: 'gp2', usagetype: 'EBS:VolumeUsage.gp2'},
  {family: 'Storage', unit: 'GB-Mo', usd: 0.125, volumeApiName: 'io1', usagetype: 'EBS:VolumeUsage.piops'},
  {family: 'Storage', unit: 'GB-Mo', usd: 0.125, volumeApiName: 'io2', usagetype: 'EBS:VolumeUsage.io2'},
  {family: 'Storage', unit: 'GB-Mo', usd: 0.045, volumeApiName: 'st1', usagetype: 'EBS:VolumeUsage.st1'},
  {family: 'Storage', unit: 'GB-Mo', usd: 0.015, volumeApiName: 'sc1', usagetype: 'EBS:VolumeUsage.sc1'},
  {family: 'Storage', unit: 'GB-Mo', usd: 0.05, volumeApiName: 'standard', usagetype: 'EBS:VolumeUsage'},
  {family: 'System Operation', unit: 'IOPS-Mo', usd: 0.005, volumeApiName: 'gp3', usagetype: 'EBS:VolumeP-IOPS.gp3', group: 'EBS IOPS'},
  {family: 'System Operation', unit: 'IOPS-Mo', usd: 0.065, volumeApiName: 'io1', usagetype: 'EBS:VolumeP-IOPS.piops', group: 'EBS IOPS'},
  {family: 'System Operation', unit: 'IOPS-Mo', usd: 0.065, volumeApiName: 'io2', usagetype: 'EBS:VolumeP-IOPS.io2', group: 'EBS IOPS'},
  {family: 'System Operation', unit: 'IOPS-Mo', usd: 0.0455, volumeApiName: 'io2', usagetype: 'EBS:VolumeP-IOPS.io2.tier2', group: 'EBS IOPS Tier 2'},
  {family: 'System Operation', unit: 'IOPS-Mo', usd: 0.032, volumeApiName: 'io2', usagetype: 'EBS:VolumeP-IOPS.io2.tier3', group: 'EBS IOPS Tier 3'},
  {family: 'System Operation', unit: 'IOs', usd: 0.000_000_05, volumeApiName: 'standard', usagetype: 'EBS:VolumeIOUsage', group: 'EBS I/O Requests'},
  {family: 'Provisioned Throughput', unit: 'GiBps-mo', usd: 40.96, volumeApiName: 'gp3', usagetype: 'EBS:VolumeP-Throughput.gp3', group: 'EBS Throughput'},
  {family: 'Storage Snapshot', unit: 'GB-Mo', usd: 0.05, usagetype: 'EBS:SnapshotUsage'},
  {family: 'Storage Snapshot', unit: 'GB-Mo', usd: 0.05, usagetype: 'EBS:SnapshotUsageUnderBilling'},
  {family: 'Storage Snapshot', unit: 'GB-Mo', usd: 0.0125, usagetype: 'EBS:SnapshotArchiveStorage'},
]

/** Disks and what is paid for their performance, and snapshots. */
function diskProducts(region: string): Product[] {
  const {location, factor, prefix} = placeOf(region)
  return DISKS.map(({family, group, unit, usagetype, usd, volumeApiName}) => ({
    service: 'AmazonEC2',
    family,
    unit,
    usd: usd * factor,
    description: `${usagetype} in ${location}`,
    attributes: {
      regionCode: region, location, locationType: 'AWS Region', usagetype: prefix === '' ? usagetype : `${prefix}-${usagetype}`,
      ...(volumeApiName !== undefined && {volumeApiName}), ...(group !== undefined && {group}),
    },
  }))
}

/** Public addresses cost the same whether used or not; those of a contiguous block cost more. Unlike other products they have no family. */
function addressProducts(region: string): Product[] {
  const {location, prefix} = placeOf(region)
  return [{use: 'InUseAddress', usd: 0.005}, {use: 'IdleAddress', usd: 0.005}, {use: 'ContiguousBlock', usd: 0.008}].map(({usd, use}) => ({
    service: 'AmazonVPC',
    family: '',
    unit: 'Hrs',
    usd,
    description: `per hour of a public IPv4 address (${use})`,
    attributes: {regionCode: region, location, locationType: 'AWS Region', group: 'VPCPublicIPv4Address', usagetype: `${prefix === '' ? 'USE1' : prefix}-PublicIPv4:${use}`},
  }))
}

/** Who forgets a filter meets other classes of storage, and the cheaper tiers of what is much. */
function storageProducts(region: string): Product[] {
  const {location, factor} = placeOf(region)
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
