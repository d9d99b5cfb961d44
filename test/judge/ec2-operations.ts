import {
  AssociateIamInstanceProfileCommand, CreateSecurityGroupCommand, CreateTagsCommand, DescribeAvailabilityZonesCommand,
  DescribeIamInstanceProfileAssociationsCommand, DescribeImagesCommand, DescribeInstancesCommand, type DescribeInstancesCommandInput,
  DescribeInstanceTypesCommand, DescribeSecurityGroupsCommand, DescribeSpotInstanceRequestsCommand, DescribeSpotPriceHistoryCommand, DescribeSubnetsCommand, type DescribeSubnetsCommandInput, type EC2Client, type Instance,
  RunInstancesCommand, type RunInstancesCommandInput, StartInstancesCommand, StopInstancesCommand, TerminateInstancesCommand, type _InstanceType,
} from '@aws-sdk/client-ec2'
import {setTimeout as sleep} from 'node:timers/promises'

import {PROFILE} from './iam-operations.js'
import type {Transcript} from './transcript.js'

const AL2023 = 'ami-0a1f2e3d4c5b60001'
const NO_ID = 'i-0123456789abcdef0'
const TAGS = [{Key: 'Name', Value: 'a*b'}, {Key: 'runctl:created-by', Value: 'create'}]

/** The fields of an instance that runctl reads. */
const known = (instance: Instance | undefined) =>
  instance && {
    id: instance.InstanceId,
    state: instance.State?.Name,
    // An empty one and none say the same to runctl.
    reason: instance.StateReason?.Code === '' ? undefined : instance.StateReason?.Code,
    transition: instance.StateTransitionReason?.replace(/\(.*\)/, '(when)'),
    type: instance.InstanceType,
    lifecycle: instance.InstanceLifecycle,
    launched: instance.LaunchTime,
    tags: Object.fromEntries((instance.Tags ?? []).map(({Key = '', Value}) => [Key, Value])),
    zone: instance.Placement?.AvailabilityZone,
    profile: instance.IamInstanceProfile?.Arn,
    spotRequest: instance.SpotInstanceRequestId,
    root: instance.RootDeviceName,
    attached: instance.BlockDeviceMappings?.map(({DeviceName, Ebs}) => [DeviceName, Ebs?.AttachTime]),
  }

/** What creating, listing, starting, stopping and terminating ask of EC2. */
export async function ec2Operations(script: Transcript, ec2: EC2Client): Promise<void> {
  await offers(script, ec2)
  await spotPrices(script, ec2)
  const subnet = await network(script, ec2)
  const ids = await launches(script, ec2, subnet)
  await listing(script, ec2, ids)
  await changes(script, ec2, ids)
  await spot(script, ec2, subnet)
}

async function offers(script: Transcript, ec2: EC2Client): Promise<void> {
  await script.note('DescribeAvailabilityZones', () => ec2.send(new DescribeAvailabilityZonesCommand({})), ({AvailabilityZones: zones = []}) => ({some: zones.length > 0, first: zones[0]?.ZoneName, state: zones[0]?.State}))
  const image = (id: string) => () => ec2.send(new DescribeImagesCommand({ImageIds: [id]}))
  await script.note('DescribeImages', image(AL2023), ({Images}) => {
    const {Architecture, BlockDeviceMappings, ImageId, Name, RootDeviceName, RootDeviceType} = Images?.[0] ?? {}
    const root = BlockDeviceMappings?.find(({DeviceName}) => DeviceName === RootDeviceName)
    return {Architecture, ImageId, Name, RootDeviceName, RootDeviceType, rootGib: root?.Ebs?.VolumeSize}
  })
  await script.note('DescribeImages of none', image('ami-00000000000000000'), ({Images}) => Images)
  await script.note('DescribeImages of what is no id', image('ami'), ({Images}) => Images)
  for (const name of ['t3.medium', 't4g.small', 'g5.xlarge', 'p4d.24xlarge', 't3.none']) {
    await script.note(`DescribeInstanceTypes of ${name}`, () => ec2.send(new DescribeInstanceTypesCommand({InstanceTypes: [name as _InstanceType]})), ({InstanceTypes}) => {
      const {GpuInfo, MemoryInfo, ProcessorInfo, VCpuInfo} = InstanceTypes?.[0] ?? {}
      const gpus = GpuInfo?.Gpus?.map(({Count, Manufacturer, Name}) => ({Count, Manufacturer, Name}))
      return {vcpus: VCpuInfo?.DefaultVCpus, mib: MemoryInfo?.SizeInMiB, architectures: ProcessorInfo?.SupportedArchitectures, gpus}
    })
  }
}

/** Prices are each one's own; what they are for is not. */
async function spotPrices(script: Transcript, ec2: EC2Client): Promise<void> {
  const at = new Date()
  const input = {InstanceTypes: ['g5.xlarge' as const], ProductDescriptions: ['Linux/UNIX'], StartTime: at, EndTime: at}
  await script.note('DescribeSpotPriceHistory', () => ec2.send(new DescribeSpotPriceHistoryCommand(input)), ({SpotPriceHistory: history = []}) => ({
    zones: new Set(history.map(({AvailabilityZone}) => AvailabilityZone)).size > 1,
    types: [...new Set(history.map(({InstanceType}) => InstanceType))],
    systems: [...new Set(history.map(({ProductDescription}) => ProductDescription))],
    prices: history.every(({SpotPrice}) => Number(SpotPrice) > 0),
    times: history.every(({Timestamp}) => Timestamp !== undefined && Timestamp <= at),
  }))
}

async function network(script: Transcript, ec2: EC2Client): Promise<string> {
  const subnets = (input: DescribeSubnetsCommandInput) => () => ec2.send(new DescribeSubnetsCommand(input))
  const byDefault = {Name: 'default-for-az', Values: ['true']}
  const zone = (name: string) => ({Filters: [byDefault, {Name: 'availability-zone', Values: [name]}]})
  await script.note('DescribeSubnets', subnets({Filters: [byDefault]}), ({Subnets = []}) => ({several: Subnets.length > 1, vpcs: new Set(Subnets.map(({VpcId}) => VpcId)).size}))
  const found = await script.note('DescribeSubnets of a zone', subnets(zone('us-east-1a')), ({Subnets = []}) => Subnets.map(({AvailabilityZone, SubnetId, VpcId}) => ({AvailabilityZone, SubnetId, VpcId})))
  await script.note('DescribeSubnets of no zone', subnets(zone('us-east-1z')), ({Subnets}) => Subnets)
  await script.note('DescribeSubnets of none', subnets({SubnetIds: ['subnet-00000000']}), () => ({}))

  const groups = () => ec2.send(new DescribeSecurityGroupsCommand({Filters: [{Name: 'group-name', Values: ['runctl']}]}))
  const group = {GroupName: 'runctl', Description: 'No inbound connections', VpcId: found?.Subnets?.[0]?.VpcId}
  const make = () => ec2.send(new CreateSecurityGroupCommand({...group, TagSpecifications: [{ResourceType: 'security-group', Tags: TAGS}]}))
  await script.note('DescribeSecurityGroups of none', groups, ({SecurityGroups}) => SecurityGroups)
  await script.note('CreateSecurityGroup', make, ({GroupId}) => ({GroupId}))
  await script.note('CreateSecurityGroup again', make, () => ({}))
  await script.note('DescribeSecurityGroups', groups, ({SecurityGroups = []}) => SecurityGroups.map(({GroupId, GroupName, IpPermissions, VpcId}) => ({GroupId, GroupName, IpPermissions, VpcId})))
  return found?.Subnets?.[0]?.SubnetId ?? ''
}

const wish = (more: Partial<RunInstancesCommandInput>): RunInstancesCommandInput => ({
  MinCount: 1,
  MaxCount: 1,
  ImageId: AL2023,
  InstanceType: 't3.medium',
  BlockDeviceMappings: ['/dev/xvda', '/dev/sdf'].map((DeviceName) => ({DeviceName, Ebs: {VolumeSize: 30, VolumeType: 'gp3', Encrypted: true, DeleteOnTermination: true}})),
  MetadataOptions: {HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 2},
  IamInstanceProfile: {Name: PROFILE},
  TagSpecifications: (['instance', 'volume'] as const).map((ResourceType) => ({ResourceType, Tags: TAGS})),
  InstanceInitiatedShutdownBehavior: 'stop',
  ...more,
})

async function launches(script: Transcript, ec2: EC2Client, SubnetId: string): Promise<readonly string[]> {
  const run = (more: Partial<RunInstancesCommandInput>) => () => ec2.send(new RunInstancesCommand(wish({SubnetId, ...more})))
  const pick = ({Instances = []}: {Instances?: Instance[] | undefined}) => Instances.map(known)
  const first = await script.note('RunInstances', run({ClientToken: 'one'}), pick)
  await settled(ec2)
  const again = await script.note('RunInstances with the same token', run({ClientToken: 'one'}), ({Instances}) => ({same: Instances?.[0]?.InstanceId === first?.Instances?.[0]?.InstanceId}))
  await script.note('RunInstances with the same token for something else', run({ClientToken: 'one', InstanceType: 't3.large'}), () => ({}))
  const bare = await script.note('RunInstances without a profile', run({IamInstanceProfile: undefined, ClientToken: 'two'}), pick)
  await script.note('RunInstances with no such profile', run({IamInstanceProfile: {Name: 'nobody'}}), () => ({}))
  await script.note('RunInstances with no such image', run({ImageId: 'ami-00000000000000000'}), () => ({}))
  await script.note('RunInstances with no such type', run({InstanceType: 't3.none' as _InstanceType}), () => ({}))
  await script.note('RunInstances with no such subnet', run({SubnetId: 'subnet-00000000'}), () => ({}))
  await script.note('RunInstances, dry', run({DryRun: true}), () => ({}))
  await settled(ec2)
  return [first, bare, again].map((answer) => answer?.Instances?.[0]?.InstanceId ?? '')
}

async function listing(script: Transcript, ec2: EC2Client, [first = '', bare = '']: readonly string[]): Promise<void> {
  const list = (input: DescribeInstancesCommandInput) => () => ec2.send(new DescribeInstancesCommand(input))
  const idsIn = ({Reservations = []}: {Reservations?: {Instances?: Instance[] | undefined}[] | undefined}) => {
    const ids = Reservations.flatMap(({Instances}) => Instances ?? []).map(({InstanceId}) => InstanceId)
    return {first: ids.includes(first), bare: ids.includes(bare)}
  }
  const filter = (Name: string, ...Values: string[]) => list({Filters: [{Name, Values}]})
  await script.note('DescribeInstances', list({InstanceIds: [first]}), ({Reservations}) => known(Reservations?.[0]?.Instances?.[0]))
  await script.note('DescribeInstances of none', list({InstanceIds: [NO_ID]}), () => ({}))
  await script.note('DescribeInstances of one and none', list({InstanceIds: [first, NO_ID]}), () => ({}))
  await script.note('DescribeInstances of what is no id', list({InstanceIds: ['i-x']}), () => ({}))
  await script.note('DescribeInstances by ids in a filter', filter('instance-id', first, NO_ID), idsIn)
  await script.note('DescribeInstances by state', filter('instance-state-name', 'running'), idsIn)
  await script.note('DescribeInstances by another state', filter('instance-state-name', 'stopped', 'pending'), idsIn)
  await script.note('DescribeInstances by a tag with a star', filter('tag:Name', 'a*'), idsIn)
  await script.note('DescribeInstances by a tag with a star that is meant', filter('tag:Name', 'a\\*b'), idsIn)
  await script.note('DescribeInstances by a tag that nobody has', filter('tag:Name', 'other'), idsIn)

  const tag = (Resources: string[], Tags = [{Key: 'runctl:run', Value: 'run-1'}]) => () => ec2.send(new CreateTagsCommand({Resources, Tags}))
  await script.note('CreateTags', tag([first, bare]), () => ({}))
  await script.note('CreateTags again, another value', tag([first], [{Key: 'runctl:run', Value: 'ü "2"'}]), () => ({}))
  await script.note('CreateTags on none', tag([NO_ID]), () => ({}))
  await script.note('CreateTags under a key of AWS', tag([bare], [{Key: 'aws:x', Value: ''}]), () => ({}))
  await script.note('DescribeInstances after CreateTags', list({InstanceIds: [first]}), ({Reservations}) => known(Reservations?.[0]?.Instances?.[0])?.tags)
}

async function changes(script: Transcript, ec2: EC2Client, [first = '', bare = '']: readonly string[]): Promise<void> {
  const input = {InstanceIds: [first]}
  const look = async (step: string): Promise<void> => {
    await settled(ec2)
    await script.note(step, () => ec2.send(new DescribeInstancesCommand(input)), ({Reservations}) => known(Reservations?.[0]?.Instances?.[0]))
  }
  const change = (change?: {CurrentState?: {Name?: string | undefined} | undefined; InstanceId?: string | undefined; PreviousState?: {Name?: string | undefined} | undefined}[]) =>
    change?.map(({CurrentState, InstanceId, PreviousState}) => ({id: InstanceId, now: CurrentState?.Name, before: PreviousState?.Name}))
  const stop = (InstanceIds: string[]) => () => ec2.send(new StopInstancesCommand({InstanceIds}))
  const start = (InstanceIds: string[]) => () => ec2.send(new StartInstancesCommand({InstanceIds}))
  const terminate = (InstanceIds: string[]) => () => ec2.send(new TerminateInstancesCommand({InstanceIds}))

  await script.note('StartInstances of a running one', start([first]), (answer) => change(answer.StartingInstances))
  await script.note('StopInstances', stop([first]), (answer) => change(answer.StoppingInstances))
  await look('DescribeInstances of a stopped one')
  await script.note('StopInstances of a stopped one', stop([first]), (answer) => change(answer.StoppingInstances))
  await script.note('StartInstances', start([first]), (answer) => change(answer.StartingInstances))
  await look('DescribeInstances of one that was started again')
  for (const [name, call] of [['StartInstances', start], ['StopInstances', stop], ['TerminateInstances', terminate]] as const) {
    await script.note(`${name} of none`, call([NO_ID]), () => ({}))
    await script.note(`${name} of one and none`, call([first, NO_ID]), () => ({}))
  }
  await look('DescribeInstances after refusals')

  const Filters = [{Name: 'instance-id', Values: [bare]}]
  const associations = () => ec2.send(new DescribeIamInstanceProfileAssociationsCommand({Filters}))
  const associate = () => ec2.send(new AssociateIamInstanceProfileCommand({InstanceId: bare, IamInstanceProfile: {Name: PROFILE}}))
  await script.note('DescribeIamInstanceProfileAssociations of none', associations, (answer) => answer.IamInstanceProfileAssociations)
  await script.note('AssociateIamInstanceProfile', associate, () => ({}))
  await script.note('AssociateIamInstanceProfile again', associate, () => ({}))
  await script.note('DescribeIamInstanceProfileAssociations', associations, (answer) => answer.IamInstanceProfileAssociations?.map(({IamInstanceProfile, InstanceId, State}) => ({InstanceId, State, Arn: IamInstanceProfile?.Arn})))

  await script.note('TerminateInstances', terminate([first]), (answer) => change(answer.TerminatingInstances))
  await look('DescribeInstances of a terminated one')
  await script.note('TerminateInstances of a terminated one', terminate([first]), (answer) => change(answer.TerminatingInstances))
  await script.note('StopInstances of a terminated one', stop([first]), (answer) => change(answer.StoppingInstances))
  await script.note('StartInstances of a terminated one', start([first]), (answer) => change(answer.StartingInstances))
}

async function spot(script: Transcript, ec2: EC2Client, SubnetId: string): Promise<void> {
  const options = {SpotInstanceType: 'one-time', InstanceInterruptionBehavior: 'terminate'} as const
  const input = wish({SubnetId, InstanceInitiatedShutdownBehavior: undefined, InstanceMarketOptions: {MarketType: 'spot', SpotOptions: options}})
  const made = await script.note('RunInstances, spot', () => ec2.send(new RunInstancesCommand(input)), ({Instances}) => Instances?.map(known))
  await settled(ec2)
  const InstanceIds = [made?.Instances?.[0]?.InstanceId ?? '']
  const Filters = [{Name: 'spot-instance-request-id', Values: [made?.Instances?.[0]?.SpotInstanceRequestId ?? 'sir-00000000']}]
  await script.note('DescribeSpotInstanceRequests', () => ec2.send(new DescribeSpotInstanceRequestsCommand({Filters})), (answer) =>
    answer.SpotInstanceRequests?.map(({InstanceId, SpotInstanceRequestId, State, Type}) => ({InstanceId, SpotInstanceRequestId, State, Type})))
  await script.note('StopInstances of a one-time spot instance', () => ec2.send(new StopInstancesCommand({InstanceIds})), () => ({}))
}

/** Nothing changes any more. */
async function settled(ec2: EC2Client): Promise<void> {
  for (;;) {
    const {Reservations = []} = await ec2.send(new DescribeInstancesCommand({}))
    const states = Reservations.flatMap(({Instances}) => Instances ?? []).map(({State}) => State?.Name ?? '')
    if (!states.some((state) => ['pending', 'shutting-down', 'stopping'].includes(state))) return
    await sleep(10)
  }
}
