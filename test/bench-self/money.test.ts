import {
  CreateTagsCommand, DeleteSnapshotCommand, DeleteVolumeCommand, DescribeAddressesCommand, DescribeImagesCommand, DescribeInstancesCommand, DescribeRegionsCommand,
  DescribeSecurityGroupsCommand, DescribeSnapshotsCommand, DescribeSpotPriceHistoryCommand, DescribeSubnetsCommand, DescribeTagsCommand, DescribeVolumesCommand,
  EC2Client, paginateDescribeInstances, paginateDescribeSnapshots, ReleaseAddressCommand, RunInstancesCommand, StopInstancesCommand,
} from '@aws-sdk/client-ec2'
import {GetParameterCommand, SendCommandCommand, SSMClient} from '@aws-sdk/client-ssm'
import {expect} from 'chai'

import {clientSettings, errorOf, type TestBench, until, withBench} from './with-bench.js'

const HOUR_MS = 3_600_000

async function withRegion(region: string, test: (abroad: EC2Client, bench: TestBench) => Promise<void>): Promise<void> {
  await withBench({}, async (bench) => {
    const abroad = new EC2Client({...clientSettings(bench), region})
    try {
      await test(abroad, bench)
    } finally {
      abroad.destroy()
    }
  })
}

describe('bench: many instances', () => {
  it('are records of any state and age, told page by page, and start no machine', () =>
    withBench({}, async (bench) => {
      const stoppedAt = new Date('2026-11-03T04:05:06Z')
      const ids = bench.addMany(2000, (index) => ({
        type: index % 2 === 0 ? 'g5.xlarge' : 't3.medium', tags: {Name: `n-${index}`}, at: new Date('2026-11-01T00:00:00Z'),
        ...(index % 4 === 0 ? {state: 'stopped' as const, stoppedAt} : {}),
      }))
      expect(new Set(ids).size).to.equal(2000)
      const sizes: number[] = []
      for await (const {Reservations = []} of paginateDescribeInstances({client: bench.ec2Client, pageSize: 1000}, {})) sizes.push(Reservations.length)
      expect(sizes).to.deep.equal([1000, 1000])
      const filter = [{Name: 'instance-type', Values: ['g5.*']}, {Name: 'instance-state-name', Values: ['stopped']}]
      const {Reservations: stopped = []} = await bench.ec2Client.send(new DescribeInstancesCommand({Filters: filter}))
      expect(stopped).to.have.length(500)
      const [one] = stopped[0]?.Instances ?? []
      expect(one?.StateTransitionReason).to.equal('User initiated (2026-11-03 04:05:06 GMT)')
      expect(one?.LaunchTime?.toISOString()).to.equal('2026-11-01T00:00:00.000Z')
      expect(one?.BlockDeviceMappings?.[0]?.Ebs?.AttachTime?.toISOString()).to.equal('2026-11-01T00:00:00.000Z')
      expect(bench.machines.asked).to.deep.equal([])
    }))

  it('start and stop at the time of the bench’s own clock', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance()
      bench.world.clockOffsetMs = 30 * 24 * HOUR_MS
      const far = new EC2Client({...clientSettings(bench), maxAttempts: 3})
      await far.send(new StopInstancesCommand({InstanceIds: [id]}))
      await until(() => bench.instance(id).state === 'stopped')
      const [, at = ''] = /\((.*) GMT\)/.exec(bench.instance(id).transitionReason) ?? []
      expect(Date.parse(`${at.replace(' ', 'T')}Z`)).to.be.closeTo(Date.now() + 30 * 24 * HOUR_MS, 600_000)
      far.destroy()
    }))
})

describe('bench: regions', () => {
  it('are told, those that are not enabled only to who asks for them', () =>
    withBench({}, async ({ec2Client}) => {
      const names = async (input: object) => (await ec2Client.send(new DescribeRegionsCommand(input))).Regions?.map(({RegionName}) => RegionName)
      expect(await names({})).to.include.members(['us-east-1', 'eu-west-1']).and.not.include('me-central-1')
      expect(await names({AllRegions: true})).to.include('me-central-1')
      expect(await names({AllRegions: true, Filters: [{Name: 'opt-in-status', Values: ['not-opted-in']}]})).to.deep.equal(['me-central-1'])
    }))

  it('have instances, disks, images, subnets, groups and tags of their own', () =>
    withRegion('eu-west-1', async (abroad, bench) => {
      const [home] = bench.addMany(1, () => ({tags: {where: 'home'}}))
      const [away] = bench.addMany(1, () => ({region: 'eu-west-1', tags: {where: 'away'}}))
      const instances = async (client: EC2Client) => (await client.send(new DescribeInstancesCommand({}))).Reservations?.flatMap(({Instances}) => Instances ?? []) ?? []
      expect((await instances(bench.ec2Client)).map(({InstanceId}) => InstanceId)).to.deep.equal([home])
      const [there] = await instances(abroad)
      expect(there?.InstanceId).to.equal(away)
      expect(there?.Placement?.AvailabilityZone).to.equal('eu-west-1a')
      const volumes = async (client: EC2Client) => (await client.send(new DescribeVolumesCommand({}))).Volumes?.map(({VolumeId}) => VolumeId) ?? []
      const [disk = ''] = await volumes(abroad)
      expect(await volumes(bench.ec2Client)).to.have.length(1).and.not.include(disk)
      expect((await errorOf(bench.ec2Client.send(new DeleteVolumeCommand({VolumeId: disk}))))?.name).to.equal('InvalidVolume.NotFound')
      const images = async (client: EC2Client) => new Set((await client.send(new DescribeImagesCommand({}))).Images?.map(({ImageId}) => ImageId))
      const [here, abroadImages] = [await images(bench.ec2Client), await images(abroad)]
      expect([...abroadImages].filter((id) => here.has(id))).to.deep.equal([])
      const groups = async (client: EC2Client) => (await client.send(new DescribeSecurityGroupsCommand({}))).SecurityGroups?.map(({GroupId}) => GroupId)
      expect(await groups(abroad)).to.have.length(1).and.not.deep.equal(await groups(bench.ec2Client))
      expect(there?.SecurityGroups?.map(({GroupId}) => GroupId)).to.deep.equal(await groups(abroad))
      const tags = async (client: EC2Client) => new Set((await client.send(new DescribeTagsCommand({Filters: [{Name: 'key', Values: ['where']}]}))).Tags?.map(({Value}) => Value))
      expect([...(await tags(abroad))]).to.deep.equal(['away'])
      expect([...(await tags(bench.ec2Client))]).to.deep.equal(['home'])
    }))

  it('launch from their own image and subnet alone, each token once a region, and take commands of their own', () =>
    withRegion('eu-west-1', async (abroad, bench) => {
      const ssm = new SSMClient({...clientSettings(bench), region: 'eu-west-1'})
      const name = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64'
      const ImageId = (await ssm.send(new GetParameterCommand({Name: name}))).Parameter?.Value ?? ''
      const SubnetId = (await abroad.send(new DescribeSubnetsCommand({}))).Subnets?.[0]?.SubnetId ?? ''
      const run = (client: EC2Client, more: object) => client.send(new RunInstancesCommand({InstanceType: 't3.micro', MinCount: 1, MaxCount: 1, ClientToken: 'same', ImageId, ...more}))
      expect((await errorOf(run(bench.ec2Client, {})))?.name).to.equal('InvalidAMIID.NotFound')
      const made = (await run(abroad, {SubnetId})).Instances?.[0]
      expect(made?.SubnetId).to.equal(SubnetId)
      const other = (await run(bench.ec2Client, {ImageId: 'ami-0a1f2e3d4c5b60001'})).Instances?.[0]
      expect(other?.InstanceId).to.not.equal(made?.InstanceId)
      expect((await errorOf(run(bench.ec2Client, {ImageId: 'ami-0a1f2e3d4c5b60001', ClientToken: 'x', SubnetId})))?.name).to.equal('InvalidSubnetID.NotFound')

      const id = await bench.addInstance()
      const command = new SendCommandCommand({DocumentName: 'AWS-RunShellScript', InstanceIds: [id], Parameters: {commands: ['true']}})
      expect((await errorOf(ssm.send(command)))?.name).to.equal('InvalidInstanceId')
      ssm.destroy()
    }))
})

describe('bench: what else is billed', () => {
  it('tells of a disk’s performance', () =>
    withBench({}, async (bench) => {
      const [id = ''] = bench.addMany(1, () => ({disks: [{gib: 100, iops: 5000, throughput: 300}, {gib: 500, type: 'gp2'}, {gib: 200, type: 'st1'}, {gib: 50, type: 'io2', iops: 9000}]}))
      const {Volumes = []} = await bench.ec2Client.send(new DescribeVolumesCommand({Filters: [{Name: 'attachment.instance-id', Values: [id]}]}))
      expect(Volumes.map(({Iops, Size, Throughput, VolumeType}) => [VolumeType, Size, Iops, Throughput])).to.deep.equal([
        ['gp3', 100, 5000, 300], ['gp2', 500, 1500, undefined], ['st1', 200, undefined, undefined], ['io2', 50, 9000, undefined],
      ])
    }))

  it('tells of snapshots, everybody’s to who names no owner, and deletes those that no image needs', () =>
    withBench({}, async (bench) => {
      const mine = Array.from({length: 12}, () => bench.addSnapshot({gib: 8, tags: {a: 'b'}}))
      const foreign = bench.addSnapshot({gib: 1, foreign: true})
      const needed = bench.addSnapshot({gib: 1, imageId: 'ami-0123456789abcdef0'})
      const found: string[] = []
      for await (const {Snapshots = []} of paginateDescribeSnapshots({client: bench.ec2Client, pageSize: 5}, {OwnerIds: ['self']})) found.push(...Snapshots.map(({SnapshotId = ''}) => SnapshotId))
      expect(found).to.have.members([...mine, needed])
      const all = (await bench.ec2Client.send(new DescribeSnapshotsCommand({}))).Snapshots?.map(({SnapshotId}) => SnapshotId)
      expect(all).to.include(foreign)
      const remove = (SnapshotId: string) => errorOf(bench.ec2Client.send(new DeleteSnapshotCommand({SnapshotId})))
      expect((await remove(needed))?.name).to.equal('InvalidSnapshot.InUse')
      expect((await remove(foreign))?.name).to.equal('UnauthorizedOperation')
      expect(await remove(mine[0] ?? '')).to.equal(undefined)
      expect((await remove(mine[0] ?? ''))?.name).to.equal('InvalidSnapshot.NotFound')
    }))

  it('tells of addresses and releases those that belong to none', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance()
      const used = bench.addAddress({instanceId: id})
      const idle = bench.addAddress({tags: {a: 'b'}})
      await bench.ec2Client.send(new CreateTagsCommand({Resources: [idle], Tags: [{Key: 'c', Value: 'd'}]}))
      const {Addresses = []} = await bench.ec2Client.send(new DescribeAddressesCommand({Filters: [{Name: 'tag:c', Values: ['d']}]}))
      expect(Addresses.map(({AllocationId, InstanceId}) => [AllocationId, InstanceId])).to.deep.equal([[idle, undefined]])
      const release = (AllocationId: string) => errorOf(bench.ec2Client.send(new ReleaseAddressCommand({AllocationId})))
      expect((await release(used))?.name).to.equal('InvalidIPAddress.InUse')
      expect(await release(idle)).to.equal(undefined)
      expect((await release(idle))?.name).to.equal('InvalidAllocationID.NotFound')
    }))
})

describe('bench: spot prices over time', () => {
  const ask = async (bench: TestBench, input: object) => {
    const {SpotPriceHistory = []} = await bench.ec2Client.send(
      new DescribeSpotPriceHistoryCommand({InstanceTypes: ['g5.xlarge'], ProductDescriptions: ['Linux/UNIX'], AvailabilityZone: 'us-east-1b', ...input}),
    )
    return SpotPriceHistory.map(({SpotPrice, Timestamp}) => [Timestamp?.getTime(), Number(SpotPrice)])
  }

  it('are the scripted ones of the range, and the one in force at its start, newest first', () =>
    withBench({}, async (bench) => {
      const t0 = Math.floor(Date.now() / 1000) * 1000 - 100 * HOUR_MS
      for (const [hours, usd] of [[30, 0.7], [10, 0.5], [20, 0.6]] as const) bench.setSpotPrice({type: 'g5.xlarge', zone: 'us-east-1b', usd, at: new Date(t0 + hours * HOUR_MS)})
      const at = (hours: number) => new Date(t0 + hours * HOUR_MS)
      expect(await ask(bench, {StartTime: at(15), EndTime: at(25)})).to.deep.equal([[at(20).getTime(), 0.6], [at(10).getTime(), 0.5]])
      expect(await ask(bench, {StartTime: at(40), EndTime: at(40)})).to.deep.equal([[at(30).getTime(), 0.7]])
      const [newest, oldest] = await ask(bench, {StartTime: at(0), EndTime: at(10)})
      expect(newest).to.deep.equal([at(10).getTime(), 0.5])
      expect(oldest?.[1]).to.be.closeTo(0.4521 * 1.01, 1e-6)
    }))

  it('are the catalogue’s elsewhere, at the same times whenever they are asked for', () =>
    withBench({}, async (bench) => {
      const [from, to] = [new Date(Date.now() - 50 * HOUR_MS), new Date(Date.now() - 20 * HOUR_MS)]
      const before = await ask(bench, {StartTime: from, EndTime: to})
      expect(before.length).to.be.within(5, 7)
      bench.world.clockOffsetMs = 60_000
      expect(await ask(bench, {StartTime: from, EndTime: to})).to.deep.equal(before)
    }))
})
