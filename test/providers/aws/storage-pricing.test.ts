import {DescribeVolumesCommand, type Volume} from '@aws-sdk/client-ec2'
import {GetProductsCommand} from '@aws-sdk/client-pricing'
import {expect} from 'chai'

import {billedItems} from '../../../src/providers/aws/pricing/volume-cost.js'
import {awsError, awsMocks, ids, inputs} from './aws-mocks.js'

const entry = (usagetype: string, unit: string, USD: string) =>
  JSON.stringify({product: {attributes: {usagetype}}, terms: {OnDemand: {a: {priceDimensions: {b: {unit, beginRange: '0', pricePerUnit: {USD}}}}}}})
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  'Storage': [
    entry('EU-EBS:VolumeUsage.gp3', 'GB-Mo', '0.088'), entry('EU-EBS:VolumeUsage.gp3.outposts', 'GB-Mo', '0.01'), entry('EU-EBS:VolumeUsage', 'GB-Mo', '0.055'),
    entry('EU-EBS:VolumeUsage.gp2', 'GB-Mo', '0.11'), entry('EU-EBS:VolumeUsage.io2', 'GB-Mo', '0.138'), entry('EU-EBS:VolumeUsage.piops', 'GB-Mo', '0.139'),
    entry('EU-EBS:VolumeUsage.st1', 'GB-Mo', '0.05'), entry('EU-EBS:VolumeUsage.sc1', 'GB-Mo', '0.0168'),
  ],
  'System Operation': [
    entry('EU-EBS:VolumeP-IOPS.gp3', 'IOPS-Mo', '0.0055'), entry('EU-EBS:VolumeP-IOPS.piops', 'IOPS-Mo', '0.072'), entry('EU-EBS:VolumeP-IOPS.io2', 'IOPS-Mo', '0.07'),
    entry('EU-EBS:VolumeP-IOPS.io2.tier2', 'IOPS-Mo', '0.05'), entry('EU-EBS:VolumeP-IOPS.io2.tier3', 'IOPS-Mo', '0.03'), entry('EU-EBS:VolumeIOUsage', 'IOs', '0.00000005'),
  ],
  'Provisioned Throughput': [entry('EU-EBS:VolumeP-Throughput.gp3', 'GiBps-mo', '45.056')],
}
const [A = '', B = '', C = ''] = ids(3)
const disk = (InstanceId: string, VolumeType: string, Size: number, more: Partial<Volume> = {}): Volume =>
  ({VolumeId: 'vol-1', VolumeType: VolumeType as 'gp3', Size, Attachments: [{InstanceId}], ...more})

describe('what the disks of instances cost a month', () => {
  const aws = awsMocks()
  const {clock, ec2, pricing} = aws
  const families = () => inputs(pricing, GetProductsCommand).map(({Filters = []}) => Filters.find(({Field}) => Field === 'productFamily')?.Value)

  beforeEach(() => {
    pricing.on(GetProductsCommand).callsFake(async ({Filters}: {Filters: {Field: string; Value: string}[]}) => ({
      PriceList: FAMILIES[Filters.find(({Field}) => Field === 'productFamily')?.Value ?? ''] ?? [],
    }))
  })
  const volumes = (...list: Volume[]) => ec2.on(DescribeVolumesCommand).resolves({Volumes: list})

  it('is asked by the instances’ ids, and priced by one question for all types', async () => {
    volumes(disk(A, 'gp3', 100, {Iops: 3000, Throughput: 125}), disk(A, 'gp2', 50, {Iops: 150}), disk(B, 'standard', 10))
    const found = await aws.provider().pricing.diskPrices([A, B, C, A])
    expect(inputs(ec2, DescribeVolumesCommand)).to.deep.equal([{MaxResults: 1000, Filters: [{Name: 'attachment.instance-id', Values: [A, B, C]}]}])
    const filter = (Field: string, Value: string) => ({Type: 'TERM_MATCH', Field, Value})
    expect(inputs(pricing, GetProductsCommand)).to.deep.equal([
      {ServiceCode: 'AmazonEC2', MaxResults: 100, Filters: [filter('regionCode', 'eu-west-1'), filter('productFamily', 'Storage')]},
    ])
    expect(found.get(A)?.usdPerMonth).to.be.closeTo(100 * 0.088 + 50 * 0.11, 1e-9)
    expect(found.get(A)).to.include({gib: 150, source: 'pricing-api'})
    expect(found.get(B)?.usdPerMonth).to.be.closeTo(0.55, 1e-9)
    expect([...found.keys()]).to.deep.equal([A, B])
  })

  it('counts performance beyond what is in the price', async () => {
    volumes(
      disk(A, 'gp3', 100, {Iops: 5000, Throughput: 325}), disk(B, 'io2', 10, {Iops: 70_000}), disk(C, 'io1', 10, {Iops: 200}),
    )
    const found = await aws.provider().pricing.diskPrices([A, B, C])
    expect(found.get(A)?.usdPerMonth).to.be.closeTo(8.8 + 2000 * 0.0055 + 200 * 0.044, 1e-9)
    expect(found.get(B)?.usdPerMonth).to.be.closeTo(1.38 + 32_000 * 0.07 + 32_000 * 0.05 + 6000 * 0.03, 1e-9)
    expect(found.get(C)?.usdPerMonth).to.be.closeTo(1.39 + 200 * 0.072, 1e-9)
    expect(families()).to.have.members(['Storage', 'System Operation', 'Provisioned Throughput'])
  })

  it('is kept for a week, and says since when', async () => {
    volumes(disk(A, 'gp3', 100))
    const asked = clock.now().toISOString()
    await aws.provider().pricing.diskPrices([A])
    clock.advance(86_400_000)
    expect((await aws.provider().pricing.diskPrices([A])).get(A)?.asOf).to.equal(asked)
    expect(families()).to.have.length(1)
    clock.advance(7 * 86_400_000)
    expect((await aws.provider().pricing.diskPrices([A])).get(A)).to.not.have.property('asOf')
  })

  it('is asked in batches of two hundred instances, and each in pages', async () => {
    const many = ids(450)
    ec2.on(DescribeVolumesCommand).callsFake(async ({Filters, NextToken}: {Filters: {Values: string[]}[]; NextToken?: string}) => {
      const {Values} = Filters[0]!
      return NextToken ? {Volumes: [disk(Values[1]!, 'gp3', 10)]} : {Volumes: [disk(Values[0]!, 'gp3', 10)], NextToken: 'more'}
    })
    const found = await aws.provider().pricing.diskPrices(many)
    expect([...found.keys()]).to.have.members([many[0], many[1], many[200], many[201], many[400], many[401]])
    const sizes = inputs(ec2, DescribeVolumesCommand).map(({Filters = []}) => Filters[0]?.Values?.length)
    expect(sizes.sort()).to.deep.equal([200, 200, 200, 200, 50, 50])
  })

  it('leaves out an instance one of whose disks has no known price', async () => {
    volumes(disk(A, 'gp3', 100), disk(A, 'gp9', 1), disk(B, 'gp3', 1), disk(C, 'io2', 10))
    expect([...(await aws.provider().pricing.diskPrices([A, B, C])).keys()]).to.deep.equal([B])
  })

  it('is that of the dated table where AWS does not answer, but for what is not in it', async () => {
    pricing.on(GetProductsCommand).rejects(awsError('AccessDeniedException', 'no', 403))
    volumes(disk(A, 'gp3', 1000), disk(B, 'gp3', 100, {Iops: 4000}), disk(C, 'st1', 100))
    const found = await aws.provider().pricing.diskPrices([A, B, C])
    expect(found.get(A)).to.deep.equal({usdPerMonth: 88, gib: 1000, source: 'built-in 2026-11'})
    expect([...found.keys()]).to.deep.equal([A])
  })

  it('is unknown for all where the disks may not be seen', async () => {
    ec2.on(DescribeVolumesCommand).rejects(awsError('UnauthorizedOperation', 'no', 403))
    expect((await aws.provider().pricing.diskPrices([A])).size).to.equal(0)
  })

  it('leaves nothing to ask where there is no instance', async () => {
    expect((await aws.provider().pricing.diskPrices([])).size).to.equal(0)
  })
})

describe('what of a disk is billed', () => {
  const facts = {gib: 100, iops: null, throughput: null}
  it('is its size alone where the type has no performance to pay for', () => {
    for (const type of ['gp2', 'st1', 'sc1', 'standard']) expect(billedItems({...facts, type, iops: 300})).to.deep.equal([[type, 100]])
  })

  it('is unknown for a type that is not known, and for provisioned operations that are not told', () => {
    for (const type of ['gp9', '', 'snapshot', 'gp3-iops', 'io1', 'io2']) expect(billedItems({...facts, type}), type).to.equal(null)
  })
})
