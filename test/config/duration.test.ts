import {expect} from 'chai'
import fc from 'fast-check'

import {isRunctlError} from '../../src/model/errors.js'
import {formatDuration, parseDuration, tryParseDuration} from '../../src/model/duration.js'

describe('durations', () => {
  const readings = [
    ['90s', 90_000],
    ['2h', 7_200_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1d', 86_400_000],
    ['1.5h', 5_400_000],
    ['0s', 0],
    [' 120s ', 120_000],
    ['1d2h3m4s5ms', 93_784_005],
  ] as const
  for (const [text, ms] of readings) it(`reads ${JSON.stringify(text)} as ${ms} ms`, () => expect(parseDuration(text)).to.equal(ms))

  const wrong = ['', ' ', 'h', '-1s', '1s2h', '1h1h', '1 h', '1e3s', '１s', '2 minutes', '366d', '.5h', '1H', 'NaNs', '9'.repeat(100) + 's']
  for (const text of wrong) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
      expect(tryParseDuration(text)).to.equal(null)
      expect(() => parseDuration(text)).to.throw().that.satisfies((error: unknown) => isRunctlError(error) && error.code === 'bad_input')
    })
  }

  it('asks for the unit where there is only a number', () => expect(() => parseDuration('120')).to.throw('120s'))

  it('writes them the shortest way', () => {
    expect([0, 999, 60_000, 5_400_000, 86_400_000].map(formatDuration)).to.deep.equal(['0s', '999ms', '1m', '1h30m', '1d'])
    expect(formatDuration(-60_000)).to.equal('-1m')
  })

  it('reads back what it writes', () => {
    fc.assert(fc.property(fc.integer({min: 0, max: 365 * 86_400_000}), ms => parseDuration(formatDuration(ms)) === ms))
  })
})
