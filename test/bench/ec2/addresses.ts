/** Elastic IP addresses: DescribeAddresses, which has no pages, and ReleaseAddress. */

import type {Address as AddressAnswer, DescribeAddressesRequest, DescribeAddressesResult, ReleaseAddressRequest} from '@aws-sdk/client-ec2'

import {ServiceError, type WireRequest} from '../types.js'
import {checkFilters, endDryRun, filtered, tagList, tagValues} from './filters.js'
import type {Address, Ec2State} from './state.js'

export function describeAddresses(state: Ec2State, input: DescribeAddressesRequest, {region}: WireRequest): DescribeAddressesResult {
  checkFilters(input.Filters, ['allocation-id', 'association-id', 'domain', 'instance-id', 'network-border-group', 'public-ip', 'tag-key', 'tag-value'])
  const here = input.AllocationIds?.map((id) => findAddress(state, id, region)) ?? [...state.addresses.values()].filter((address) => address.region === region)
  return {Addresses: filtered(here, input.Filters, filterValues).map(addressAnswer)}
}

function filterValues(address: Address, name: string): readonly string[] | null {
  const values: Readonly<Record<string, string | null>> = {
    'allocation-id': address.id, 'association-id': address.association?.id ?? null, domain: 'vpc', 'instance-id': address.association?.instanceId ?? null,
    'network-border-group': address.region, 'public-ip': address.publicIp,
  }
  const value = values[name]
  if (value === undefined) return tagValues(address.tags, name)
  return value === null ? [] : [value]
}

function addressAnswer({id, association, publicIp, region, tags}: Address): AddressAnswer {
  return {
    AllocationId: id, AssociationId: association?.id, Domain: 'vpc', InstanceId: association?.instanceId, NetworkBorderGroup: region, PublicIp: publicIp,
    PublicIpv4Pool: 'amazon', Tags: tagList(tags),
  }
}

export function releaseAddress(state: Ec2State, input: ReleaseAddressRequest, {region}: WireRequest): object {
  const address = findAddress(state, input.AllocationId ?? '', region)
  if (address.association !== null) throw new ServiceError('InvalidIPAddress.InUse', `Address ${address.publicIp} is in use.`)
  endDryRun(input.DryRun)
  state.addresses.delete(address.id)
  return {}
}

export function findAddress({addresses}: Ec2State, id: string, region: string): Address {
  const address = addresses.get(id)
  if (address?.region !== region) throw new ServiceError('InvalidAllocationID.NotFound', `The allocation ID '${id}' does not exist`)
  return address
}
