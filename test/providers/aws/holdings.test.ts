import {
  DeleteSnapshotCommand, DeleteVolumeCommand, DescribeAddressesCommand, DescribeRegionsCommand, DescribeSnapshotsCommand, DescribeVolumesCommand, ReleaseAddressCommand,
} from '@aws-sdk/client-ec2'
import {GetProductsCommand} from '@aws-sdk/client-pricing'
import {expect} from 'chai'

import type {Holding, HoldingKind} from '../../../src/providers/provider.js'
import {expectedFailure} from '../../support/rejection.js'
import {awsError, awsMocks, inputs} from './aws-mocks.js'

const Tags = [{Key: 'Name', Value: 'data'}, {Key: 'runctl:created-by', Value: 'runctl 1'}]
const made = new Date('2026-10-01T00:00:00Z')

describe('what EC2 bills besides instances', () => {
  const aws = awsMocks()
  const {ec2, pricing} = aws
  async function list(...kinds: HoldingKind[]): Promise<readonly Holding[]> {
    const found: Holding[] = []
    for await (const holding of aws.provider().holdings.list(kinds)) found.push(holding)
    return found
  }

  beforeEach(() => {
    // The dated table answers: gp3 0.088, snapshots 0.05 a GiB, addresses 0.005 an hour.
    pricing.on(GetProductsCommand).rejects(awsError('AccessDeniedException', 'no', 403))
  })

  it('lists disks with what they are attached to, page by page', async () => {
    const attached = {InstanceId: 'i-1', DeleteOnTermination: true}
    ec2.on(DescribeVolumesCommand)
      .resolvesOnce({Volumes: [{VolumeId: 'vol-1', Size: 1000, VolumeType: 'gp3', State: 'in-use', CreateTime: made, Tags, Attachments: [attached]}], NextToken: 'more'})
      .resolvesOnce({Volumes: [{VolumeId: 'vol-2', Size: 10, VolumeType: 'sc1', State: 'available'}]})
    expect(await list('volume')).to.deep.equal([
      {
        id: 'vol-1', kind: 'volume', name: 'data', region: 'eu-west-1', state: 'in-use', sizeGib: 1000, type: 'gp3', createdAt: made.toISOString(), attachedTo: 'i-1',
        goesWithInstance: true, usdPerMonth: 88, priceSource: 'built-in 2026-11', tags: {Name: 'data', 'runctl:created-by': 'runctl 1'},
      },
      {
        id: 'vol-2', kind: 'volume', name: null, region: 'eu-west-1', state: 'available', sizeGib: 10, type: 'sc1', createdAt: null, attachedTo: null,
        goesWithInstance: false, usdPerMonth: null, priceSource: null, tags: {},
      },
    ])
    expect(inputs(ec2, DescribeVolumesCommand)).to.deep.equal([{MaxResults: 1000}, {MaxResults: 1000, NextToken: 'more'}])
  })

  it('lists this account’s own snapshots, priced by what was written where EC2 tells that', async () => {
    ec2.on(DescribeSnapshotsCommand)
      .resolvesOnce({Snapshots: [{SnapshotId: 'snap-1', VolumeSize: 100, State: 'completed', StorageTier: 'standard', StartTime: made, Tags}], NextToken: 'more'})
      .resolvesOnce({Snapshots: [{SnapshotId: 'snap-2', VolumeSize: 100, FullSnapshotSizeInBytes: 20 * 2 ** 30}, {SnapshotId: 'snap-3', VolumeSize: 8, StorageTier: 'archive'}]})
    const found = await list('snapshot')
    expect(found.map(({id, usdPerMonth}) => [id, usdPerMonth])).to.deep.equal([['snap-1', 5], ['snap-2', 1], ['snap-3', null]])
    expect(found[0]).to.include({name: 'data', state: 'completed', type: 'standard', sizeGib: 100, createdAt: made.toISOString(), attachedTo: null})
    expect(inputs(ec2, DescribeSnapshotsCommand)).to.deep.equal([{OwnerIds: ['self'], MaxResults: 1000}, {OwnerIds: ['self'], MaxResults: 1000, NextToken: 'more'}])
  })

  it('lists addresses, and takes one of a network interface for used', async () => {
    ec2.on(DescribeAddressesCommand).resolves({Addresses: [
      {AllocationId: 'eipalloc-1', PublicIp: '198.51.100.1', Tags},
      {AllocationId: 'eipalloc-2', PublicIp: '198.51.100.2', AssociationId: 'eipassoc-2', InstanceId: 'i-1'},
      {AllocationId: 'eipalloc-3', PublicIp: '198.51.100.3', AssociationId: 'eipassoc-3', NetworkInterfaceId: 'eni-1'},
    ]})
    const found = await list('address')
    expect(found.map(({attachedTo, id, name, state}) => [id, name, state, attachedTo])).to.deep.equal([
      ['eipalloc-1', 'data', 'available', null], ['eipalloc-2', '198.51.100.2', 'associated', 'i-1'], ['eipalloc-3', '198.51.100.3', 'associated', null],
    ])
    expect(found[0]?.usdPerMonth).to.be.closeTo(3.65, 1e-9)
    expect(inputs(ec2, DescribeAddressesCommand)).to.deep.equal([{}])
  })

  it('asks the price of an address of the VPC list, and passes over contiguous blocks', async () => {
    ec2.on(DescribeAddressesCommand).resolves({Addresses: [{AllocationId: 'eipalloc-1'}]})
    const entry = (usagetype: string, USD: string) => JSON.stringify({product: {attributes: {usagetype}}, terms: {OnDemand: {a: {priceDimensions: {b: {unit: 'Hrs', pricePerUnit: {USD}}}}}}})
    pricing.on(GetProductsCommand).resolves({PriceList: [entry('EU-PublicIPv4:ContiguousBlock', '0.008'), entry('EU-PublicIPv4:InUseAddress', '0.006'), entry('EU-PublicIPv4:IdleAddress', '0.006')] as never})
    const [found] = await list('address')
    expect(found?.usdPerMonth).to.be.closeTo(0.006 * 730, 1e-9)
    expect(found?.priceSource).to.equal('pricing-api')
    expect(inputs(pricing, GetProductsCommand)).to.deep.equal([{
      ServiceCode: 'AmazonVPC', MaxResults: 100,
      Filters: [{Type: 'TERM_MATCH', Field: 'regionCode', Value: 'eu-west-1'}, {Type: 'TERM_MATCH', Field: 'group', Value: 'VPCPublicIPv4Address'}],
    }])
  })

  it('asks for the wanted kinds alone, each once', async () => {
    ec2.on(DescribeAddressesCommand).resolves({})
    ec2.on(DescribeVolumesCommand).resolves({})
    expect(await list('address', 'volume', 'address')).to.deep.equal([])
    expect([inputs(ec2, DescribeAddressesCommand), inputs(ec2, DescribeVolumesCommand), inputs(ec2, DescribeSnapshotsCommand)].map(({length}) => length)).to.deep.equal([1, 1, 0])
  })

  it('deletes by id', async () => {
    ec2.on(DeleteVolumeCommand).resolves({}).on(DeleteSnapshotCommand).resolves({}).on(ReleaseAddressCommand).resolves({})
    const {holdings} = aws.provider()
    await holdings.delete({kind: 'volume', id: 'vol-1'})
    await holdings.delete({kind: 'snapshot', id: 'snap-1'})
    await holdings.delete({kind: 'address', id: 'eipalloc-1'})
    expect(inputs(ec2, DeleteVolumeCommand)).to.deep.equal([{VolumeId: 'vol-1'}])
    expect(inputs(ec2, DeleteSnapshotCommand)).to.deep.equal([{SnapshotId: 'snap-1'}])
    expect(inputs(ec2, ReleaseAddressCommand)).to.deep.equal([{AllocationId: 'eipalloc-1'}])
  })

  const CASES = [
    ['volume', DeleteVolumeCommand, 'InvalidVolume.NotFound', 'VolumeInUse'],
    ['snapshot', DeleteSnapshotCommand, 'InvalidSnapshot.NotFound', 'InvalidSnapshot.InUse'],
    ['address', ReleaseAddressCommand, 'InvalidAllocationID.NotFound', 'InvalidIPAddress.InUse'],
  ] as readonly (readonly [kind: HoldingKind, command: unknown, gone: string, used: string])[]
  for (const [kind, command, gone, used] of CASES) {
    it(`takes a ${kind} that is gone for deleted, and refuses one that is in use`, async () => {
      ec2.on(command as typeof DeleteVolumeCommand).rejects(awsError(gone))
      await aws.provider().holdings.delete({kind, id: 'x'})
      ec2.on(command as typeof DeleteVolumeCommand).rejects(awsError(used))
      expect((await expectedFailure(aws.provider().holdings.delete({kind, id: 'x'}))).code).to.equal('wrong_state')
    })
  }
})

describe('the regions of an AWS account', () => {
  const aws = awsMocks()
  const {ec2} = aws

  it('are those that are enabled, by name', async () => {
    ec2.on(DescribeRegionsCommand).resolves({Regions: [{RegionName: 'us-east-1'}, {RegionName: 'eu-west-1'}]})
    expect(await aws.provider().regions()).to.deep.equal(['eu-west-1', 'us-east-1'])
    expect(inputs(ec2, DescribeRegionsCommand)).to.deep.equal([{AllRegions: false}])
  })

  it('have a provider each, whose region goes before that of the environment', async () => {
    const elsewhere = aws.provider({region: 'eu-west-3'}).inRegion('us-west-2')
    expect((await elsewhere.lookedIn()).place).to.match(/^us-west-2 /)
    expect(elsewhere.name).to.equal('aws')
    expect(() => aws.provider().inRegion('us-west-2.evil.example/')).to.throw(/not the name of an AWS region/)
  })
})
