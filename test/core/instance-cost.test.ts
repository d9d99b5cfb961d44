import {expect} from 'chai'

import {costSinceLaunch, instancePrices} from '../../src/core/instance-cost.js'
import {RunctlError} from '../../src/model/errors.js'
import {FakeDeps} from '../support/fake-deps.js'
import {sampleInstance} from '../support/memory-provider.js'

describe('costSinceLaunch', () => {
  const prices = {hourly: {usdPerHour: 2, source: 'test'}, disks: {usdPerMonth: 30, gib: 100}}
  const now = new Date('2026-11-23T13:00:00Z')
  // November has 720 hours.
  const hours = (count: number): number => count * (2 + 30 / 720)

  it('goes on while it runs, and ends where the instance stopped', () => {
    expect(costSinceLaunch(sampleInstance(), prices, now)).to.be.closeTo(hours(3), 1e-9)
    for (const state of ['stopping', 'stopped', 'terminated'] as const) {
      expect(costSinceLaunch(sampleInstance({state, stoppedAt: '2026-11-23T11:30:00Z'}), prices, now), state).to.be.closeTo(hours(1.5), 1e-9)
    }
  })

  it('is a minute at least', () => {
    expect(costSinceLaunch(sampleInstance({launchedAt: '2026-11-23T12:59:50Z'}), {...prices, disks: {usdPerMonth: 0, gib: null}}, now)).to.be.closeTo(2 / 60, 1e-9)
  })

  it('is unknown where price or times are, and nothing where it is known to cost nothing', () => {
    expect(costSinceLaunch(sampleInstance(), {...prices, hourly: null}, now)).to.equal(null)
    expect(costSinceLaunch(sampleInstance(), {...prices, disks: null}, now)).to.equal(null)
    expect(costSinceLaunch(sampleInstance({launchedAt: null}), prices, now)).to.equal(null)
    expect(costSinceLaunch(sampleInstance({state: 'stopped'}), prices, now)).to.equal(null)
    expect(costSinceLaunch(sampleInstance({state: 'stopped'}), {hourly: {usdPerHour: 0, source: 'test'}, disks: {usdPerMonth: 0, gib: null}}, now)).to.equal(0)
  })
})

describe('instancePrices', () => {
  it('asks what the disks cost only where the tags do not tell, and for old spot prices only of a spot machine', async () => {
    const deps = new FakeDeps()
    const asked: string[] = []
    deps.provider.pricing = {
      hourlyPrice: async () => ({usdPerHour: 1, source: 'test'}),
      diskPrices: async ids => {
        asked.push(`disks ${ids.join()}`)
        return new Map(ids.map(id => [id, {usdPerMonth: 8, gib: 100, source: 'test'}]))
      },
      priceHistory: async ({id}) => {
        asked.push(`history ${id}`)
        return []
      },
    }
    expect(await instancePrices(sampleInstance(), deps)).to.deep.equal({hourly: {usdPerHour: 1, source: 'test'}, disks: {usdPerMonth: 8, gib: 100, source: 'test'}})
    expect(asked).to.deep.equal(['disks mem-1'])
    await instancePrices(sampleInstance({id: 'mem-2', lifecycle: 'spot'}), deps)
    expect(asked.slice(1)).to.have.members(['disks mem-2', 'history mem-2'])
  })

  it('knows nothing where nothing can be had, and says so with null', async () => {
    const deps = new FakeDeps()
    const fail = () => Promise.reject(new RunctlError('platform_failed', 'not now'))
    deps.provider.pricing = {hourlyPrice: fail, diskPrices: fail, priceHistory: fail}
    expect(await instancePrices(sampleInstance({lifecycle: 'spot'}), deps)).to.deep.equal({hourly: null, disks: null, spot: null})
    delete deps.provider.pricing
    expect(await instancePrices(sampleInstance(), deps)).to.deep.equal({hourly: null, disks: null})
  })
})
