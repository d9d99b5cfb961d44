import {expect} from 'chai'

import {costSinceLaunch} from '../../src/core/instance-cost.js'
import {sampleInstance} from '../support/memory-provider.js'

describe('costSinceLaunch', () => {
  const price = {usdPerHour: 2, source: 'test'}
  const now = new Date('2026-11-23T13:00:00Z')

  it('goes on while it runs, and ends where the instance stopped', () => {
    expect(costSinceLaunch(sampleInstance(), price, now)).to.equal(6)
    for (const state of ['stopping', 'stopped', 'terminated'] as const) {
      expect(costSinceLaunch(sampleInstance({state, stoppedAt: '2026-11-23T11:30:00Z'}), price, now), state).to.equal(3)
    }
  })

  it('is unknown where price or times are, and nothing where it is known to cost nothing', () => {
    expect(costSinceLaunch(sampleInstance(), null, now)).to.equal(null)
    expect(costSinceLaunch(sampleInstance({launchedAt: null}), price, now)).to.equal(null)
    expect(costSinceLaunch(sampleInstance({state: 'stopped'}), price, now)).to.equal(null)
    expect(costSinceLaunch(sampleInstance({state: 'stopped'}), {...price, usdPerHour: 0}, now)).to.equal(0)
  })
})
