import {DescribeInstancesCommand, DescribeVolumesCommand, EC2Client, RunInstancesCommand, type RunInstancesCommandInput, TerminateInstancesCommand} from '@aws-sdk/client-ec2'
import {expect} from 'chai'

import {clientSettings, errorOf, type TestBench, until, withBench} from './with-bench.js'

const AL2023 = 'ami-0a1f2e3d4c5b60001'

const WANTED: RunInstancesCommandInput = {ImageId: AL2023, InstanceType: 't3.micro', MinCount: 1, MaxCount: 1}

async function run(bench: TestBench, more: Partial<RunInstancesCommandInput> = {}): Promise<string[]> {
  const {Instances} = await bench.ec2Client.send(new RunInstancesCommand({...WANTED, ...more}))
  return (Instances ?? []).map(({InstanceId}) => InstanceId ?? '')
}

async function seenOf(bench: TestBench, id: string) {
  const {Reservations} = await bench.ec2Client.send(new DescribeInstancesCommand({InstanceIds: [id]}))
  return Reservations?.[0]?.Instances?.[0]
}

describe('bench: RunInstances', () => {
  it('makes an instance as it was asked for, starts its machine and tells of it', () =>
    withBench({times: {pendingMs: 800}}, async (bench) => {
      const [id = ''] = await run(bench, {
        IamInstanceProfile: {Name: 'runctl-instance'},
        KeyName: 'runctl-key',
        MetadataOptions: {HttpTokens: 'required', HttpPutResponseHopLimit: 2},
        Placement: {AvailabilityZone: 'us-east-1b'},
        UserData: Buffer.from('#!/bin/sh\necho hi').toString('base64'),
        TagSpecifications: [
          {ResourceType: 'instance', Tags: [{Key: 'Name', Value: 'a & <b>'}]},
          {ResourceType: 'volume', Tags: [{Key: 'of', Value: 'me'}]},
        ],
        BlockDeviceMappings: [
          {DeviceName: '/dev/xvda', Ebs: {VolumeSize: 30, VolumeType: 'gp3', Encrypted: true, DeleteOnTermination: true}},
          {DeviceName: '/dev/sdf', Ebs: {VolumeSize: 100, DeleteOnTermination: false}},
        ],
      })
      expect((await seenOf(bench, id))?.State?.Name).to.equal('pending')
      await until(async () => (await seenOf(bench, id))?.State?.Name === 'running')
      expect(bench.machines.asked).to.deep.equal([`start ${id}`])

      const seen = await seenOf(bench, id)
      expect(seen).to.deep.include({ImageId: AL2023, InstanceType: 't3.micro', KeyName: 'runctl-key', RootDeviceName: '/dev/xvda', Architecture: 'x86_64'})
      expect(seen?.Tags).to.deep.equal([{Key: 'Name', Value: 'a & <b>'}])
      expect(seen?.Placement?.AvailabilityZone).to.equal('us-east-1b')
      expect(seen?.MetadataOptions).to.deep.include({HttpTokens: 'required', HttpPutResponseHopLimit: 2})
      expect(seen?.IamInstanceProfile?.Arn).to.equal('arn:aws:iam::123456789012:instance-profile/runctl-instance')
      expect(seen?.BlockDeviceMappings?.map(({DeviceName}) => DeviceName)).to.deep.equal(['/dev/xvda', '/dev/sdf'])
      expect(seen?.LaunchTime).to.be.instanceOf(Date)
      expect(bench.instance(id).userData).to.equal('#!/bin/sh\necho hi')
      expect(bench.instance(id).request).to.include({'MetadataOptions.HttpTokens': 'required', KeyName: 'runctl-key'})

      await bench.ec2Client.send(new TerminateInstancesCommand({InstanceIds: [id]}))
      await until(async () => (await seenOf(bench, id))?.State?.Name === 'terminated')
      const {Volumes} = await bench.ec2Client.send(new DescribeVolumesCommand({Filters: [{Name: 'tag:of', Values: ['me']}]}))
      expect(Volumes?.map(({Size, State}) => [Size, State])).to.deep.equal([[100, 'available']])
    }))

  it('answers a used token with the same instances, also when they have ended', () =>
    withBench({}, async (bench) => {
      const first = await run(bench, {ClientToken: 'once', MinCount: 2, MaxCount: 2})
      expect(first).to.have.length(2)
      expect(await run(bench, {ClientToken: 'once', MinCount: 2, MaxCount: 2})).to.deep.equal(first)
      await bench.ec2Client.send(new TerminateInstancesCommand({InstanceIds: first}))
      await until(() => first.every((id) => bench.instance(id).state === 'terminated'))
      expect(await run(bench, {ClientToken: 'once', MinCount: 2, MaxCount: 2})).to.deep.equal(first)
      expect(bench.world.instances.size).to.equal(2)
    }))

  it('refuses a used token with other parameters, and one that is too long', () =>
    withBench({}, async (bench) => {
      await run(bench, {ClientToken: 'once'})
      expect((await errorOf(run(bench, {ClientToken: 'once', InstanceType: 't3.small'})))?.name).to.equal('IdempotentParameterMismatch')
      expect((await errorOf(run(bench, {ClientToken: 'x'.repeat(65)})))?.name).to.equal('InvalidParameterValue')
    }))

  it('leaves one instance when the response is lost and the SDK asks again', () =>
    withBench({}, async (bench) => {
      bench.inject({operation: 'RunInstances', kind: 'lost-response', times: 1})
      const retrying = new EC2Client(clientSettings(bench, bench.key, 3))
      const {Instances} = await retrying.send(new RunInstancesCommand(WANTED))
      retrying.destroy()
      expect([...bench.world.instances.keys()]).to.deep.equal(Instances?.map(({InstanceId}) => InstanceId))
      expect(bench.calls.list().map(({operation, status}) => [operation, status])).to.deep.equal([['RunInstances', 0], ['RunInstances', 200]])
    }))

  it('checks a dry run and makes nothing', () =>
    withBench({}, async (bench) => {
      expect(await errorOf(run(bench, {DryRun: true}))).to.deep.include({name: 'DryRunOperation', status: 412})
      expect((await errorOf(run(bench, {DryRun: true, KeyName: 'none'})))?.name).to.equal('InvalidKeyPair.NotFound')
      expect(bench.world.instances.size).to.equal(0)
    }))

  const refusals: readonly (readonly [string, Partial<RunInstancesCommandInput>, string, RegExp?])[] = [
    ['an unknown type', {InstanceType: 'x9.huge' as 't3.micro'}, 'InvalidParameterValue', /Invalid value 'x9.huge' for InstanceType/],
    ['an unknown image', {ImageId: 'ami-0123456789abcdef0'}, 'InvalidAMIID.NotFound'],
    ['what is no image id', {ImageId: 'ubuntu'}, 'InvalidAMIID.Malformed'],
    ['an image of another architecture', {InstanceType: 't4g.small'}, 'InvalidParameterValue', /architecture 'arm64'.*'x86_64'/],
    ['an unknown profile', {IamInstanceProfile: {Name: 'nobody'}}, 'InvalidParameterValue', /iamInstanceProfile\.name/],
    ['an unknown subnet', {SubnetId: 'subnet-0123456789abcdef0'}, 'InvalidSubnetID.NotFound'],
    ['an unknown group', {SecurityGroupIds: ['sg-0123456789abcdef0']}, 'InvalidGroup.NotFound'],
    ['an unknown zone', {Placement: {AvailabilityZone: 'us-east-1z'}}, 'InvalidParameterValue', /zone/],
    ['a type that the zone does not offer', {InstanceType: 'g5.xlarge', Placement: {AvailabilityZone: 'us-east-1e'}}, 'Unsupported', /us-east-1a, us-east-1b/],
    ['more vCPUs than the quota', {InstanceType: 'g5.xlarge', MinCount: 17, MaxCount: 17}, 'VcpuLimitExceeded', /limit of 64/],
    ['a reserved tag', {TagSpecifications: [{ResourceType: 'instance', Tags: [{Key: 'aws:x', Value: ''}]}]}, 'InvalidParameterValue', /reserved/],
    ['user data beyond 16 KB', {UserData: Buffer.alloc(16_385).toString('base64')}, 'InvalidParameterValue', /16384/],
    ['a spot price below the market', {InstanceMarketOptions: {MarketType: 'spot', SpotOptions: {MaxPrice: '0.001'}}}, 'SpotMaxPriceTooLow'],
  ]
  for (const [what, more, name, message = /./] of refusals) {
    it(`refuses ${what}`, () =>
      withBench({}, async (bench) => {
        const error = await errorOf(run(bench, more))
        expect(error?.name).to.equal(name)
        expect(error?.message).to.match(message)
        expect(bench.world.instances.size).to.equal(0)
      }))
  }

  it('refuses parameters that the model does not know', () =>
    withBench({}, async (bench) => {
      bench.ec2Client.middlewareStack.add((next) => (args) => {
        const request = args.request as {body: string; headers: Record<string, string>}
        request.body += '&Colour=red'
        request.headers['content-length'] = String(request.body.length)
        return next(args)
      }, {step: 'build'})
      expect((await errorOf(run(bench)))?.name).to.equal('UnknownParameter')
    }))
})
