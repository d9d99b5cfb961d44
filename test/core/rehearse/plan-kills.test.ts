import fc from 'fast-check'
import {expect} from 'chai'

import {KILL_KINDS} from '../../../src/core/rehearse/kill-kinds.js'
import {planKills} from '../../../src/core/rehearse/plan-kills.js'
import {seededRandom} from '../../../src/core/rehearse/seeded-random.js'

const INPUT = {seed: 7, count: 25, kinds: KILL_KINDS, durationMs: 60_000, lastSaveMs: 50_000}

describe('the plan of a rehearsal', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planKills(INPUT)).to.deep.equal(planKills(INPUT))
    expect(planKills(INPUT)).to.not.deep.equal(planKills({...INPUT, seed: 8}))
    // What a seed draws must not change from one version to the next without a reason.
    expect(planKills({...INPUT, count: 3})).to.deep.equal([{kind: 'upload', atMs: 13_654}, {kind: 'term', atMs: 24_464}, {kind: 'instance', atMs: 46_573}])
  })

  it('has every kind equally often, as many as are wanted, in the order in which they come, within the reference', () => {
    fc.assert(fc.property(fc.nat(), fc.integer({min: 1, max: 40}), fc.subarray([...KILL_KINDS], {minLength: 1}), fc.integer({min: 0, max: 100_000}), fc.nat(100_000), (seed, count, kinds, durationMs, saved) => {
      const lastSaveMs = Math.min(saved, durationMs)
      const plan = planKills({seed, count, kinds, durationMs, lastSaveMs})
      const times = kinds.map(kind => plan.filter(one => one.kind === kind).length)
      expect(plan).to.have.length(count)
      expect(Math.max(...times) - Math.min(...times)).to.be.at.most(1)
      expect(plan.map(({atMs}) => atMs)).to.deep.equal(plan.map(({atMs}) => atMs).toSorted((a, b) => a - b))
      for (const {atMs, kind} of plan) {
        expect(atMs).to.be.within(0, Math.ceil(durationMs * 0.9))
        if (kind === 'write') expect(atMs).to.be.at.most(Math.ceil(lastSaveMs))
      }
    }))
  })

  it('draws from all of the course', () => {
    const plan = planKills({...INPUT, count: 400, kinds: ['kill']})
    expect(plan[0]!.atMs).to.be.within(3000, 4500)
    expect(plan.at(-1)!.atMs).to.be.within(52_000, 54_000)
  })

  it('keeps away from the end by the time that it takes to act', () => {
    expect(planKills({...INPUT, count: 400, kinds: ['kill'], durationMs: 2000}).at(-1)!.atMs).to.be.within(1250, 1300)
  })
})

describe('chance with a seed', () => {
  it('is even', () => {
    const random = seededRandom(1)
    const counts = Array.from({length: 10}, () => 0)
    for (let at = 0; at < 10_000; at++) counts[random.below(10)]!++
    expect(Math.min(...counts)).to.be.greaterThan(850)
    expect(Math.max(...counts)).to.be.lessThan(1150)
    expect(seededRandom(5).shuffled([1, 2, 3, 4, 5]).toSorted()).to.deep.equal([1, 2, 3, 4, 5])
  })
})
