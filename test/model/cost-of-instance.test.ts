import {expect} from 'chai'

import {costUntil, type Cost} from '../../src/model/cost.js'
import {segmentsOf, type KnownPrices} from '../../src/model/cost-of-instance.js'
import {encodeCostTags} from '../../src/model/cost-tags.js'
import {TAGS, type Instance} from '../../src/model/instance.js'
import {sampleInstance} from '../support/memory-provider.js'

const NOW = new Date('2026-11-23T13:00:00Z')
const PRICES: KnownPrices = {hourly: {usdPerHour: 2, source: 'pricing-api'}, storageUsdPerMonth: 72}
/** 72 dollars a month of 720 hours. */
const DISKS = 0.1

const once = (over: Partial<Instance> = {}): Instance => sampleInstance({createdAt: '2026-11-23T09:58:00Z', launchedAt: '2026-11-23T10:00:00Z', ...over})
const cost = (instance: Instance, prices = PRICES, now = NOW): Cost => costUntil(segmentsOf(instance, prices, now), now)
const closedTags = (type = 'big', usd = 5) => encodeCostTags([{
  from: '2026-11-20T08:00:00Z', to: '2026-11-20T10:00:00Z', kind: 'on-demand', instance_type: type, usd_per_hour: usd, storage_usd_per_month: 72, price_source: 'pricing-api', begins_with_start: true,
}])

describe('segmentsOf', () => {
  it('knows all of a machine that was launched once', () => {
    expect(cost(once()).usd).to.be.closeTo(3 * (2 + DISKS), 1e-6)
    expect(cost(once({state: 'stopped', stoppedAt: '2026-11-23T11:00:00Z'})).usd).to.be.closeTo(2 + 3 * DISKS, 1e-6)
    expect(cost(once({state: 'terminated', stoppedAt: '2026-11-23T11:00:00Z'})).usd).to.be.closeTo(2 + DISKS, 1e-6)
  })

  it('does not know what was before a launch that nobody wrote down', () => {
    const {known_usd, unknown, usd} = cost(once({createdAt: '2026-11-20T10:00:00Z'}))
    expect(usd).to.equal(null)
    expect(known_usd).to.be.closeTo(3 * (2 + DISKS), 1e-6)
    expect(unknown).to.deep.equal(['what it cost from 2026-11-20 10:00 to 2026-11-23 10:00 UTC is not known'])
  })

  it('takes the end of a machine that stopped itself from its guard, and does not know it without', () => {
    const guard = {[TAGS.guard]: 'stopped itself at 2026-11-23T12:00:00Z: 2 hours were over'}
    expect(cost(once({state: 'stopped', tags: guard})).usd).to.be.closeTo(2 * 2 + 3 * DISKS, 1e-6)
    const old = {[TAGS.guard]: 'stopped itself at 2026-11-22T12:00:00Z: 2 hours were over'}
    for (const tags of [old, {}]) {
      const unknown = cost(once({state: 'stopped', tags}))
      expect(unknown.usd).to.equal(null)
      expect(unknown.known_usd).to.be.closeTo(3 * DISKS, 1e-6)
      expect(unknown.unknown[0]).to.match(/^what the machine cost from 2026-11-23 10:00/)
    }
  })

  it('keeps the past at its price and type, whatever the machine is now', () => {
    const stopped = sampleInstance({createdAt: '2026-11-20T08:00:00Z', launchedAt: '2026-11-20T08:00:00Z', state: 'stopped', instanceType: 'small', tags: closedTags()})
    expect(cost(stopped, PRICES, new Date('2026-11-20T11:00:00Z')).usd).to.be.closeTo(2 * 5 + 3 * DISKS, 1e-6)
    expect(segmentsOf(stopped, PRICES, NOW).map(({instance_type, kind}) => [kind, instance_type])).to.deep.equal([['on-demand', 'big'], ['stopped', 'big']])
  })

  it('says that it does not know what was between our stop and somebody else\'s start', () => {
    const started = sampleInstance({createdAt: '2026-11-20T08:00:00Z', launchedAt: '2026-11-23T10:00:00Z', tags: closedTags()})
    const {known_usd, unknown} = cost(started)
    expect(unknown).to.deep.equal(['what the machine cost from 2026-11-20 10:00 to 2026-11-23 10:00 UTC is not known'])
    expect(known_usd).to.be.closeTo(2 * 5 + 3 * 2 + 77 * DISKS, 1e-6)
  })

  it('takes damaged tags for none', () => {
    const tags = {...closedTags(), [TAGS.cost]: '1.1.abc.def d1@0'}
    expect(cost(once({tags})).usd).to.be.closeTo(3 * (2 + DISKS), 1e-6)
    expect(cost(once({createdAt: '2026-11-20T08:00:00Z', tags})).usd).to.equal(null)
  })

  it('bills a machine that goes on although its stop was written down', () => {
    const tags = encodeCostTags([{
      from: '2026-11-23T10:00:00Z', to: '2026-11-23T11:00:00Z', kind: 'on-demand', instance_type: 'small', usd_per_hour: 1, storage_usd_per_month: 72, price_source: 'pricing-api', begins_with_start: true,
    }])
    expect(cost(once({tags})).usd).to.be.closeTo(3 * (1 + DISKS), 1e-6)
  })

  it('costs nothing where nothing costs, whatever is known', () => {
    const free: KnownPrices = {hourly: {usdPerHour: 0, source: 'local'}, storageUsdPerMonth: 0}
    expect(cost(sampleInstance({launchedAt: null}), free)).to.deep.equal({usd: 0, known_usd: 0, unknown: []})
  })

  it('takes the platform\'s old time of a launch for outdated where the tags tell of a newer start', () => {
    const tags = encodeCostTags([
      {from: '2026-11-20T08:00:00Z', to: '2026-11-20T10:00:00Z', kind: 'on-demand', instance_type: 'small', usd_per_hour: 2, storage_usd_per_month: 0, price_source: null, begins_with_start: true},
      {from: '2026-11-20T10:00:00Z', to: '2026-11-23T12:00:00Z', kind: 'stopped', instance_type: 'small', usd_per_hour: 0, storage_usd_per_month: 0, price_source: null, begins_with_start: false},
      {from: '2026-11-23T12:00:00Z', to: null, kind: 'on-demand', instance_type: 'small', usd_per_hour: 2, storage_usd_per_month: 0, price_source: null, begins_with_start: true},
    ])
    const pending = sampleInstance({createdAt: '2026-11-20T08:00:00Z', launchedAt: '2026-11-20T08:00:00Z', state: 'pending', tags})
    expect(cost(pending, {...PRICES, storageUsdPerMonth: 0}).usd).to.be.closeTo(2 * 2 + 2, 1e-6)
  })
})
