/** RunInstances: everything is checked before anything exists. */

import type {Reservation, RunInstancesRequest} from '@aws-sdk/client-ec2'

import {accessDenied} from '../access.js'
import {type BenchInstance, ServiceError, type WireRequest} from '../types.js'
import {INSTANCE_TYPES, type CatalogueImage, type CatalogueType} from './catalogue.js'
import {checkTags} from './check-tags.js'
import {reservationsOf} from './describe-instances.js'
import {checkId, endDryRun} from './filters.js'
import {type LaunchPlan, makeInstances} from './launch.js'
import type {Lifecycle} from './lifecycle.js'
import {checkQuota} from './quota-check.js'
import {imagesIn, subnetIdOf, vpcIdOf, zonesOf} from './regions.js'
import type {Ec2State} from './state.js'

const MAX_TOKEN = 64
const MAX_USER_DATA = 16_384

export function runInstances(state: Ec2State, lifecycle: Lifecycle, input: RunInstancesRequest, request: WireRequest): Reservation {
  const parameters = Object.fromEntries(new URLSearchParams(request.body.toString()))
  delete parameters['Action']
  delete parameters['Version']
  const known = instancesOfToken(state, input, parameters, request.region)
  if (known !== null) return onlyReservation(state, known)

  const plan = planLaunch(state, input, parameters, request)
  const count = countOf(input)
  checkQuota(state, plan, count)
  endDryRun(input.DryRun)
  const instances = makeInstances(state, plan, count, lifecycle)
  if (input.ClientToken !== undefined) {
    state.tokens.set(`${request.region} ${input.ClientToken}`, {parameters: fingerprint(parameters), instanceIds: instances.map(({id}) => id)})
  }
  for (const instance of instances) lifecycle.start(instance)
  return onlyReservation(state, instances)
}

function onlyReservation(state: Ec2State, instances: readonly BenchInstance[]): Reservation {
  return reservationsOf(state, instances, 'now')[0] ?? {}
}

/** The same token and parameters always mean the same instances, ended ones too. */
function instancesOfToken(state: Ec2State, input: RunInstancesRequest, parameters: Record<string, string>, region: string): BenchInstance[] | null {
  const token = input.ClientToken
  if (token === undefined) return null
  if (token.length > MAX_TOKEN || !/^[\x20-\x7e]+$/.test(token)) {
    throw new ServiceError('InvalidParameterValue', `Value (${token}) for parameter clientToken is invalid. It may have at most ${MAX_TOKEN} ASCII characters`)
  }
  const used = state.tokens.get(`${region} ${token}`)
  if (used === undefined) return null
  if (used.parameters !== fingerprint(parameters)) {
    throw new ServiceError('IdempotentParameterMismatch', 'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).')
  }
  return used.instanceIds.flatMap((id) => state.world.instances.get(id) ?? [])
}

function fingerprint(parameters: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(parameters).filter(([name]) => name !== 'DryRun').sort())
}

function countOf({MinCount = 0, MaxCount = 0}: RunInstancesRequest): number {
  if (MinCount < 1 || MaxCount < MinCount) throw new ServiceError('InvalidParameterValue', `Value (${MinCount}) for parameter minCount is invalid.`)
  return MaxCount
}

/** @throws ServiceError for whatever cannot be. */
export function planLaunch(state: Ec2State, input: RunInstancesRequest, parameters: Readonly<Record<string, string>>, request: WireRequest): LaunchPlan {
  const type = typeOf(input)
  const image = imageOf(input, request.region)
  if (image.architecture !== type.architecture) {
    throw invalid(`The architecture '${type.architecture}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI.`)
  }
  const zone = zoneOf(input, type, request.region)
  const groupIds = [...(input.SecurityGroupIds ?? []), ...groupIdsByName(state, input, request.region)]
  for (const id of groupIds) {
    checkId(id, 'sg', 'GroupId')
    if (state.groups.get(id)?.vpcId !== vpcIdOf(request.region)) throw new ServiceError('InvalidGroup.NotFound', `The security group '${id}' does not exist in VPC '${vpcIdOf(request.region)}'`)
  }
  if (input.KeyName !== undefined && !state.keyPairs.has(input.KeyName)) throw new ServiceError('InvalidKeyPair.NotFound', `The key pair '${input.KeyName}' does not exist`)
  if (Buffer.from(input.UserData ?? '', 'base64').length > MAX_USER_DATA) throw invalid(`User data is limited to ${MAX_USER_DATA} bytes`)
  checkTagSpecifications(state, input, request)
  return {input, request: parameters, type, image, region: request.region, zone, groupIds, profileArn: profileOf(state, input, request)}
}

function typeOf({InstanceType: name = 'm1.small'}: RunInstancesRequest): CatalogueType {
  const type = INSTANCE_TYPES.get(name)
  if (type === undefined) throw invalid(`Invalid value '${name}' for InstanceType.`)
  return type
}

function imageOf({ImageId: id}: RunInstancesRequest, region: string): CatalogueImage {
  if (id === undefined) throw new ServiceError('MissingParameter', 'The request must contain the parameter ImageId')
  checkId(id, 'ami', 'AMIID')
  const image = imagesIn(region).get(id)
  if (image === undefined) throw new ServiceError('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`)
  return image
}

function zoneOf(input: RunInstancesRequest, type: CatalogueType, region: string): string {
  const zones = zonesOf(region)
  const bySubnet = input.SubnetId === undefined ? undefined : zones.find((zone) => subnetIdOf(zone) === input.SubnetId)
  if (input.SubnetId !== undefined && bySubnet === undefined) {
    throw new ServiceError('InvalidSubnetID.NotFound', `The subnet ID '${input.SubnetId}' does not exist`)
  }
  const asked = input.Placement?.AvailabilityZone
  if (asked !== undefined && !zones.includes(asked)) throw invalid(`Invalid availability zone: [${asked}]`)
  if (asked !== undefined && bySubnet !== undefined && asked !== bySubnet) {
    throw new ServiceError('InvalidParameterCombination', 'The parameter availabilityZone conflicts with the zone of the subnet')
  }
  const offering = zones.filter((zone) => type.zones.includes(zone.slice(-1)))
  const zone = bySubnet ?? asked ?? offering[0] ?? `${region}a`
  if (!offering.includes(zone)) {
    throw new ServiceError('Unsupported', `Your requested instance type (${type.name}) is not supported in your requested Availability Zone (${zone}). Please retry your request by not specifying an Availability Zone or choosing ${offering.join(', ')}.`)
  }
  return zone
}

function groupIdsByName(state: Ec2State, {SecurityGroups}: RunInstancesRequest, region: string): string[] {
  return (SecurityGroups ?? []).map((name) => {
    const group = [...state.groups.values()].find((candidate) => candidate.name === name && candidate.vpcId === vpcIdOf(region))
    if (group === undefined) throw new ServiceError('InvalidGroup.NotFound', `The security group '${name}' does not exist in default VPC '${vpcIdOf(region)}'`)
    return group.id
  })
}

const TAGGABLE = ['elastic-gpu', 'instance', 'network-interface', 'spot-instances-request', 'volume']

function checkTagSpecifications({world}: Ec2State, input: RunInstancesRequest, {principal, region}: WireRequest): void {
  for (const {ResourceType = '', Tags = []} of input.TagSpecifications ?? []) {
    if (!TAGGABLE.includes(ResourceType)) throw invalid(`'${ResourceType}' is not a valid taggable resource type for this operation.`)
    checkTags(Tags)
    const resource = `arn:aws:ec2:${region}:${world.account}:${ResourceType}/*`
    if (principal !== undefined && !world.isAllowed(principal, 'ec2:CreateTags', resource)) throw accessDenied('ec2', principal.arn, 'ec2:CreateTags', resource)
  }
}

/** A profile that is younger than the lag is not known to EC2 yet. */
function profileOf({world}: Ec2State, {IamInstanceProfile}: RunInstancesRequest, {principal}: WireRequest): string | null {
  if (IamInstanceProfile === undefined) return null
  const profile = findProfile(world, IamInstanceProfile)
  const role = world.roles.get(profile.roles[0] ?? '')
  if (role !== undefined && principal !== undefined && !world.isAllowed(principal, 'iam:PassRole', role.arn)) {
    throw accessDenied('ec2', principal.arn, 'iam:PassRole', role.arn)
  }
  return profile.arn
}

export function findProfile(world: Ec2State['world'], {Name: name, Arn: arn}: {readonly Name?: string | undefined; readonly Arn?: string | undefined}) {
  const profile = [...world.instanceProfiles.values()].find((candidate) => candidate.name === name || candidate.arn === arn)
  if (profile !== undefined && world.now().getTime() - profile.createdAt.getTime() >= world.times.lagMs) return profile
  if (arn !== undefined) throw invalid(`Value (${arn}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN`)
  throw invalid(`Value (${name ?? ''}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`)
}

function invalid(message: string): ServiceError {
  return new ServiceError('InvalidParameterValue', message)
}
