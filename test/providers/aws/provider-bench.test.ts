import {expect} from 'chai'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import type {Provider} from '../../../src/providers/provider.js'
import {awsPlatform} from '../../../src/providers/aws/aws-platform.js'
import {startAwsBench, type AwsBench} from '../../bench/index.js'
import {expectedFailure} from '../../support/rejection.js'
import {RunctlError} from '../../../src/model/errors.js'

describe('the aws platform, against an AWS that misbehaves', function () {
  this.timeout(60_000)
  let dataDir: string
  let bench: AwsBench
  const provider = (): Promise<Provider> => awsPlatform.create({dataDir, env: bench.env, settings: {}, RunctlError})
  const request = (requestId: string) => ({requestId, tags: {}})
  const madeBy = (requestId: string) => [...bench.world.instances.values()].filter(({tags}) => tags.get('runctl:create-request') === requestId)

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'runctl-'))
    bench = await startAwsBench({kind: 'folders'})
  })
  afterEach(async () => {
    await bench.close()
    await rm(dataDir, {recursive: true})
  })

  it('makes one instance although the answer is lost', async () => {
    bench.inject({operation: 'RunInstances', kind: 'lost-response', times: 1})
    const {id} = await (await provider()).createInstance(request('lost-1'))
    expect(madeBy('lost-1').map(made => made.id)).to.deep.equal([id])
  })

  it('finds the instance again where every answer was lost and the process ended', async () => {
    const remove = bench.inject({operation: 'RunInstances', kind: 'lost-response'})
    const error = await expectedFailure((await provider()).createInstance(request('lost-2')))
    expect(error.details['uncertain']).to.equal(true)
    remove()
    const {id} = await (await provider()).createInstance(request('lost-2'))
    expect(madeBy('lost-2').map(made => made.id)).to.deep.equal([id])
  })

  it('goes to another zone at once where there is no capacity', async () => {
    bench.inject({operation: 'RunInstances', kind: 'error', code: 'InsufficientInstanceCapacity', status: 500, times: 1})
    await (await provider()).createInstance(request('full'))
    expect(bench.calls.count('RunInstances')).to.equal(2)
  })

  it('waits out throttling', async () => {
    bench.inject({operation: 'DescribeInstances', kind: 'error', code: 'RequestLimitExceeded', status: 503, times: 3})
    const id = await bench.addInstance()
    const found: string[] = []
    for await (const instance of (await provider()).describeInstances({ids: [id]})) found.push(instance.id)
    expect(found).to.deep.equal([id])
  })

  it('stops and terminates sixty with a call each, and one description', async () => {
    const ids = await Promise.all(Array.from({length: 60}, () => bench.addInstance()))
    const aws = await provider()
    bench.calls.reset()
    await Promise.all(ids.map(id => aws.stopInstance(id)))
    await Promise.all(ids.map(id => aws.terminateInstance(id)))
    expect(['DescribeInstances', 'StopInstances', 'TerminateInstances'].map(operation => bench.calls.count(operation))).to.deep.equal([1, 1, 1])
  })

  it('knows the prices', async () => {
    const aws = await provider()
    const instance = await aws.createInstance(request('price'))
    const price = await aws.pricing?.hourlyPrice(instance)
    expect(price?.source).to.equal('pricing-api')
    expect(price?.usdPerHour).to.be.greaterThan(0)
    const spot = await aws.createInstance({...request('spot'), options: {spot: true}})
    expect(spot.lifecycle).to.equal('spot')
    expect((await aws.pricing?.hourlyPrice(spot))?.source).to.equal('spot-history')
  })

  it('plans a create on a GPU type, and makes nothing', async () => {
    const plan = await (await provider()).planCreate?.({...request('plan'), instanceType: 'g5.xlarge'})
    expect(plan?.settings['image']).to.match(/Deep Learning Base/)
    expect(plan?.usdPerHour).to.be.greaterThan(0)
    expect(bench.world.instances.size).to.equal(0)
  })

  it('makes one call of each kind for a create', async () => {
    await (await provider()).createInstance(request('calls'))
    const operations = bench.calls.list().map(({operation}) => operation).sort()
    expect(operations).to.deep.equal([
      'CreateSecurityGroup', 'DescribeImages', 'DescribeInstanceTypes', 'DescribeInstances', 'DescribeSecurityGroups', 'DescribeSubnets', 'GetParameters', 'RunInstances',
    ])
  })
})
