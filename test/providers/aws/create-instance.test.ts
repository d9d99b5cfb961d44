import {
  CreateSecurityGroupCommand, DescribeImagesCommand, DescribeInstancesCommand, DescribeInstanceTypesCommand, DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand, RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import {GetInstanceProfileCommand} from '@aws-sdk/client-iam'
import {GetProductsCommand} from '@aws-sdk/client-pricing'
import {GetParametersCommand} from '@aws-sdk/client-ssm'
import {expect} from 'chai'

import type {CreateInstanceRequest} from '../../../src/providers/provider.js'
import {expectedFailure} from '../../support/rejection.js'
import {awsError, awsMocks, ids, inputs} from './aws-mocks.js'

const AL2023 = 'ami-00000000000000023'
const GPU = 'ami-0000000000000006a'
const [FIRST = ''] = ids(1)
const REQUEST: CreateInstanceRequest = {requestId: 'create-1', name: 'mine', tags: {'runctl:owner': 'me'}}

describe('creating an EC2 instance', () => {
  const aws = awsMocks()
  const {clock, ec2, iam, pricing, ssm} = aws
  const runs = () => inputs(ec2, RunInstancesCommand)

  beforeEach(() => {
    ec2.on(DescribeInstancesCommand).resolves({Reservations: []})
    ec2.on(DescribeInstanceTypesCommand).callsFake(({InstanceTypes: [name = '']}: {InstanceTypes: string[]}) => ({
      InstanceTypes: [{
        InstanceType: name,
        BurstablePerformanceSupported: /^t\d/.test(name),
        ProcessorInfo: {SupportedArchitectures: name.startsWith('t4g') ? ['arm64'] : ['x86_64']},
        VCpuInfo: {DefaultVCpus: 2},
        MemoryInfo: {SizeInMiB: 4096},
        ...(name.startsWith('g5') ? {GpuInfo: {Gpus: [{Manufacturer: 'NVIDIA', Name: 'A10G', Count: 1}]}} : {}),
      }],
    }))
    ssm.on(GetParametersCommand).resolves({Parameters: [
      {Name: '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64', Value: AL2023},
      {Name: '/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id', Value: GPU},
    ]})
    ec2.on(DescribeImagesCommand).callsFake(({ImageIds: [id]}: {ImageIds: string[]}) => ({
      Images: [{
        ImageId: id,
        Name: id === GPU ? 'dlami' : 'al2023',
        Architecture: 'x86_64',
        RootDeviceName: id === GPU ? '/dev/sda1' : '/dev/xvda',
        RootDeviceType: 'ebs',
        BlockDeviceMappings: [{DeviceName: id === GPU ? '/dev/sda1' : '/dev/xvda', Ebs: {VolumeSize: id === GPU ? 75 : 8}}],
      }],
    }))
    ec2.on(DescribeSubnetsCommand).callsFake(({Filters}: {Filters: {Name: string; Values: string[]}[]}) => {
      const zones = Filters.find(({Name}) => Name === 'availability-zone')?.Values
      const subnets = ['b', 'a'].map(letter => ({SubnetId: `subnet-0000000${letter}`, AvailabilityZone: `eu-west-1${letter}`, VpcId: 'vpc-1'}))
      return {Subnets: subnets.filter(({AvailabilityZone}) => zones?.includes(AvailabilityZone) ?? true)}
    })
    ec2.on(DescribeSecurityGroupsCommand).resolves({SecurityGroups: [
      {GroupId: 'sg-other', GroupName: 'runctl', VpcId: 'vpc-2', IpPermissions: []},
      {GroupId: 'sg-1', GroupName: 'runctl', VpcId: 'vpc-1', IpPermissions: []},
    ]})
    ec2.on(RunInstancesCommand).callsFake(({InstanceType, InstanceMarketOptions}) => ({
      Instances: [{
        InstanceId: FIRST, InstanceType, State: {Name: 'pending'}, LaunchTime: clock.now(), Placement: {AvailabilityZone: 'eu-west-1a'},
        ...(InstanceMarketOptions ? {InstanceLifecycle: 'spot'} : {}),
      }],
    }))
  })

  const create = (more: Partial<CreateInstanceRequest> = {}, settings = {}) => aws.provider(settings).createInstance({...REQUEST, ...more})

  it('asks for everything in the one call that makes it', async () => {
    const instance = await create()
    const tags = [{Key: 'Name', Value: 'mine'}, {Key: 'runctl:create-request', Value: 'create-1'}, {Key: 'runctl:owner', Value: 'me'}]
    expect(runs()).to.deep.equal([{
      MinCount: 1,
      MaxCount: 1,
      ClientToken: 'create-1',
      ImageId: AL2023,
      InstanceType: 'm5.large',
      BlockDeviceMappings: [{DeviceName: '/dev/xvda', Ebs: {VolumeSize: 30, VolumeType: 'gp3', Encrypted: true, DeleteOnTermination: true}}],
      MetadataOptions: {HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 2},
      IamInstanceProfile: {Name: 'runctl-instance'},
      TagSpecifications: [{ResourceType: 'instance', Tags: tags}, {ResourceType: 'volume', Tags: tags}],
      SecurityGroupIds: ['sg-1'],
      InstanceInitiatedShutdownBehavior: 'stop',
    }])
    expect(instance).to.deep.include({id: FIRST, platform: 'aws', name: 'mine', state: 'pending', region: 'eu-west-1', lifecycle: 'on-demand'})
    expect(instance.tags['runctl:owner']).to.equal('me')
    expect(inputs(ec2, DescribeSecurityGroupsCommand)).to.deep.equal([{Filters: [{Name: 'group-name', Values: ['runctl']}]}])
    // In one call, before the type's architecture is known.
    expect(inputs(ssm, GetParametersCommand)).to.deep.equal([{Names: ['arm64', 'x86_64'].flatMap(architecture => [
      `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`,
      `/aws/service/deeplearning/ami/${architecture}/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id`,
    ])}])
    expect(ec2.commandCalls(CreateSecurityGroupCommand)).to.have.length(0)
  })

  it('takes what the options say', async () => {
    await create({
      instanceType: 'g5.xlarge',
      options: {
        'key-name': 'my key', zone: 'eu-west-1b', 'security-group': ['sg-0000000c', 'sg-0000000d'], 'instance-profile': 'other',
        'root-gib': 200, 'data-volume': '500',
      },
    })
    expect(runs()[0]).to.deep.include({
      ImageId: GPU,
      KeyName: 'my key',
      SubnetId: 'subnet-0000000b',
      SecurityGroupIds: ['sg-0000000c', 'sg-0000000d'],
      IamInstanceProfile: {Name: 'other'},
      BlockDeviceMappings: [
        {DeviceName: '/dev/sda1', Ebs: {VolumeSize: 200, VolumeType: 'gp3', Encrypted: true, DeleteOnTermination: true}},
        {DeviceName: '/dev/sdf', Ebs: {VolumeSize: 500, VolumeType: 'gp3', Encrypted: true, DeleteOnTermination: true}},
      ],
    })
    expect(ec2.commandCalls(DescribeSecurityGroupsCommand)).to.have.length(0)
  })

  it('takes what the settings say where the options do not', async () => {
    await create({options: {ami: 'ami-00000001'}}, {
      instance_type: 'm5.large', ami: 'ami-00000002', subnet: 'subnet-0000000c', security_groups: ['sg-0000000e'], key_name: 'k', instance_profile: 'p', root_gib: 44,
    })
    expect(runs()[0]).to.deep.include({
      InstanceType: 'm5.large', ImageId: 'ami-00000001', SubnetId: 'subnet-0000000c', SecurityGroupIds: ['sg-0000000e'], KeyName: 'k', IamInstanceProfile: {Name: 'p'},
    })
    expect(runs()[0]?.BlockDeviceMappings?.[0]?.Ebs?.VolumeSize).to.equal(44)
    expect(ssm.commandCalls(GetParametersCommand)).to.have.length(0)
    expect(ec2.commandCalls(DescribeSubnetsCommand)).to.have.length(0)
  })

  const refusals: readonly (readonly [options: NonNullable<CreateInstanceRequest['options']>, message: RegExp])[] = [
    [{colour: 'red'}, /no option --colour/],
    [{ami: 'ubuntu'}, /--ami must be/],
    [{subnet: 'subnet-0000000a', zone: 'eu-west-1a'}, /leave out --zone/],
    [{'security-group': ['default']}, /--security-group takes ids/],
    [{'data-volume': 0}, /--data-volume must be a whole number/],
    [{'data-volume': '1e3'}, /--data-volume/],
    [{'root-gib': 2}, /needs a root volume of 8 GiB/],
    [{'spot-max-price': '0.1'}, /needs --spot/],
    [{spot: true, 'spot-max-price': '-1'}, /US dollars/],
    [{spot: true, 'spot-fallback': 'maybe'}, /on-demand or none/],
    [{spot: 'yes'}, /--spot takes no value/],
  ]
  for (const [options, message] of refusals) {
    it(`refuses ${JSON.stringify(options)} before anything is made`, async () => {
      const error = await expectedFailure(create({options}))
      expect([error.code, error.message]).to.satisfy(([code, text]: string[]) => code === 'bad_input' && message.test(text!), error.message)
      expect(runs()).to.have.length(0)
    })
  }

  it('refuses an image for another processor, and makes no security group for it', async () => {
    ec2.on(DescribeSecurityGroupsCommand).resolves({SecurityGroups: []})
    const error = await expectedFailure(create({instanceType: 't4g.small', options: {ami: AL2023}}))
    expect(error.message).to.match(/t4g.small is arm64/)
    expect(ec2.commandCalls(CreateSecurityGroupCommand)).to.have.length(0)
  })

  it('takes no image by itself for GPUs that its driver does not know', async () => {
    expect((await expectedFailure(create({instanceType: 'p3.2xlarge'}))).message).to.match(/too old/)
    await create({instanceType: 'p3.2xlarge', options: {ami: 'ami-00000001'}})
    expect(runs()).to.have.length(1)
  })

  it('makes a security group without rules where the VPC has none, once for many creates', async () => {
    ec2.on(DescribeSecurityGroupsCommand).resolves({SecurityGroups: []})
    ec2.on(CreateSecurityGroupCommand).resolves({GroupId: 'sg-new'})
    ec2.on(RunInstancesCommand).rejectsOnce(awsError('InvalidGroup.NotFound')).resolves({Instances: [{InstanceId: FIRST, State: {Name: 'pending'}}]})
    const provider = aws.provider()
    await Promise.all([1, 2, 3].map(at => provider.createInstance({...REQUEST, requestId: `create-${at}`})))
    const [made, ...more] = inputs(ec2, CreateSecurityGroupCommand)
    expect(more).to.deep.equal([])
    expect(made).to.deep.include({GroupName: 'runctl', VpcId: 'vpc-1'})
    expect(runs().map(input => input.SecurityGroupIds)).to.deep.equal(Array(4).fill(['sg-new']))
    expect(new Set(runs().map(input => input.ClientToken)).size).to.equal(3)
    const lookUps = inputs(ec2, DescribeInstancesCommand).filter(input => JSON.stringify(input).includes('create-2'))
    expect(lookUps).to.deep.equal([
      {MaxResults: 1000, Filters: [{Name: 'tag:runctl:create-request', Values: ['create-1', 'create-2', 'create-3']}]},
    ])
  })

  it('does not use a security group that somebody has opened', async () => {
    ec2.on(DescribeSecurityGroupsCommand).resolves({SecurityGroups: [{GroupId: 'sg-1', VpcId: 'vpc-1', IpPermissions: [{FromPort: 22}]}]})
    const error = await expectedFailure(create())
    expect(error.code).to.equal('wrong_state')
    expect(error.next).to.include('runctl aws create --security-group sg-1')
  })

  it('answers with the instance that the same request made before', async () => {
    const tags = [{Key: 'runctl:create-request', Value: 'create-1'}]
    ec2.on(DescribeInstancesCommand).resolves({Reservations: [{Instances: [{InstanceId: FIRST, State: {Name: 'running'}, Tags: tags}]}]})
    expect((await create()).id).to.equal(FIRST)
    expect(runs()).to.have.length(0)
  })

  it('finds the instance of the same request where its settings would be others now', async () => {
    const found = {Reservations: [{Instances: [{InstanceId: FIRST, State: {Name: 'running' as const}, Tags: [{Key: 'runctl:create-request', Value: 'create-1'}]}]}]}
    ec2.on(DescribeInstancesCommand).resolvesOnce({}).resolvesOnce({}).resolves(found)
    ec2.on(RunInstancesCommand).rejects(awsError('IdempotentParameterMismatch'))
    expect((await create()).id).to.equal(FIRST)
  })

  it('goes from zone to zone where there is no capacity, each with a token of its own that is the same again', async () => {
    ec2.on(RunInstancesCommand).rejects(awsError('InsufficientInstanceCapacity'))
    const error = await expectedFailure(create())
    expect(error.message).to.match(/no m5.large \(tried in eu-west-1a, eu-west-1b\)/)
    expect(runs().map(input => input.SubnetId)).to.deep.equal([undefined, 'subnet-0000000a', 'subnet-0000000b'])
    const tokens = runs().map(input => input.ClientToken)
    expect(tokens[0]).to.equal('create-1')
    expect(new Set(tokens).size).to.equal(3)
    for (const token of tokens) expect(token).to.match(/^[\x21-\x7e]{1,64}$/)
    ec2.resetHistory()
    await expectedFailure(create())
    expect(runs().map(input => input.ClientToken)).to.deep.equal(tokens)
  })

  it('stays where the user has put it', async () => {
    ec2.on(RunInstancesCommand).rejects(awsError('InsufficientInstanceCapacity'))
    await expectedFailure(create({options: {zone: 'eu-west-1b'}}))
    expect(runs()).to.have.length(1)
  })

  it('never asks in another zone after an outcome that nobody knows', async () => {
    for (const error of [Object.assign(new Error('x'), {code: 'ECONNRESET'}), awsError('InternalError', 'x', 500), awsError('Unsupported', 'x', 503)]) {
      ec2.on(RunInstancesCommand).rejects(error)
      ec2.resetHistory()
      const failure = await expectedFailure(create())
      expect(failure.details['uncertain']).to.equal(true)
      expect(runs()).to.have.length(1)
    }
  })

  it('is certain that nothing was made where only a look-up failed', async () => {
    ec2.on(DescribeSubnetsCommand).rejects(Object.assign(new Error('x'), {code: 'ECONNRESET'}))
    expect((await expectedFailure(create())).details['uncertain']).to.equal(false)
  })

  it('asks for a one-time spot instance with its request tagged', async () => {
    const instance = await create({options: {spot: true, 'spot-max-price': '0.35'}})
    expect(instance.lifecycle).to.equal('spot')
    const [input] = runs()
    expect(input?.InstanceMarketOptions).to.deep.equal({
      MarketType: 'spot', SpotOptions: {SpotInstanceType: 'one-time', InstanceInterruptionBehavior: 'terminate', MaxPrice: '0.35'},
    })
    expect(input?.TagSpecifications?.map(entry => entry.ResourceType)).to.deep.equal(['instance', 'volume', 'spot-instances-request'])
    expect(input?.InstanceInitiatedShutdownBehavior).to.equal('terminate')
  })

  describe('with limits', () => {
    const limits = {forAgent: '{"set":{"max_seconds":3600}}', hardSeconds: 4500.2, unattendedSeconds: null}
    const sent = (): string => Buffer.from(runs().at(-1)?.UserData ?? '', 'base64').toString()

    it('sends them along as user data, the same for the same limits, and nothing without', async () => {
      await create({limits})
      const first = sent()
      expect(first.startsWith('#!/bin/sh\n')).to.equal(true)
      expect(first).to.contain(Buffer.from(limits.forAgent).toString('base64')).and.to.contain("echo '4501 -' | lay_down watch")
      // What travels is a third more, and EC2 counts what there is before.
      expect(first.length).to.be.below(8192)
      await create({limits, requestId: 'create-2'})
      expect(sent()).to.equal(first)
      await create({requestId: 'create-3'})
      expect(runs().at(-1)).to.not.have.property('UserData')
    })

    it('lets nothing in them become code', async () => {
      await create({limits: {...limits, forAgent: `{"x":"'; touch /tmp/x; '$(id)\nRUNCTL_WATCH\n"}`}})
      expect(sent()).to.not.contain('touch').and.not.contain('$(id)\n')
    })

    it('refuses what cannot be laid down, before anything is asked', async () => {
      for (const wrong of [{hardSeconds: -1}, {hardSeconds: Number.NaN}, {unattendedSeconds: 0}, {unattendedSeconds: 1e12}, {forAgent: 'x'.repeat(9000)}]) {
        expect((await expectedFailure(create({limits: {...limits, ...wrong}}))).code, JSON.stringify(wrong)).to.equal('bad_input')
      }
      expect(runs()).to.deep.equal([])
    })
  })

  it('takes on-demand instead of spot only where that was asked for', async () => {
    ec2.on(RunInstancesCommand).callsFake(({InstanceMarketOptions}) => {
      if (InstanceMarketOptions) throw awsError('InsufficientInstanceCapacity')
      return {Instances: [{InstanceId: FIRST, State: {Name: 'pending'}}]}
    })
    const error = await expectedFailure(create({options: {spot: true}}))
    expect(error.next[0]).to.match(/--spot-fallback on-demand/)
    expect(runs().every(input => input.InstanceMarketOptions)).to.equal(true)
    ec2.resetHistory()
    expect((await create({options: {spot: true, 'spot-fallback': 'on-demand'}})).lifecycle).to.equal('on-demand')
    expect(runs().map(input => input.InstanceMarketOptions !== undefined)).to.deep.equal([true, true, true, false])
  })

  it('does not go through the zones where the spot quota is full', async () => {
    ec2.on(RunInstancesCommand).rejectsOnce(awsError('MaxSpotInstanceCountExceeded')).resolves({Instances: [{InstanceId: FIRST, State: {Name: 'pending'}}]})
    await create({options: {spot: true, 'spot-fallback': 'on-demand'}})
    expect(runs()).to.have.length(2)
  })

  it('waits for a profile that EC2 does not know yet, and not for one that does not exist', async () => {
    const unknown = awsError('InvalidParameterValue', 'Value (runctl-instance) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name')
    iam.on(GetInstanceProfileCommand).resolves({})
    ec2.on(RunInstancesCommand).rejectsOnce(unknown).rejectsOnce(unknown).resolves({Instances: [{InstanceId: FIRST, State: {Name: 'pending'}}]})
    await create()
    expect(new Set(runs().map(input => input.ClientToken))).to.deep.equal(new Set(['create-1']))
    iam.on(GetInstanceProfileCommand).rejects(awsError('NoSuchEntityException'))
    ec2.on(RunInstancesCommand).rejects(unknown)
    ec2.resetHistory()
    const error = await expectedFailure(create())
    expect(error.next[0]).to.equal('runctl aws setup')
    expect(runs()).to.have.length(1)
  })

  it('plans without making anything', async () => {
    ec2.on(DescribeSecurityGroupsCommand).resolves({SecurityGroups: []})
    ec2.on(RunInstancesCommand).rejects(awsError('DryRunOperation', 'would have succeeded', 412))
    pricing.on(GetProductsCommand).resolves({PriceList: [JSON.stringify({terms: {OnDemand: {a: {priceDimensions: {b: {unit: 'Hrs', pricePerUnit: {USD: '0.0456'}}}}}}})]})
    const plan = await aws.provider().planCreate({...REQUEST, instanceType: 't3.medium'})
    expect(runs().map(input => input.DryRun)).to.deep.equal([true])
    expect(plan.usdPerHour).to.equal(0.0456)
    expect(plan.settings).to.include({region: 'eu-west-1', type: 't3.medium (2 vCPU, 4 GiB)', market: 'on-demand', 'root volume': '30 GiB gp3, encrypted'})
    expect(plan.settings['image']).to.match(/al2023/)
    expect(plan.settings['CPU credits']).to.match(/on top of the price/)
    expect(plan.settings['security groups']).to.match(/to be made/)
    expect(ec2.commandCalls(CreateSecurityGroupCommand)).to.have.length(0)
  })

  it('says in the plan that it may not', async () => {
    ec2.on(RunInstancesCommand).rejects(awsError('UnauthorizedOperation', 'You are not authorized', 403))
    pricing.on(GetProductsCommand).resolves({PriceList: []})
    expect((await expectedFailure(aws.provider().planCreate(REQUEST))).message).to.match(/ec2:RunInstances/)
  })
})
