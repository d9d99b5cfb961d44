import {expect} from 'chai'

import {sizeWords, timeWords} from '../../src/model/amount-words.js'
import {atRiskWords, machineAtRisk, workAtRisk, type RunAtWork} from '../../src/model/work-at-risk.js'
import {checkpoint, NOW, run} from '../ui/samples.js'

const OUTPUT = {output_uri: 's3://b/out/mnist/run-1/'}
const LATER = new Date('2026-11-23T20:15:00Z')
const risk = (over: Partial<RunAtWork>, usdPerHour: number | null = 13.05) => workAtRisk({...run(), ...over}, usdPerHour, LATER)

describe('work at risk', () => {
  it('is what was done since the last checkpoint on the disk, at the price of the machine', () => {
    const found = risk({})
    expect(found).to.deep.include({since: '2026-11-23T20:03:00.000Z', seconds: 720, in_store: false})
    expect(found?.usd).to.be.closeTo(2.61, 0.001)
    expect(found?.checkpoint).to.deep.equal({path: 'checkpoints/checkpoint_epoch_3.pt', step: 1200, epoch: 3, at: '2026-11-23T20:03:00Z'})
  })

  it('counts what is in the store where the run has an output: that is what a lost machine leaves', () => {
    const older = checkpoint({modified_at: '2026-11-23T19:58:00Z', step: 800})
    expect(risk({...OUTPUT, last_stored_checkpoint: older})).to.deep.include({seconds: 17 * 60, in_store: true})
    expect(risk({...OUTPUT, last_stored_checkpoint: null})).to.deep.include({since: '2026-11-23T19:55:04.000Z', checkpoint: null, in_store: true})
  })

  it('is all since the start before the first checkpoint, and never reaches further back', () => {
    expect(risk({last_checkpoint: null})).to.deep.include({since: '2026-11-23T19:55:04.000Z', checkpoint: null})
    expect(risk({last_checkpoint: checkpoint({modified_at: '2020-01-01T00:00:00Z'})})?.since).to.equal('2026-11-23T19:55:04.000Z')
    expect(risk({last_checkpoint: checkpoint({modified_at: 'never'})})?.since).to.equal('2026-11-23T19:55:04.000Z')
  })

  it('is never below zero, whatever the clocks say', () => {
    expect(risk({last_checkpoint: checkpoint({modified_at: '2026-11-24T00:00:00Z'})})).to.deep.include({seconds: 0, usd: 0})
  })

  it('has no dollars where the price is unknown, and is none where nothing runs', () => {
    expect(risk({}, null)?.usd).to.equal(null)
    expect(risk({state: 'stopped'})).to.equal(null)
    expect(risk({state: 'preparing', started_at: null})).to.equal(null)
  })

  it('of a machine with several runs is that of the longest: its hour is paid once', () => {
    const runs = [run(), run({run_id: 'other', last_checkpoint: null}), run({state: 'stopped', last_checkpoint: null})]
    expect(machineAtRisk(runs, 1, NOW)).to.deep.include({run_id: 'other'})
    expect(machineAtRisk([], 1, NOW)).to.equal(null)
  })

  it('is told in a sentence', () => {
    const words = (over: Partial<RunAtWork>, price: number | null = 13.05): string => {
      const found = risk(over, price)
      return found ? atRiskWords(found) : ''
    }
    const last = checkpoint({step: 4200})
    expect(words({last_checkpoint: last})).to.equal('last verified checkpoint 12 min ago (step 4,200): $2.61 of work at risk')
    expect(words({last_checkpoint: last}, null)).to.equal('last verified checkpoint 12 min ago (step 4,200): 12 min of work at risk (price unknown)')
    expect(words({last_checkpoint: last}, 0)).to.equal('last verified checkpoint 12 min ago (step 4,200): 12 min of work at risk')
    expect(words({last_checkpoint: last}, 0.0001)).to.contain('<$0.01 of work at risk')
    expect(words({last_checkpoint: checkpoint({step: null})})).to.contain('12 min ago (epoch 3): ')
    expect(words({last_checkpoint: checkpoint({step: null, epoch: null})})).to.contain('checkpoint 12 min ago: $')
    expect(words({...OUTPUT, last_stored_checkpoint: last})).to.contain('(step 4,200, in the store)')
    expect(words({last_checkpoint: null})).to.equal('no verified checkpoint yet: $4.34 of work since the start at risk')
    expect(words({...OUTPUT}, null)).to.equal('no verified checkpoint in the store yet: 19 min of work since the start at risk (price unknown)')
  })
})

describe('amounts in words', () => {
  it('say time and size shortly', () => {
    expect([0, -5, 59.4, 60, 720, 3600, 12_000, 172_800, 1e6].map(timeWords)).to.deep.equal(['0 s', '0 s', '59 s', '1 min', '12 min', '1 h', '3 h 20 min', '2 days', '11 days'])
    expect([0, 999, 1000, 1_300_000_000, 14e9, 67_400_000, 9.96e6, 5e18].map(sizeWords)).to.deep.equal(['0 B', '999 B', '1 kB', '1.3 GB', '14 GB', '67 MB', '10 MB', '5000 PB'])
  })
})
