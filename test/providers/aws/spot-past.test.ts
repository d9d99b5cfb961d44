import {DescribeInstancesCommand, DescribeSpotPriceHistoryCommand} from '@aws-sdk/client-ec2'
import {expect} from 'chai'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import type {Instance} from '../../../src/model/instance.js'
import {rejection} from '../../support/rejection.js'
import {awsError, awsMocks, ids, inputs} from './aws-mocks.js'

const HOUR_MS = 3_600_000
const [A = '', B = ''] = ids(2)
const spot = (more: Partial<Instance> = {}): Instance => ({
  id: A, platform: 'aws', name: null, state: 'running', stateReason: null, region: 'eu-west-1', zone: 'eu-west-1a', instanceType: 'g5.xlarge', lifecycle: 'spot',
  createdAt: null, launchedAt: null, tags: {}, ...more,
})

describe('what a spot instance cost over time', () => {
  const aws = awsMocks()
  const {clock, ec2} = aws
  const asked = () => inputs(ec2, DescribeSpotPriceHistoryCommand)
  /** Hours before now. */
  const ago = (hours: number): Date => new Date(clock.now().getTime() - hours * HOUR_MS)
  let prices: readonly (readonly [at: Date, usd: string])[]

  beforeEach(() => {
    prices = [[ago(100), '0.3'], [ago(50), '0.4'], [ago(30), '0.5'], [ago(10), '0.6'], [ago(0.5), '0.7']]
    ec2.on(DescribeSpotPriceHistoryCommand).callsFake(async ({EndTime, StartTime}: {EndTime: Date; StartTime: Date}) => {
      const inForce = prices.filter(([at]) => at <= StartTime).at(-1)?.[0] ?? StartTime
      return {SpotPriceHistory: prices.filter(([at]) => at >= inForce && at <= EndTime).reverse().map(([Timestamp, SpotPrice]) => ({Timestamp, SpotPrice}))}
    })
  })

  it('begins with the price in force, then has each change, oldest first', async () => {
    const found = await aws.provider().pricing.priceHistory(spot(), ago(40), ago(5))
    expect(found).to.deep.equal([
      {from: ago(40).toISOString(), usdPerHour: 0.4}, {from: ago(30).toISOString(), usdPerHour: 0.5}, {from: ago(10).toISOString(), usdPerHour: 0.6},
    ])
    expect(asked()).to.deep.equal([{
      InstanceTypes: ['g5.xlarge'], AvailabilityZone: 'eu-west-1a', ProductDescriptions: ['Linux/UNIX'], StartTime: ago(40), EndTime: ago(5), MaxResults: 1000,
    }])
  })

  it('is read page by page', async () => {
    ec2.on(DescribeSpotPriceHistoryCommand)
      .resolvesOnce({SpotPriceHistory: [{Timestamp: ago(3), SpotPrice: '0.2'}], NextToken: 'more'})
      .resolvesOnce({SpotPriceHistory: [{Timestamp: ago(9), SpotPrice: '0.1'}], NextToken: ''})
    const found = await aws.provider().pricing.priceHistory(spot(), ago(8), ago(1))
    expect(found?.map(({usdPerHour}) => usdPerHour)).to.deep.equal([0.1, 0.2])
    expect(asked().map(({NextToken}) => NextToken)).to.deep.equal([undefined, 'more'])
  })

  it('is asked once for all instances of a type in a zone, for the widest time', async () => {
    const {pricing} = aws.provider()
    const [first, second] = await Promise.all([
      pricing.priceHistory(spot(), ago(40), ago(0)), pricing.priceHistory(spot({id: B}), ago(60), ago(20)),
      ...ids(50).map(id => pricing.priceHistory(spot({id}), ago(20), ago(1))),
    ])
    expect(asked().map(({EndTime, StartTime}) => [StartTime, EndTime])).to.deep.equal([[ago(60), ago(0)]])
    expect(first?.map(({usdPerHour}) => usdPerHour)).to.deep.equal([0.4, 0.5, 0.6, 0.7])
    expect(second).to.deep.equal([
      {from: ago(60).toISOString(), usdPerHour: 0.3}, {from: ago(50).toISOString(), usdPerHour: 0.4}, {from: ago(30).toISOString(), usdPerHour: 0.5},
    ])
  })

  it('is kept where it is older than an hour; the rest alone is asked for again', async () => {
    const whole = await aws.provider().pricing.priceHistory(spot(), ago(40), ago(0))
    const again = await aws.provider().pricing.priceHistory(spot(), ago(40), ago(0))
    expect(again).to.deep.equal(whole)
    expect(asked()[1]).to.include({MaxResults: 1000}).and.deep.include({StartTime: ago(1), EndTime: ago(0)})
    await aws.provider().pricing.priceHistory(spot(), ago(35), ago(2))
    expect(asked()).to.have.length(2)
  })

  it('is known of a time that EC2 has forgotten, once it was asked', async () => {
    const [from, to] = [ago(40), ago(2)]
    const whole = await aws.provider().pricing.priceHistory(spot(), from, to)
    prices = []
    clock.advance(100 * 24 * HOUR_MS)
    expect(await aws.provider().pricing.priceHistory(spot(), from, to)).to.deep.equal(whole)
  })

  it('begins later where the price at the start is not known', async () => {
    const found = await aws.provider().pricing.priceHistory(spot(), ago(200), ago(60))
    expect(found).to.deep.equal([{from: ago(100).toISOString(), usdPerHour: 0.3}])
  })

  it('is asked for again where what is kept is damaged', async () => {
    const key = 'aws eu-west-1a g5.xlarge'
    for (const history of [null, {from: 0, to: 9e15, changes: [[0, 0]]}, {from: 0, to: 9e15, changes: 'x'}, {from: '0', to: 9e15, changes: []}]) {
      await writeFile(join(aws.dataDir(), 'aws-spot-history.json'), JSON.stringify({version: 1, histories: {[key]: history}}))
      expect(await aws.provider().pricing.priceHistory(spot(), ago(5), ago(4))).to.deep.equal([{from: ago(5).toISOString(), usdPerHour: 0.6}])
    }
  })

  it('is null for what is not spot, what has no zone, and where AWS does not answer', async () => {
    const history = (instance: Instance) => aws.provider().pricing.priceHistory(instance, ago(5), ago(4))
    expect(await history(spot({lifecycle: 'on-demand'}))).to.equal(null)
    const {zone: _, ...nowhere} = spot()
    ec2.on(DescribeInstancesCommand).resolves({Reservations: []})
    expect(await history(nowhere)).to.equal(null)
    prices = []
    expect(await history(spot())).to.equal(null)
    ec2.on(DescribeSpotPriceHistoryCommand).rejects(awsError('UnauthorizedOperation', 'no', 403))
    expect(await history(spot({zone: 'eu-west-1b'}))).to.equal(null)
  })

  it('is given up when the call is cancelled', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    expect(await rejection(aws.provider().pricing.priceHistory(spot(), ago(5), ago(4), {signal}))).to.equal(signal.reason)
  })
})
