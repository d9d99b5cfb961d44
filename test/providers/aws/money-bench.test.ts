import {expect} from 'chai'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import type {Instance} from '../../../src/model/instance.js'
import {awsPlatform} from '../../../src/providers/aws/aws-platform.js'
import type {Holding, InstanceQuery, Provider} from '../../../src/providers/provider.js'
import {startAwsBench, type AwsBench} from '../../bench/index.js'
import {recordedMachines} from '../../bench-self/with-bench.js'
import {expectedFailure} from '../../support/rejection.js'
import {RunctlError} from '../../../src/model/errors.js'

const HOUR_MS = 3_600_000

async function all<T>(things: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = []
  for await (const thing of things) found.push(thing)
  return found
}

describe('what AWS charges, against an account of the bench', function () {
  this.timeout(60_000)
  let dataDir: string
  let bench: AwsBench

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'runctl-'))
    bench = await startAwsBench({machines: recordedMachines()})
  })
  afterEach(async () => {
    await bench.close()
    await rm(dataDir, {recursive: true})
  })

  const provider = (): Promise<Provider> => awsPlatform.create({dataDir, env: bench.env, settings: {}, RunctlError})
  const find = async (from: Provider, query: InstanceQuery): Promise<readonly Instance[]> => all(from.describeInstances(query))
  async function only(from: Provider, id: string): Promise<Instance> {
    const [found] = await find(from, {ids: [id]})
    if (!found) throw new Error(`no ${id}`)
    return found
  }

  it('is the spot price as it went in the zone of the instance, asked once and kept', async () => {
    const start = Math.floor(Date.now() / 1000) * 1000 - 60 * HOUR_MS
    const at = (hours: number): Date => new Date(start + hours * HOUR_MS)
    for (const [hours, usd] of [[5, 0.5], [20, 0.6], [59.5, 0.9]] as const) bench.setSpotPrice({type: 'g5.xlarge', zone: 'us-east-1b', usd, at: at(hours)})
    bench.setSpotPrice({type: 'g5.xlarge', zone: 'us-east-1a', usd: 9, at: at(6)})
    const [id = ''] = bench.addMany(1, () => ({type: 'g5.xlarge', spot: 'one-time', zone: 'us-east-1b', at: at(1)}))
    const ask = async () => {
      const aws = await provider()
      return aws.pricing?.priceHistory?.(await only(aws, id), at(10), at(60))
    }
    const wanted = [{from: at(10).toISOString(), usdPerHour: 0.5}, {from: at(20).toISOString(), usdPerHour: 0.6}, {from: at(59.5).toISOString(), usdPerHour: 0.9}]
    expect(await ask()).to.deep.equal(wanted)
    expect(await ask()).to.deep.equal(wanted)
    expect(bench.calls.list().filter(({operation}) => operation === 'DescribeSpotPriceHistory')).to.have.length(2)
    // All that is older than an hour is kept: without a right it is still known.
    bench.world.deny('ec2:DescribeSpotPriceHistory')
    const aws = await provider()
    expect(await aws.pricing?.priceHistory?.(await only(aws, id), at(10), at(58))).to.deep.equal(wanted.slice(0, 2))
  })

  it('is every disk by size, type and performance, in the prices of the region', async () => {
    const disks = [{gib: 100, iops: 5000, throughput: 325}, {gib: 500, type: 'gp2'}, {gib: 1000, type: 'st1'}, {gib: 50, type: 'io2', iops: 40_000}]
    const [home = ''] = bench.addMany(1, () => ({disks}))
    const [away = ''] = bench.addMany(1, () => ({disks, region: 'eu-west-1'}))
    // Independently: AWS's published rules, with the prices that the bench lists.
    const usd = 100 * 0.08 + 2000 * 0.005 + 200 * 0.04 + 500 * 0.1 + 1000 * 0.045 + 50 * 0.125 + 32_000 * 0.065 + 8000 * 0.0455
    const aws = await provider()
    const here = await aws.pricing?.diskPrices?.([home, away])
    expect([...(here?.keys() ?? [])]).to.deep.equal([home])
    expect(here?.get(home)?.usdPerMonth).to.be.closeTo(usd, 1e-6)
    expect(here?.get(home)).to.include({gib: 1650, source: 'pricing-api'})
    const there = await aws.inRegion?.('eu-west-1').pricing?.diskPrices?.([home, away])
    expect(there?.get(away)?.usdPerMonth).to.be.closeTo(usd * 1.1, 1e-6)
    expect(there?.has(home)).to.equal(false)
  })

  it('is on demand that of the region where the instance is', async () => {
    const [id = ''] = bench.addMany(1, () => ({type: 'g5.xlarge', region: 'eu-central-1', spot: 'one-time'}))
    const away = (await provider()).inRegion?.('eu-central-1')
    if (!away) throw new Error('no regions')
    expect((await away.pricing?.onDemandPrice?.(await only(away, id)))?.usdPerHour).to.be.closeTo(1.006 * 1.15, 1e-9)
  })

  it('is the dated table’s for who may not ask, and says so in a plan too', async () => {
    bench.world.deny('pricing:GetProducts')
    const [id = ''] = bench.addMany(1, () => ({type: 'g5.xlarge', disks: [{gib: 100}]}))
    const aws = await provider()
    expect(await aws.pricing?.hourlyPrice(await only(aws, id))).to.deep.equal({usdPerHour: 1.006, source: 'built-in 2026-11'})
    expect((await aws.pricing?.diskPrices?.([id]))?.get(id)).to.deep.equal({usdPerMonth: 8, gib: 100, source: 'built-in 2026-11'})
    const plan = await aws.planCreate?.({requestId: 'plan', tags: {}, instanceType: 'g5.xlarge'})
    expect(plan?.usdPerHour).to.equal(1.006)
    expect(plan?.settings['price from']).to.match(/^built-in 2026-11/)
  })

  it('is seen and taken away by region: disks, snapshots and addresses', async () => {
    const [instance = ''] = bench.addMany(1)
    const volume = bench.addVolume({gib: 200, tags: {Name: 'spare', 'runctl:created-by': 'runctl'}})
    const snapshot = bench.addSnapshot({gib: 40})
    bench.addSnapshot({gib: 40, foreign: true})
    const needed = bench.addSnapshot({gib: 1, imageId: 'ami-0123456789abcdef0', tier: 'archive'})
    const [idle, used] = [bench.addAddress(), bench.addAddress({instanceId: instance})]
    const away = bench.addVolume({gib: 1, region: 'us-west-2'})

    const aws = await provider()
    const list = async (from: Provider): Promise<readonly Holding[]> => (from.holdings ? all(from.holdings.list(['volume', 'snapshot', 'address'])) : [])
    const found = await list(aws)
    const root = found.find(({attachedTo, kind}) => kind === 'volume' && attachedTo === instance)
    expect(found.map(({id, usdPerMonth}) => [id, usdPerMonth === null ? null : Number(usdPerMonth.toFixed(4))])).to.have.deep.members([
      [root?.id, 0.64], [volume, 16], [snapshot, 2], [needed, 0.0125], [idle, 3.65], [used, 3.65],
    ])
    expect(root?.goesWithInstance).to.equal(true)
    expect(found.find(({id}) => id === volume)).to.include({name: 'spare', state: 'available', region: 'us-east-1'})
    expect(found.filter(({state}) => state === 'available').map(({id}) => id)).to.have.members([volume, idle])

    const remove = (kind: Holding['kind'], id: string, from = aws) => from.holdings?.delete({kind, id}) ?? Promise.reject(new Error('none'))
    for (const [kind, id] of [['volume', root?.id ?? ''], ['snapshot', needed], ['address', used]] as const) {
      expect((await expectedFailure(remove(kind, id))).code, kind).to.equal('wrong_state')
    }
    for (const [kind, id] of [['volume', volume], ['snapshot', snapshot], ['address', idle]] as const) {
      await remove(kind, id)
      await remove(kind, id)
    }
    expect((await list(aws)).map(({id}) => id)).to.have.members([root?.id, needed, used])
    const elsewhere = aws.inRegion?.('us-west-2')
    if (!elsewhere) throw new Error('no regions')
    expect((await list(elsewhere)).map(({id}) => id)).to.deep.equal([away])
    // Deleted where it is not is no harm to where it is.
    await remove('volume', away)
    expect(bench.ec2.state.volumes.has(away)).to.equal(true)
    await remove('volume', away, elsewhere)
    expect(bench.ec2.state.volumes.has(away)).to.equal(false)
  })

  it('is asked of two thousand instances in pages, their disks in ten calls, the filters answered by EC2', async () => {
    const ids = bench.addMany(2000, index => ({type: index % 10 === 0 ? 'g5.xlarge' : 't3.micro', ...(index % 2 === 0 ? {tags: {even: 'yes'}} : {})}))
    const aws = await provider()
    expect(await find(aws, {})).to.have.length(2000)
    expect(bench.calls.count('DescribeInstances')).to.equal(2)
    const found = await find(aws, {filters: {'instance-type': ['g5.*'], 'tag:even': ['y?s']}, states: ['running']})
    expect(found.map(({zone}) => zone)).to.deep.equal(Array.from({length: 200}, () => 'us-east-1a'))
    expect(bench.calls.count('DescribeInstances')).to.equal(3)
    const error = await expectedFailure(find(aws, {filters: {colour: ['red']}}))
    expect([error.code, error.message]).to.deep.equal(['bad_input', "AWS does not accept this (InvalidParameterValue): The filter 'colour' is invalid"])
    const prices = await aws.pricing?.diskPrices?.(ids)
    expect(prices?.size).to.equal(2000)
    expect(bench.calls.count('DescribeVolumes')).to.equal(10)
    expect(bench.calls.count('GetProducts')).to.equal(1)
  })

  it('is told by region, with the same credentials, and kept in one file', async () => {
    const [home = ''] = bench.addMany(1)
    const [away = ''] = bench.addMany(1, () => ({region: 'eu-west-1'}))
    const aws = await provider()
    const names = (await aws.regions?.()) ?? []
    expect(names).to.include.members(['eu-west-1', 'us-east-1']).and.not.include('me-central-1')
    const byRegion = await Promise.all(names.map(async name => {
      const there = aws.inRegion?.(name)
      const found = there ? await find(there, {}) : []
      for (const instance of found) await there?.pricing?.hourlyPrice(instance)
      return found.map(({id, region}) => [name, region, id])
    }))
    expect(byRegion.flat()).to.have.deep.members([['us-east-1', 'us-east-1', home], ['eu-west-1', 'eu-west-1', away]])
    bench.calls.reset()
    const again = await provider()
    for (const [name, id] of [['us-east-1', home], ['eu-west-1', away]] as const) {
      const there = again.inRegion?.(name)
      if (there) expect((await there.pricing?.hourlyPrice(await only(there, id)))?.asOf).to.be.a('string')
    }
    expect(bench.calls.count('GetProducts')).to.equal(0)
  })
})
