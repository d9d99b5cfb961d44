import {
  AuthorizeSecurityGroupIngressCommand, CreateSecurityGroupCommand, DeleteSecurityGroupCommand, DeleteVolumeCommand, DescribeAvailabilityZonesCommand,
  DescribeImagesCommand, DescribeInstanceTypeOfferingsCommand, DescribeInstanceTypesCommand, DescribeRegionsCommand, DescribeSecurityGroupsCommand,
  DescribeSpotPriceHistoryCommand, DescribeSubnetsCommand, DescribeVolumesCommand, DescribeVpcsCommand, RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2'
import {GetProductsCommand, paginateGetProducts, PricingClient} from '@aws-sdk/client-pricing'
import {GetServiceQuotaCommand, paginateListServiceQuotas, ServiceQuotasClient} from '@aws-sdk/client-service-quotas'
import {expect} from 'chai'

import {clientSettings, errorOf, type TestBench, withBench} from './with-bench.js'

const BY_PRICE = {regionCode: 'us-east-1', operatingSystem: 'Linux', preInstalledSw: 'NA', tenancy: 'Shared', capacitystatus: 'Used'}

function filters(values: Readonly<Record<string, string>>) {
  return Object.entries(values).map(([Field, Value]) => ({Type: 'TERM_MATCH' as const, Field, Value}))
}

describe('bench: what EC2 offers', () => {
  it('has images with their root devices and architectures', () =>
    withBench({}, async (bench) => {
      const {Images: arm = []} = await bench.ec2Client.send(new DescribeImagesCommand({Owners: ['amazon'], Filters: [{Name: 'architecture', Values: ['arm64']}, {Name: 'name', Values: ['al2023-*']}]}))
      expect(arm.map(({RootDeviceName, Architecture}) => [RootDeviceName, Architecture])).to.deep.equal([['/dev/xvda', 'arm64']])
      const {Images: named = []} = await bench.ec2Client.send(new DescribeImagesCommand({ImageIds: ['ami-0d1e2e3d4c5b60011']}))
      expect(named[0]?.RootDeviceName).to.equal('/dev/sda1')
      expect(named[0]?.BlockDeviceMappings?.[0]?.Ebs?.VolumeSize).to.equal(75)
      expect((await errorOf(bench.ec2Client.send(new DescribeImagesCommand({ImageIds: ['ami-0123456789abcdef0']}))))?.name).to.equal('InvalidAMIID.NotFound')
    }))

  it('has instance types with vCPUs, memory, architecture and GPUs', () =>
    withBench({}, async (bench) => {
      const {InstanceTypes = []} = await bench.ec2Client.send(new DescribeInstanceTypesCommand({InstanceTypes: ['p4d.24xlarge', 't4g.small']}))
      const [arm, gpu] = InstanceTypes
      expect(arm?.ProcessorInfo?.SupportedArchitectures).to.deep.equal(['arm64'])
      expect(arm?.GpuInfo).to.equal(undefined)
      expect(gpu?.VCpuInfo?.DefaultVCpus).to.equal(96)
      expect(gpu?.GpuInfo).to.deep.include({TotalGpuMemoryInMiB: 327_680})
      expect(gpu?.GpuInfo?.Gpus?.[0]).to.deep.include({Manufacturer: 'NVIDIA', Name: 'A100', Count: 8})
      expect((await errorOf(bench.ec2Client.send(new DescribeInstanceTypesCommand({InstanceTypes: ['p9.big' as 't3.micro']}))))?.name).to.equal('InvalidInstanceType')
    }))

  it('tells where types are offered, and the zones, subnets, VPCs and regions', () =>
    withBench({}, async ({ec2Client}) => {
      const {InstanceTypeOfferings} = await ec2Client.send(
        new DescribeInstanceTypeOfferingsCommand({LocationType: 'availability-zone', Filters: [{Name: 'instance-type', Values: ['p4d.24xlarge']}]}),
      )
      expect(InstanceTypeOfferings?.map(({Location}) => Location)).to.deep.equal(['us-east-1a', 'us-east-1b'])
      expect((await ec2Client.send(new DescribeAvailabilityZonesCommand({}))).AvailabilityZones).to.have.length(6)
      const {Subnets} = await ec2Client.send(new DescribeSubnetsCommand({Filters: [{Name: 'default-for-az', Values: ['true']}, {Name: 'availability-zone', Values: ['us-east-1c']}]}))
      expect(Subnets).to.have.length(1)
      expect((await ec2Client.send(new DescribeVpcsCommand({Filters: [{Name: 'is-default', Values: ['true']}]}))).Vpcs?.[0]?.VpcId).to.equal(Subnets?.[0]?.VpcId)
      expect((await ec2Client.send(new DescribeRegionsCommand({}))).Regions?.map(({RegionName}) => RegionName)).to.include('us-east-1')
    }))

  it('has spot prices, newest first, by zone and product', () =>
    withBench({}, async ({ec2Client}) => {
      const {SpotPriceHistory = []} = await ec2Client.send(
        new DescribeSpotPriceHistoryCommand({InstanceTypes: ['g5.xlarge'], ProductDescriptions: ['Linux/UNIX'], StartTime: new Date()}),
      )
      expect(new Set(SpotPriceHistory.map(({AvailabilityZone}) => AvailabilityZone)).size).to.equal(4)
      expect(Number(SpotPriceHistory[0]?.SpotPrice)).to.be.within(0.45, 0.5)
      const times = SpotPriceHistory.map(({Timestamp}) => Timestamp?.getTime() ?? 0)
      expect(times).to.deep.equal([...times].sort((a, b) => b - a))
    }))

  it('makes security groups without inbound rules', () =>
    withBench({}, async ({ec2Client}) => {
      const {GroupId = ''} = await ec2Client.send(new CreateSecurityGroupCommand({GroupName: 'runctl', Description: 'no way in', TagSpecifications: [{ResourceType: 'security-group', Tags: [{Key: 'a', Value: 'b'}]}]}))
      expect((await errorOf(ec2Client.send(new CreateSecurityGroupCommand({GroupName: 'runctl', Description: 'again'}))))?.name).to.equal('InvalidGroup.Duplicate')
      const group = async () => (await ec2Client.send(new DescribeSecurityGroupsCommand({Filters: [{Name: 'group-name', Values: ['runctl']}]}))).SecurityGroups?.[0]
      const made = await group()
      expect(made?.IpPermissions ?? []).to.deep.equal([])
      expect(made?.IpPermissionsEgress?.[0]?.IpProtocol).to.equal('-1')
      const rule = {IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{CidrIp: '10.0.0.0/8'}]}
      await ec2Client.send(new AuthorizeSecurityGroupIngressCommand({GroupId, IpPermissions: [rule]}))
      expect((await group())?.IpPermissions?.[0]).to.deep.include({FromPort: 22, IpRanges: [{CidrIp: '10.0.0.0/8'}]})
      await ec2Client.send(new RevokeSecurityGroupIngressCommand({GroupId, IpPermissions: [rule]}))
      expect((await errorOf(ec2Client.send(new RevokeSecurityGroupEgressCommand({GroupId, IpPermissions: [rule]}))))?.name).to.equal('InvalidPermission.NotFound')
      await ec2Client.send(new DeleteSecurityGroupCommand({GroupId}))
      expect(await group()).to.equal(undefined)
    }))

  it('tells of volumes and deletes only what is not attached', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance({tags: {team: 'vision'}})
      const {Volumes = []} = await bench.ec2Client.send(new DescribeVolumesCommand({Filters: [{Name: 'attachment.instance-id', Values: [id]}, {Name: 'tag:team', Values: ['vision']}]}))
      expect(Volumes.map(({Size, VolumeType, State}) => [Size, VolumeType, State])).to.deep.equal([[8, 'gp3', 'in-use']])
      expect((await errorOf(bench.ec2Client.send(new DeleteVolumeCommand({VolumeId: Volumes[0]?.VolumeId ?? ''}))))?.name).to.equal('VolumeInUse')
    }))
})

describe('bench: prices and quotas', () => {
  const usdOf = (entry: unknown): number => {
    const {terms} = JSON.parse(String(entry)) as {terms: {OnDemand: Record<string, {priceDimensions: Record<string, {pricePerUnit: {USD: string}}>}>}}
    return Number(Object.values(Object.values(terms.OnDemand)[0]!.priceDimensions)[0]!.pricePerUnit.USD)
  }

  async function withPricing(test: (client: PricingClient, bench: TestBench) => Promise<void>, region = 'us-east-1'): Promise<void> {
    await withBench({}, async (bench) => {
      const client = new PricingClient({...clientSettings(bench), region})
      await test(client, bench)
      client.destroy()
    })
  }

  it('has one price for on-demand Linux, and more for who forgets a filter', () =>
    withPricing(async (client) => {
      const ask = async (values: Readonly<Record<string, string>>): Promise<readonly unknown[]> =>
        (await client.send(new GetProductsCommand({ServiceCode: 'AmazonEC2', Filters: filters(values)}))).PriceList ?? []
      expect((await ask({...BY_PRICE, instanceType: 'g5.xlarge'})).map(usdOf)).to.deep.equal([1.006])
      const {capacitystatus: _, ...forgetful} = BY_PRICE
      expect(new Set((await ask({...forgetful, instanceType: 'g5.xlarge'})).map(usdOf))).to.deep.equal(new Set([1.006, 0]))
      expect(await ask({...BY_PRICE, instanceType: 'p9.big'})).to.deep.equal([])
    }))

  it('lists disks, what is paid for their performance, snapshots and addresses, with the region’s prefix', () =>
    withPricing(async (client) => {
      const ask = async (ServiceCode: string, values: Readonly<Record<string, string>>) => {
        const {PriceList} = await client.send(new GetProductsCommand({ServiceCode, Filters: filters(values)}))
        const entries: readonly unknown[] = PriceList ?? []
        return entries.map((entry) => {
          const {product} = JSON.parse(String(entry)) as {product: {productFamily?: string; attributes: Record<string, string>}}
          return [product.attributes['usagetype'], usdOf(entry), product.productFamily] as const
        })
      }
      const performance = await ask('AmazonEC2', {regionCode: 'us-east-1', productFamily: 'System Operation', volumeApiName: 'io2'})
      expect(performance.map(([usage, usd]) => [usage, usd])).to.deep.equal([['EBS:VolumeP-IOPS.io2', 0.065], ['EBS:VolumeP-IOPS.io2.tier2', 0.0455], ['EBS:VolumeP-IOPS.io2.tier3', 0.032]])
      expect(await ask('AmazonEC2', {regionCode: 'eu-central-1', productFamily: 'Provisioned Throughput'})).to.deep.equal([['EUC1-EBS:VolumeP-Throughput.gp3', 47.104, 'Provisioned Throughput']])
      expect((await ask('AmazonEC2', {regionCode: 'eu-west-1', productFamily: 'Storage Snapshot'})).map(([usage]) => usage)).to.include('EU-EBS:SnapshotUsage')
      const addresses = await ask('AmazonVPC', {regionCode: 'us-east-1', group: 'VPCPublicIPv4Address'})
      expect(addresses.map(([usage, usd, family]) => [usage, usd, family])).to.deep.include.members([['USE1-PublicIPv4:IdleAddress', 0.005, undefined], ['USE1-PublicIPv4:ContiguousBlock', 0.008, undefined]])
    }))

  it('gives products in pages', () =>
    withPricing(async (client) => {
      let count = 0
      for await (const {PriceList} of paginateGetProducts({client, pageSize: 5}, {ServiceCode: 'AmazonEC2', Filters: filters(BY_PRICE)})) count += PriceList?.length ?? 0
      expect(count).to.equal(13)
    }))

  it('has no endpoint for prices in most regions', () =>
    withPricing(async (client) => {
      expect((await errorOf(client.send(new GetProductsCommand({ServiceCode: 'AmazonEC2'}))))?.name).to.equal('UnknownEndpoint')
    }, 'us-west-2'))

  it('tells quotas, one and all', () =>
    withBench({}, async (bench) => {
      const client = new ServiceQuotasClient(clientSettings(bench))
      bench.world.quotas.set('L-DB2E81BA', 8)
      const {Quota} = await client.send(new GetServiceQuotaCommand({ServiceCode: 'ec2', QuotaCode: 'L-DB2E81BA'}))
      expect(Quota).to.deep.include({Value: 8, QuotaName: 'Running On-Demand G and VT instances'})
      const codes: string[] = []
      for await (const {Quotas} of paginateListServiceQuotas({client, pageSize: 4}, {ServiceCode: 'ec2'})) codes.push(...(Quotas ?? []).map(({QuotaCode = ''}) => QuotaCode))
      expect(codes).to.have.length(9)
      expect((await errorOf(client.send(new GetServiceQuotaCommand({ServiceCode: 'ec2', QuotaCode: 'L-0'}))))?.name).to.equal('NoSuchResourceException')
      client.destroy()
    }))
})
