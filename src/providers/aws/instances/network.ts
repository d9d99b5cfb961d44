import type {SecurityGroup, Subnet} from '@aws-sdk/client-ec2'

import {isRunctlError, RunctlError} from '../../../model/errors.js'
import {TAGS} from '../../../model/instance.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import type {LaunchWish} from './create-options.js'
import {awsErrorName} from './until-visible.js'

/** runctl reaches its instances over SSM, for which no port is open. */
export const SECURITY_GROUP = 'runctl'

export interface Network {
  /** null: EC2 chooses one of the default VPC's. */
  readonly subnet: string | null
  /** In this order, where there is no capacity in the first choice; empty where the user has chosen. */
  readonly otherSubnets: readonly {readonly id: string; readonly zone: string}[]
  readonly securityGroups: readonly string[]
  /** What to tell of it. */
  readonly summary: {readonly subnet: string; readonly securityGroups: string}
}

interface NetworkSearch {
  readonly dryRun: boolean
  /** Nothing is made before this has come true, nor where it fails. */
  readonly agreed: Promise<unknown>
  readonly signal: AbortSignal | undefined
}

/** Finds subnet and security group, and makes the group where it lacks, unless this is a dry run. Rejects with `bad_input`, `wrong_state`. */
export async function findNetwork(
  clients: AwsClients, wish: Pick<LaunchWish, 'securityGroups' | 'subnet' | 'zone'>, {agreed, dryRun, signal}: NetworkSearch,
): Promise<Network> {
  const [subnets, groups] = await Promise.all([
    wish.subnet !== null && wish.securityGroups ? [] : findSubnets(clients, wish, signal),
    wish.securityGroups ? [] : findGroups(clients, signal),
  ])
  const chosen = wish.subnet ?? (wish.zone === null ? null : (subnets[0]?.SubnetId ?? null))
  const vpc = subnets[0]?.VpcId
  const own = wish.securityGroups ? null : groups.find(({VpcId}) => VpcId === vpc)
  if (own) checkGroup(own)
  await agreed
  const made = wish.securityGroups || own || dryRun || vpc === undefined ? null : await makeGroup(clients, vpc, signal)
  const securityGroups = wish.securityGroups ?? [own?.GroupId ?? made].filter(id => typeof id === 'string')
  return {
    subnet: chosen,
    otherSubnets: chosen === null ? subnets.map(({AvailabilityZone, SubnetId}) => ({id: SubnetId ?? '', zone: AvailabilityZone ?? ''})) : [],
    securityGroups,
    summary: {
      subnet: chosen === null ? `any of the default VPC ${vpc ?? ''}` : `${chosen} (${subnets[0]?.AvailabilityZone ?? 'as given'})`,
      securityGroups: securityGroups.length > 0 ? securityGroups.join(', ') : `${SECURITY_GROUP} (to be made, without inbound rules)`,
    },
  }
}

/** The subnet that is wished for, or the default ones, in the order of their zones. */
async function findSubnets(clients: AwsClients, {subnet, zone}: Pick<LaunchWish, 'subnet' | 'zone'>, signal: AbortSignal | undefined): Promise<readonly Subnet[]> {
  const [ec2, {DescribeSubnetsCommand}] = await Promise.all([clients.ec2(), import('@aws-sdk/client-ec2')])
  const byDefault = [{Name: 'default-for-az', Values: ['true']}, ...(zone === null ? [] : [{Name: 'availability-zone', Values: [zone]}])]
  const command = new DescribeSubnetsCommand(subnet === null ? {Filters: byDefault} : {SubnetIds: [subnet]})
  const {Subnets} = await callAws('ec2:DescribeSubnets', signal, () => ec2.send(command, sendOptions(signal)))
  const found = (Subnets ?? []).toSorted((a, b) => ((a.AvailabilityZone ?? '') < (b.AvailabilityZone ?? '') ? -1 : 1))
  if (found.length > 0) return found
  const where = `${zone === null ? '' : `the zone ${zone} of `}${await clients.region()}`
  throw new RunctlError('bad_input', `${where} has no default subnet in this account: say where instances are to be`, {
    next: ['aws ec2 describe-subnets', 'runctl aws create --subnet SUBNET', 'aws ec2 create-default-vpc'],
  })
}

async function findGroups(clients: AwsClients, signal: AbortSignal | undefined): Promise<readonly SecurityGroup[]> {
  const [ec2, {DescribeSecurityGroupsCommand}] = await Promise.all([clients.ec2(), import('@aws-sdk/client-ec2')])
  const command = new DescribeSecurityGroupsCommand({Filters: [{Name: 'group-name', Values: [SECURITY_GROUP]}]})
  const {SecurityGroups} = await callAws('ec2:DescribeSecurityGroups', signal, () => ec2.send(command, sendOptions(signal)))
  return SecurityGroups ?? []
}

function checkGroup({GroupId, IpPermissions}: SecurityGroup): void {
  if ((IpPermissions?.length ?? 0) === 0) return
  throw new RunctlError('wrong_state', `the security group ${SECURITY_GROUP} (${GroupId ?? ''}) lets connections in, which runctl neither needs nor expects`, {
    next: [`aws ec2 describe-security-groups --group-ids ${GroupId ?? ''}`, `runctl aws create --security-group ${GroupId ?? ''}`],
    details: {security_group: GroupId},
  })
}

/** Another process may be making the same: then its group is used. */
async function makeGroup(clients: AwsClients, VpcId: string, signal: AbortSignal | undefined): Promise<string | null> {
  const [ec2, {CreateSecurityGroupCommand}] = await Promise.all([clients.ec2(), import('@aws-sdk/client-ec2')])
  const command = new CreateSecurityGroupCommand({
    GroupName: SECURITY_GROUP,
    Description: 'Instances of runctl: no inbound connections',
    VpcId,
    TagSpecifications: [{ResourceType: 'security-group', Tags: [{Key: TAGS.createdBy, Value: 'runctl'}, {Key: 'Name', Value: SECURITY_GROUP}]}],
  })
  try {
    return (await callAws('ec2:CreateSecurityGroup', signal, () => ec2.send(command, sendOptions(signal)))).GroupId ?? null
  } catch (error) {
    if (!isRunctlError(error) || awsErrorName(error) !== 'InvalidGroup.Duplicate') throw error
    return (await findGroups(clients, signal)).find(group => group.VpcId === VpcId)?.GroupId ?? null
  }
}
