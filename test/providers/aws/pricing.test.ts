import {DescribeInstancesCommand, DescribeSpotPriceHistoryCommand} from '@aws-sdk/client-ec2'
import {GetProductsCommand} from '@aws-sdk/client-pricing'
import {expect} from 'chai'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import type {Instance} from '../../../src/model/instance.js'
import {rejection} from '../../support/rejection.js'
import {awsError, awsMocks, ids, inputs} from './aws-mocks.js'

const [A = '', B = ''] = ids(2)
const instance = (more: Partial<Instance> = {}): Instance => ({
  id: A, platform: 'aws', name: null, state: 'running', stateReason: null, region: 'eu-west-1', instanceType: 'g5.xlarge', lifecycle: 'on-demand',
  createdAt: null, launchedAt: null, tags: {}, ...more,
})
const product = (...prices: string[]) => JSON.stringify({
  product: {attributes: {}},
  terms: {OnDemand: {sku: {priceDimensions: Object.fromEntries(prices.map((USD, at) => [at, {unit: 'Hrs', pricePerUnit: {USD}}]))}}},
})

describe('what an EC2 instance costs', () => {
  const aws = awsMocks()
  const {clock, ec2, pricing} = aws
  const price = (which = instance(), provider = aws.provider()) => provider.pricing.hourlyPrice(which)
  const file = () => join(aws.dataDir(), 'aws-prices.json')

  beforeEach(() => {
    pricing.on(GetProductsCommand).resolves({PriceList: [product('1.123')]})
    ec2.on(DescribeSpotPriceHistoryCommand).callsFake(async ({InstanceTypes}: {InstanceTypes: string[]}) => ({
      SpotPriceHistory: InstanceTypes.flatMap(InstanceType => [
        {InstanceType, AvailabilityZone: 'eu-west-1a', SpotPrice: '0.300000', Timestamp: new Date(2)},
        {InstanceType, AvailabilityZone: 'eu-west-1a', SpotPrice: '0.900000', Timestamp: new Date(1)},
        {InstanceType, AvailabilityZone: 'eu-west-1b', SpotPrice: '0.400000', Timestamp: new Date(2)},
      ]),
    }))
    ec2.on(DescribeInstancesCommand).callsFake(async ({InstanceIds}: {InstanceIds: string[]}) => ({
      Reservations: [{Instances: InstanceIds.map(InstanceId => ({InstanceId, State: {Name: 'running'}, Placement: {AvailabilityZone: InstanceId === A ? 'eu-west-1a' : 'eu-west-1b'}}))}],
    }))
  })

  it('is asked of the Pricing API for the region, once for many of a type', async () => {
    const provider = aws.provider()
    const prices = await Promise.all(ids(60).map(id => price(instance({id}), provider)))
    expect(prices[59]).to.deep.equal({usdPerHour: 1.123, source: 'pricing-api'})
    const filter = (Field: string, Value: string) => ({Type: 'TERM_MATCH', Field, Value})
    expect(inputs(pricing, GetProductsCommand)).to.deep.equal([{
      ServiceCode: 'AmazonEC2',
      MaxResults: 10,
      Filters: [
        filter('instanceType', 'g5.xlarge'), filter('regionCode', 'eu-west-1'), filter('operatingSystem', 'Linux'), filter('preInstalledSw', 'NA'),
        filter('tenancy', 'Shared'), filter('capacitystatus', 'Used'),
      ],
    }])
  })

  it('is kept for a week', async () => {
    await price()
    await price()
    clock.advance(6 * 86_400_000)
    await price()
    expect(inputs(pricing, GetProductsCommand)).to.have.length(1)
    clock.advance(2 * 86_400_000)
    await price()
    expect(inputs(pricing, GetProductsCommand)).to.have.length(2)
  })

  it('is asked for again where the kept prices are damaged', async () => {
    for (const text of ['{"version":1,"pri', '[]', '{"version":1,"prices":{"aws on-demand eu-west-1 g5.xlarge":{"usd":0,"at":1e15}}}', 'null']) {
      await writeFile(file(), text)
      expect((await price())?.usdPerHour).to.equal(1.123)
    }
    expect(JSON.parse(await readFile(file(), 'utf8')).version).to.equal(1)
  })

  for (const [what, list] of [['nothing', []], ['only zeros', [product('0.0000000000')]], ['what is no JSON', ['<html>']], ['an entry without terms', ['{}']]] as const) {
    it(`is null, and never 0, where the list holds ${what}`, async () => {
      pricing.on(GetProductsCommand).resolves({PriceList: list as never})
      expect(await price()).to.equal(null)
    })
  }

  it('is that of the dated table where it may not be asked for, and the question is put once', async () => {
    pricing.on(GetProductsCommand).rejects(awsError('AccessDeniedException', 'no', 403))
    const provider = aws.provider()
    expect(await price(instance(), provider)).to.deep.equal({usdPerHour: 1.123, source: 'built-in 2026-11'})
    expect(await price(instance({id: B}), provider)).to.deep.equal({usdPerHour: 1.123, source: 'built-in 2026-11'})
    expect(inputs(pricing, GetProductsCommand)).to.have.length(1)
  })

  it('is null where it may not be asked for and the table lacks the type or the region', async () => {
    pricing.on(GetProductsCommand).rejects(awsError('AccessDeniedException', 'no', 403))
    expect(await price(instance({instanceType: 'x9.huge'}))).to.equal(null)
    expect(await price(instance(), aws.provider({}, 'mars-north-1'))).to.equal(null)
  })

  it('is null, and not the table’s, where AWS answers that it lists none', async () => {
    pricing.on(GetProductsCommand).resolves({PriceList: []})
    expect(await price()).to.equal(null)
  })

  it('says since when it is kept', async () => {
    const asked = clock.now().toISOString()
    expect(await price()).to.not.have.property('asOf')
    clock.advance(86_400_000)
    expect(await price()).to.deep.equal({usdPerHour: 1.123, source: 'pricing-api', asOf: asked})
  })

  it('is that on demand for a spot instance too, where that is asked', async () => {
    const found = await aws.provider().pricing.onDemandPrice(instance({lifecycle: 'spot'}))
    expect(found).to.deep.equal({usdPerHour: 1.123, source: 'pricing-api'})
    expect(inputs(ec2, DescribeSpotPriceHistoryCommand)).to.deep.equal([])
  })

  it('takes the zone that the instance names, and asks nobody for it', async () => {
    expect((await price(instance({lifecycle: 'spot', zone: 'eu-west-1b'})))?.usdPerHour).to.equal(0.4)
    expect(inputs(ec2, DescribeInstancesCommand)).to.deep.equal([])
  })

  it('is that of the zone for spot, the newest, for several types in one call', async () => {
    const provider = aws.provider()
    const spot = (id: string, instanceType: string) => price(instance({id, instanceType, lifecycle: 'spot'}), provider)
    const prices = await Promise.all([spot(A, 'g5.xlarge'), spot(B, 'g5.xlarge'), spot(A, 'p3.2xlarge')])
    expect(prices.map(found => found?.usdPerHour)).to.deep.equal([0.3, 0.4, 0.3])
    expect(prices[0]?.source).to.equal('spot-history')
    expect(inputs(ec2, DescribeSpotPriceHistoryCommand)).to.deep.equal([{
      InstanceTypes: ['g5.xlarge', 'p3.2xlarge'], ProductDescriptions: ['Linux/UNIX'], StartTime: clock.now(), EndTime: clock.now(),
    }])
    expect(inputs(pricing, GetProductsCommand)).to.deep.equal([])
  })

  it('is kept for an hour for spot', async () => {
    const spot = instance({lifecycle: 'spot'})
    await price(spot)
    clock.advance(3_500_000)
    await price(spot)
    expect(inputs(ec2, DescribeSpotPriceHistoryCommand)).to.have.length(1)
    clock.advance(200_000)
    await price(spot)
    expect(inputs(ec2, DescribeSpotPriceHistoryCommand)).to.have.length(2)
  })

  it('is given up when the call is cancelled', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    expect(await rejection(aws.provider().pricing.hourlyPrice(instance(), {signal}))).to.equal(signal.reason)
  })
})

describe('what a gigabyte in S3 costs a month', () => {
  const aws = awsMocks()
  const {clock, pricing} = aws
  const stored = (...tiers: readonly (readonly [begin: string, usd: string])[]) => JSON.stringify({
    terms: {OnDemand: {sku: {priceDimensions: Object.fromEntries(tiers.map(([beginRange, USD], at) => [at, {unit: 'GB-Mo', beginRange, pricePerUnit: {USD}}]))}}},
  })
  const answers = (...list: string[]) => pricing.on(GetProductsCommand).resolves({PriceList: list as never})

  it('is that of the first tier of the region, for 10^9 bytes where AWS bills 2^30', async () => {
    answers(stored(['0', '0.0230000000'], ['51200', '0.0220000000']))
    const price = await aws.provider().pricing.storePrice()
    expect(price?.source).to.equal('pricing-api')
    expect(price?.usdPerGbMonth).to.be.closeTo(0.02142, 0.00001)
    const filter = (Field: string, Value: string) => ({Type: 'TERM_MATCH', Field, Value})
    expect(inputs(pricing, GetProductsCommand)).to.deep.equal([{
      ServiceCode: 'AmazonS3', MaxResults: 10,
      Filters: [filter('regionCode', 'eu-west-1'), filter('productFamily', 'Storage'), filter('storageClass', 'General Purpose'), filter('volumeType', 'Standard')],
    }])
  })

  it('is kept for a week', async () => {
    answers(stored(['0', '0.03']))
    await aws.provider().pricing.storePrice()
    clock.advance(6 * 86_400_000)
    expect(((await aws.provider().pricing.storePrice())?.usdPerGbMonth ?? 0) * 2 ** 30 / 1e9).to.be.closeTo(0.03, 1e-9)
    expect(inputs(pricing, GetProductsCommand)).to.have.length(1)
  })

  it('is that of the dated table where it may not be asked for or the list has none, and unknown in a region that is not in it', async () => {
    answers(stored(['51200', '0.02']), '<html>')
    const provider = aws.provider()
    expect((await provider.pricing.storePrice())?.source).to.equal('built-in 2026-11')
    pricing.on(GetProductsCommand).rejects(awsError('AccessDeniedException', 'no', 403))
    expect(((await aws.provider().pricing.storePrice())?.usdPerGbMonth ?? 0) * 2 ** 30 / 1e9).to.be.closeTo(0.023, 1e-9)
    expect(await aws.provider({}, 'mars-north-1').pricing.storePrice()).to.equal(null)
  })
})
