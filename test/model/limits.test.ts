import {expect} from 'chai'

import {endWords, launchWords, momentWords, usedWords, type LaunchFacts} from '../../src/model/limit-words.js'
import {freshState, hardSeconds, isTagOutdated, isWish, limitsOf, stopsAtOf, stopsAtTag, tagSaysLimits, type Limits, type LimitsState} from '../../src/model/limits.js'

const NOW = new Date('2026-11-24T10:30:00Z')
const limits = (over: Partial<Limits>): Limits => ({max_seconds: null, max_usd: null, idle_s: null, ...over})
const state = (over: Partial<Limits>, usdPerHour: number | null = 0.0416): LimitsState => freshState(limits(over), usdPerHour, NOW)
const T3: LaunchFacts = {id: 'i-1', platform: 'aws', instance_type: 't3.medium', lifecycle: 'on-demand', cost_per_hour: 0.0416, price_source: 'pricing-api'}

describe('limits', () => {
  it('of a new machine are those that were said, else those of the configuration', () => {
    expect(limitsOf({set: {max_seconds: 60, idle_s: null}, defaults: {max_usd: 5}})).to.deep.equal({max_seconds: 60, max_usd: 5, idle_s: null})
    expect(limitsOf({set: {}, defaults: {}})).to.deep.equal(limits({}))
    expect(isWish({set: {}, defaults: {}})).to.equal(false)
    // Switching one off is something to be said.
    expect(isWish({set: {idle_s: null}, defaults: {}})).to.equal(true)
  })

  it('give the watch below them their time, the time that a save may put them off, and a minute', () => {
    expect(hardSeconds(limits({max_seconds: 3600}), 900, null)).to.equal(3600 + 900 + 60)
    // Dollars count at the most that an hour can cost.
    expect(hardSeconds(limits({max_usd: 2}), 900, 0.5)).to.equal(4 * 3600 + 960)
    expect(hardSeconds(limits({max_seconds: 3600, max_usd: 2}), 0, 4)).to.equal(1860)
    expect(hardSeconds(limits({max_usd: 2}), 900, null)).to.equal(null)
    expect(hardSeconds(limits({idle_s: 60}), 900, 1)).to.equal(null)
  })

  it('say when a new machine stops itself: by hours or dollars, whichever comes first', () => {
    expect(state({max_seconds: 3600})).to.deep.include({stops_at: '2026-11-24T11:30:00.000Z', stops_because: 'hours'})
    expect(state({max_seconds: 7200, max_usd: 1}, 2)).to.deep.include({stops_at: '2026-11-24T11:00:00.000Z', stops_because: 'dollars'})
    expect(state({max_usd: 1}, null)).to.deep.include({stops_at: null, stops_because: null, used_usd: null})
    expect(state({idle_s: 60})).to.deep.include({stops_at: null, stops_because: null})
  })

  describe('in the tag', () => {
    it('are a time, or that idleness alone stops it, or nothing', () => {
      expect(stopsAtTag(state({max_seconds: 3600}))).to.equal('2026-11-24T11:30:00Z')
      expect(stopsAtTag(state({idle_s: 60}))).to.equal('when-idle')
      expect(stopsAtTag(state({}))).to.equal('')
      expect(stopsAtTag(null)).to.equal('')
    })

    it('are read with care: anyone may have written it', () => {
      expect(stopsAtOf('2026-11-24T11:30:00Z')).to.equal('2026-11-24T11:30:00.000Z')
      for (const odd of ['when-idle', '', 'tomorrow', '2026', '2026-99-99T00:00:00Z', '1', undefined]) expect(stopsAtOf(odd), odd).to.equal(null)
      expect(['2026-11-24T11:30:00Z', 'when-idle'].map(tagSaysLimits)).to.deep.equal([true, true])
      expect(['', 'odd', undefined].map(tagSaysLimits)).to.deep.equal([false, false, false])
    })

    it('are written again where they changed, not for seconds', () => {
      expect(isTagOutdated('2026-11-24T11:30:00Z', '2026-11-24T11:31:30Z')).to.equal(false)
      expect(isTagOutdated('2026-11-24T11:30:00Z', '2026-11-24T11:33:00Z')).to.equal(true)
      expect(isTagOutdated('2026-11-24T11:30:00Z', '')).to.equal(true)
      expect(isTagOutdated('2026-11-24T11:30:00Z', 'when-idle')).to.equal(true)
      expect(isTagOutdated(undefined, '')).to.equal(false)
      expect(isTagOutdated(undefined, 'when-idle')).to.equal(true)
    })
  })
})

describe('the first line after a launch', () => {
  it('says price and end in one line', () => {
    const line = launchWords(T3, state({max_seconds: 28_800, idle_s: 1800}), NOW)
    expect(line).to.equal('t3.medium at $0.0416/h (pricing-api); stops itself Tue 18:30 UTC at the latest (8 h, $0.33), or after 30 min idle')
    expect(line?.length).to.be.at.most(120)
    expect(launchWords({...T3, lifecycle: 'spot', cost_per_hour: 1.212, price_source: 'spot-history'}, state({max_usd: 5}, 1.212), NOW))
      .to.equal('t3.medium spot at $1.212/h (spot-history); stops itself Tue 14:38 UTC at the latest ($5.00, 4 h 8 min)')
    expect(launchWords(T3, state({idle_s: 1800}), NOW)).to.match(/; stops itself after 30 min idle$/)
  })

  it('says what would stop it where nothing does', () => {
    expect(launchWords(T3, null, NOW)).to.equal('t3.medium at $0.0416/h (pricing-api); nothing stops it by itself: runctl aws extend i-1 --hours 8')
    expect(launchWords(T3, state({}), NOW)).to.include('nothing stops it by itself')
    expect(launchWords(T3, 'unasked', NOW)).to.include('it keeps limits: runctl aws status i-1')
  })

  it('calls an unknown price unknown, and is silent about what costs nothing', () => {
    expect(launchWords({...T3, cost_per_hour: null, price_source: null}, state({max_seconds: 3600}, null), NOW))
      .to.equal('t3.medium, price unknown; stops itself Tue 11:30 UTC at the latest (1 h)')
    const local = {...T3, platform: 'local', cost_per_hour: 0, price_source: 'local'}
    expect(launchWords(local, null, NOW)).to.equal(null)
    expect(launchWords(local, state({max_seconds: 3600}, 0), NOW)).to.equal('t3.medium at $0.00/h (local); stops itself Tue 11:30 UTC at the latest (1 h)')
  })

  it('counts what is left, not what a machine was given in all', () => {
    const old: LimitsState = {...state({max_seconds: 100 * 3600}), known_from: 'instance', used_seconds: 92 * 3600, stops_at: '2026-11-24T18:29:58Z'}
    expect(endWords(old, 0.5, NOW)).to.equal('stops itself Tue 18:30 UTC at the latest (8 h, $4.00)')
    expect(usedWords(old)).to.equal('92 h of 100 h')
    expect(usedWords({...old, max_usd: 5, used_usd: 1.234})).to.equal('92 h of 100 h, $1.23 of $5.00')
    expect(usedWords(state({idle_s: 60}))).to.equal('')
  })

  it('names the day where it is far away', () => {
    expect(momentWords('2026-11-25T00:05:00Z', NOW)).to.equal('Wed 00:05 UTC')
    expect(momentWords('2026-12-25T00:05:00Z', NOW)).to.equal('2026-12-25 00:05 UTC')
    expect(momentWords('soon', NOW)).to.equal('soon')
  })
})
