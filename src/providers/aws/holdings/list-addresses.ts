import {HOURS_A_MONTH} from '../../../model/cost.js'
import type {CallOptions, Holding} from '../../provider.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {HoldingDeps} from './aws-holdings.js'
import {readTags} from './read-tags.js'


/** Every Elastic IP address of the region; EC2 tells them in one answer. Not those that instances are given for as long as they run. */
export async function* listAddresses({clients, pricing}: HoldingDeps, {signal}: CallOptions): AsyncIterable<Holding> {
  const [ec2, region, {DescribeAddressesCommand}] = await Promise.all([clients.ec2(), clients.region(), import('@aws-sdk/client-ec2')])
  const {Addresses} = await callAws('ec2:DescribeAddresses', signal, () => ec2.send(new DescribeAddressesCommand({}), sendOptions(signal)))
  for (const {AllocationId, AssociationId, InstanceId, PublicIp, Tags} of Addresses ?? []) {
    if (AllocationId === undefined) continue
    const price = await pricing.addressPrice(signal)
    const {name, tags} = readTags(Tags)
    yield {
      id: AllocationId,
      kind: 'address',
      name: name ?? PublicIp ?? null,
      region,
      // One of a network interface without an instance (a NAT gateway's) is in use as well.
      state: AssociationId === undefined && !InstanceId ? 'available' : 'associated',
      sizeGib: null,
      type: 'ipv4',
      createdAt: null,
      attachedTo: InstanceId || null,
      goesWithInstance: false,
      usdPerMonth: price === null ? null : price.usd * HOURS_A_MONTH,
      priceSource: price?.source ?? null,
      tags,
    }
  }
}
