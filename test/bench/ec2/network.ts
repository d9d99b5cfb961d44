/** The default VPC with a subnet in each zone, and security groups. */

import type {
  AuthorizeSecurityGroupEgressRequest, AuthorizeSecurityGroupIngressRequest, CreateSecurityGroupRequest, DeleteSecurityGroupRequest,
  DescribeRegionsRequest, DescribeSecurityGroupsRequest, DescribeSubnetsRequest, DescribeVpcsRequest, IpPermission, RevokeSecurityGroupEgressRequest,
  RevokeSecurityGroupIngressRequest, SecurityGroup as SecurityGroupAnswer,
} from '@aws-sdk/client-ec2'

import {ServiceError, type WireRequest} from '../types.js'
import {newHexId} from '../world.js'
import {checkTags} from './check-tags.js'
import {checkFilters, endDryRun, filtered, paged, tagList, tagValues} from './filters.js'
import {REGIONS, subnetIdOf, vpcIdOf, ZONE_LETTERS, zonesOf} from './regions.js'
import type {Ec2State, IpRule, SecurityGroup} from './state.js'

export function describeAvailabilityZones({region}: WireRequest) {
  return {
    AvailabilityZones: zonesOf(region).map((ZoneName, index) => ({
      ZoneName, State: 'available' as const, RegionName: region, ZoneId: `use1-az${index + 1}`, ZoneType: 'availability-zone', OptInStatus: 'opt-in-not-required' as const, GroupName: region,
    })),
  }
}

/** One that has to be opted into, and is not: told only to who asks for all. */
const NOT_ENABLED = 'me-central-1'

export function describeRegions(input: DescribeRegionsRequest) {
  checkFilters(input.Filters, ['endpoint', 'opt-in-status', 'region-name'])
  const all = [...REGIONS, NOT_ENABLED].map((RegionName) => ({
    RegionName,
    Endpoint: `ec2.${RegionName}.amazonaws.com`,
    OptInStatus: RegionName === NOT_ENABLED ? ('not-opted-in' as const) : ('opt-in-not-required' as const),
  }))
  const shown = all.filter(({RegionName}) => (input.AllRegions === true || RegionName !== NOT_ENABLED) && (input.RegionNames?.includes(RegionName) ?? true))
  return {Regions: filtered(shown, input.Filters, (region, name) => [{endpoint: region.Endpoint, 'opt-in-status': region.OptInStatus}[name] ?? region.RegionName])}
}

export function describeVpcs({world}: Ec2State, input: DescribeVpcsRequest, {region}: WireRequest) {
  const own = vpcIdOf(region)
  checkFilters(input.Filters, ['is-default', 'isDefault', 'state', 'vpc-id'])
  const vpc = {VpcId: own, State: 'available' as const, CidrBlock: '172.31.0.0/16', IsDefault: true, OwnerId: world.account, InstanceTenancy: 'default' as const, Tags: []}
  for (const id of input.VpcIds ?? []) if (id !== own) throw new ServiceError('InvalidVpcID.NotFound', `The vpc ID '${id}' does not exist`)
  return {Vpcs: filtered([vpc], input.Filters, (_, name) => [{state: 'available', 'vpc-id': own}[name] ?? 'true'])}
}

export function describeSubnets({world}: Ec2State, input: DescribeSubnetsRequest, {region}: WireRequest) {
  checkFilters(input.Filters, ['availability-zone', 'availabilityZone', 'default-for-az', 'state', 'subnet-id', 'vpc-id', 'tag-key'])
  const all = ZONE_LETTERS.map((letter, index) => ({
    SubnetId: subnetIdOf(region + letter), VpcId: vpcIdOf(region), AvailabilityZone: region + letter, CidrBlock: `172.31.${index * 16}.0/20`,
    State: 'available' as const, DefaultForAz: true, MapPublicIpOnLaunch: true, AvailableIpAddressCount: 4091, OwnerId: world.account, Tags: [],
  }))
  for (const id of input.SubnetIds ?? []) {
    if (!all.some(({SubnetId}) => SubnetId === id)) throw new ServiceError('InvalidSubnetID.NotFound', `The subnet ID '${id}' does not exist`)
  }
  const chosen = filtered(all.filter(({SubnetId}) => input.SubnetIds?.includes(SubnetId) ?? true), input.Filters, (subnet, name) => {
    const values: Readonly<Record<string, string>> = {
      'availability-zone': subnet.AvailabilityZone, availabilityZone: subnet.AvailabilityZone, 'default-for-az': 'true', state: 'available',
      'subnet-id': subnet.SubnetId, 'vpc-id': vpcIdOf(region),
    }
    return name in values ? [values[name] ?? ''] : []
  })
  const {entries, NextToken} = paged(chosen, input.MaxResults, input.NextToken)
  return {Subnets: entries, NextToken}
}

export function describeSecurityGroups(state: Ec2State, input: DescribeSecurityGroupsRequest, {region}: WireRequest) {
  checkFilters(input.Filters, ['description', 'group-id', 'group-name', 'vpc-id', 'tag-key'])
  const all = [...state.groups.values()].filter(({vpcId}) => vpcId === vpcIdOf(region))
  for (const id of input.GroupIds ?? []) findGroup(state, id, region)
  const named = all.filter(({id, name}) => (input.GroupIds?.includes(id) ?? true) && (input.GroupNames?.includes(name) ?? true))
  const chosen = filtered(named, input.Filters, (group, name) => {
    const values: Readonly<Record<string, string>> = {description: group.description, 'group-id': group.id, 'group-name': group.name, 'vpc-id': group.vpcId}
    return tagValues(group.tags, name) ?? [values[name] ?? '']
  })
  const {entries, NextToken} = paged(chosen, input.MaxResults, input.NextToken)
  return {SecurityGroups: entries.map((group) => groupAnswer(state, group)), NextToken}
}

function groupAnswer({world}: Ec2State, group: SecurityGroup): SecurityGroupAnswer {
  return {
    GroupId: group.id, GroupName: group.name, Description: group.description, VpcId: group.vpcId, OwnerId: world.account, Tags: tagList(group.tags),
    IpPermissions: group.inbound.map(ruleAnswer), IpPermissionsEgress: group.outbound.map(ruleAnswer),
  }
}

function ruleAnswer(rule: IpRule): IpPermission {
  return {
    IpProtocol: rule.protocol, FromPort: rule.fromPort ?? undefined, ToPort: rule.toPort ?? undefined,
    IpRanges: rule.cidrs.map((CidrIp) => ({CidrIp})), UserIdGroupPairs: rule.groups.map((GroupId) => ({GroupId})), Ipv6Ranges: [], PrefixListIds: [],
  }
}

function findGroup({groups}: Ec2State, id: string | undefined, region: string): SecurityGroup {
  const group = groups.get(id ?? '')
  if (group?.vpcId !== vpcIdOf(region)) throw new ServiceError('InvalidGroup.NotFound', `The security group '${id ?? ''}' does not exist`)
  return group
}

export function createSecurityGroup(state: Ec2State, input: CreateSecurityGroupRequest, {region}: WireRequest) {
  const {GroupName: name = '', Description: description = '', VpcId: vpcId = vpcIdOf(region)} = input
  if (name === '' || description === '') throw new ServiceError('MissingParameter', 'The request must contain the parameters GroupName and GroupDescription')
  if ([...state.groups.values()].some((group) => group.vpcId === vpcId && group.name === name)) throw new ServiceError('InvalidGroup.Duplicate', `The security group '${name}' already exists for VPC '${vpcId}'`)
  const tags = (input.TagSpecifications ?? []).flatMap(({Tags}) => Tags ?? [])
  checkTags(tags)
  endDryRun(input.DryRun)
  const group: SecurityGroup = {
    id: newHexId('sg'), name, description, vpcId, tags: new Map(tags.map(({Key = '', Value = ''}) => [Key, Value])), inbound: [],
    outbound: [{protocol: '-1', fromPort: null, toPort: null, cidrs: ['0.0.0.0/0'], groups: []}],
  }
  state.groups.set(group.id, group)
  return {GroupId: group.id, Tags: tagList(group.tags)}
}

export function deleteSecurityGroup(state: Ec2State, input: DeleteSecurityGroupRequest, {region}: WireRequest) {
  const group = findGroup(state, input.GroupId, region)
  const used = [...state.world.instances.values()].some((instance) => instance.state !== 'terminated' && state.detailsOf(instance).groupIds.includes(group.id))
  if (used) throw new ServiceError('DependencyViolation', `resource ${group.id} has a dependent object`)
  state.groups.delete(group.id)
  return {Return: true, GroupId: group.id}
}

type RuleRequest = AuthorizeSecurityGroupEgressRequest | AuthorizeSecurityGroupIngressRequest | RevokeSecurityGroupEgressRequest | RevokeSecurityGroupIngressRequest

export function authorizeRules(state: Ec2State, side: 'inbound' | 'outbound', input: RuleRequest, {region}: WireRequest) {
  const group = findGroup(state, input.GroupId, region)
  const rules = rulesOf(input)
  if (rules.some((rule) => group[side].some((present) => same(present, rule)))) {
    throw new ServiceError('InvalidPermission.Duplicate', 'the specified rule already exists')
  }
  group[side] = [...group[side], ...rules]
  return {Return: true}
}

export function revokeRules(state: Ec2State, side: 'inbound' | 'outbound', input: RuleRequest, {region}: WireRequest) {
  const group = findGroup(state, input.GroupId, region)
  const rules = rulesOf(input)
  if (rules.some((rule) => !group[side].some((present) => same(present, rule)))) {
    throw new ServiceError('InvalidPermission.NotFound', 'The specified rule does not exist in this security group.')
  }
  group[side] = group[side].filter((present) => !rules.some((rule) => same(present, rule)))
  return {Return: true}
}

function rulesOf(input: RuleRequest): IpRule[] {
  const flat: IpPermission[] = input.IpProtocol === undefined ? [] : [{IpProtocol: input.IpProtocol, FromPort: input.FromPort, ToPort: input.ToPort, IpRanges: [{CidrIp: input.CidrIp}]}]
  return [...(input.IpPermissions ?? []), ...flat].map((permission) => ({
    protocol: permission.IpProtocol ?? '-1',
    fromPort: permission.FromPort ?? null,
    toPort: permission.ToPort ?? null,
    cidrs: (permission.IpRanges ?? []).flatMap(({CidrIp}) => CidrIp ?? []),
    groups: (permission.UserIdGroupPairs ?? []).flatMap(({GroupId}) => GroupId ?? []),
  }))
}

function same(one: IpRule, other: IpRule): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
