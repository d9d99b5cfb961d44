/** What can be rented: images, instance types, and where. */

import type {
  DescribeImagesRequest, DescribeImagesResult, DescribeInstanceTypeOfferingsRequest, DescribeInstanceTypesRequest,
  DescribeInstanceTypesResult, Image, InstanceTypeInfo, InstanceTypeOffering,
} from '@aws-sdk/client-ec2'

import {ServiceError, type WireRequest} from '../types.js'
import {type CatalogueImage, type CatalogueType, INSTANCE_TYPES} from './catalogue.js'
import {checkFilters, checkId, filtered, paged} from './filters.js'
import {imagesIn} from './regions.js'

export function describeImages(input: DescribeImagesRequest, {region}: WireRequest): DescribeImagesResult {
  const images = imagesIn(region)
  checkFilters(input.Filters, ['architecture', 'image-id', 'is-public', 'name', 'owner-id', 'root-device-type', 'state', 'virtualization-type'])
  const chosen = (input.ImageIds ?? [...images.keys()]).map((id) => {
    checkId(id, 'ami', 'AMIID')
    const image = images.get(id)
    if (image === undefined) throw new ServiceError('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`)
    return image
  })
  const owned = chosen.filter(({ownerId, description}) => (input.Owners ?? ['*']).some((owner) => owner === '*' || owner === ownerId || (owner === 'amazon' && !description.startsWith('Canonical'))))
  const {entries, NextToken} = paged(filtered(owned, input.Filters, imageFilter), input.MaxResults, input.NextToken, 1)
  return {Images: entries.map(imageAnswer), NextToken}
}

function imageFilter(image: CatalogueImage, name: string): readonly string[] | null {
  const values: Readonly<Record<string, string>> = {
    architecture: image.architecture, 'image-id': image.id, 'is-public': 'true', name: image.name, 'owner-id': image.ownerId,
    'root-device-type': 'ebs', state: 'available', 'virtualization-type': 'hvm',
  }
  const value = values[name]
  return value === undefined ? [] : [value]
}

function imageAnswer(image: CatalogueImage): Image {
  return {
    ImageId: image.id,
    Name: image.name,
    Description: image.description,
    OwnerId: image.ownerId,
    Public: true,
    State: 'available',
    Architecture: image.architecture,
    ImageType: 'machine',
    PlatformDetails: 'Linux/UNIX',
    RootDeviceType: 'ebs',
    RootDeviceName: image.rootDevice,
    VirtualizationType: 'hvm',
    Hypervisor: 'xen',
    EnaSupport: true,
    CreationDate: image.createdAt,
    BlockDeviceMappings: [
      {DeviceName: image.rootDevice, Ebs: {DeleteOnTermination: true, SnapshotId: `snap-${image.id.slice('ami-'.length)}`, VolumeSize: image.rootGib, VolumeType: 'gp3', Encrypted: false}},
    ],
  }
}

export function describeInstanceTypes(input: DescribeInstanceTypesRequest): DescribeInstanceTypesResult {
  checkFilters(input.Filters, ['current-generation', 'instance-type', 'processor-info.supported-architecture', 'vcpu-info.default-vcpus'])
  const named = input.InstanceTypes as readonly string[] | undefined
  const unknown = (named ?? []).filter((name) => !INSTANCE_TYPES.has(name))
  if (unknown.length > 0) throw new ServiceError('InvalidInstanceType', `The following supplied instance types do not exist: [${unknown.join(', ')}]`)
  const chosen = [...INSTANCE_TYPES.values()].filter(({name}) => named?.includes(name) ?? true)
  const {entries, NextToken} = paged(filtered(chosen, input.Filters, typeFilter), input.MaxResults, input.NextToken)
  return {InstanceTypes: entries.map(typeAnswer), NextToken}
}

function typeFilter(type: CatalogueType, name: string): readonly string[] | null {
  const values: Readonly<Record<string, string>> = {
    'current-generation': 'true', 'instance-type': type.name, 'processor-info.supported-architecture': type.architecture, 'vcpu-info.default-vcpus': String(type.vcpus),
  }
  const value = values[name]
  return value === undefined ? [] : [value]
}

function typeAnswer({name, architecture, gpu, ...type}: CatalogueType): InstanceTypeInfo {
  const gpus = gpu === null ? null : {Name: gpu.name, Manufacturer: 'NVIDIA', Count: gpu.count, MemoryInfo: {SizeInMiB: gpu.memoryMib}}
  return {
    InstanceType: name as NonNullable<InstanceTypeInfo['InstanceType']>,
    CurrentGeneration: true,
    BurstablePerformanceSupported: /^t\d/.test(name),
    FreeTierEligible: name === 't3.micro',
    SupportedUsageClasses: ['on-demand', 'spot'],
    SupportedRootDeviceTypes: ['ebs'],
    SupportedVirtualizationTypes: ['hvm'],
    BareMetal: false,
    Hypervisor: 'nitro',
    ProcessorInfo: {SupportedArchitectures: [architecture]},
    VCpuInfo: {DefaultVCpus: type.vcpus, DefaultCores: Math.max(1, type.vcpus / 2), DefaultThreadsPerCore: architecture === 'arm64' ? 1 : 2},
    MemoryInfo: {SizeInMiB: type.memoryMib},
    InstanceStorageSupported: type.instanceStoreGb > 0,
    InstanceStorageInfo: type.instanceStoreGb === 0 ? undefined : {TotalSizeInGB: type.instanceStoreGb},
    GpuInfo: gpus === null ? undefined : {Gpus: [gpus], TotalGpuMemoryInMiB: gpus.Count * gpus.MemoryInfo.SizeInMiB},
  }
}

/** By zone or by region; without `LocationType` EC2 tells of the region. */
export function describeInstanceTypeOfferings(input: DescribeInstanceTypeOfferingsRequest, {region}: WireRequest) {
  checkFilters(input.Filters, ['instance-type', 'location'])
  const kind = input.LocationType ?? 'region'
  if (kind !== 'region' && kind !== 'availability-zone') throw new ServiceError('InvalidParameterValue', `The bench has no offerings by ${kind}`)
  const all = [...INSTANCE_TYPES.values()].flatMap(({name, zones}): InstanceTypeOffering[] => {
    const places = kind === 'region' ? [region] : [...zones].map((letter) => region + letter)
    return places.map((Location) => ({InstanceType: name as NonNullable<InstanceTypeOffering['InstanceType']>, LocationType: kind, Location}))
  })
  const chosen = filtered(all, input.Filters, ({InstanceType = '', Location = ''}, name) => [name === 'location' ? Location : InstanceType])
  const {entries, NextToken} = paged(chosen, input.MaxResults, input.NextToken)
  return {InstanceTypeOfferings: entries, NextToken}
}
