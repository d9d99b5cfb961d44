import {expect} from 'chai'
import fc from 'fast-check'

import {newRunId, RUN_ID_PATTERN} from '../../src/model/run.js'

describe('newRunId', () => {
  it('tells the time in UTC and ends in eight digits of chance', () => {
    expect(newRunId(new Date('2026-11-23T19:55:01.999Z'), () => 0.2)).to.equal('run-20261123-195501-33333333')
    expect(newRunId(new Date('2026-11-23T19:55:01Z'), () => 0)).to.equal('run-20261123-195501-00000000')
    expect(newRunId(new Date('2026-11-23T19:55:01Z'), () => 1 - Number.EPSILON)).to.equal('run-20261123-195501-ffffffff')
  })

  it('always has the form of a run id, and sorts by time', () => {
    const time = fc.date({min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true})
    fc.assert(fc.property(time, time, (a, b) => {
      expect(newRunId(a)).to.match(RUN_ID_PATTERN)
      const [first, second] = [newRunId(a, () => 0), newRunId(b, () => 0)]
      if (Math.floor(a.getTime() / 1000) < Math.floor(b.getTime() / 1000)) expect(first < second).to.equal(true)
    }))
  })
})
