import {expect} from 'chai'

import {runLedger} from '../../src/core/run-ledger.js'
import {ledgerWords} from '../../src/ui/ledger-text.js'
import {FakeDeps} from '../support/fake-deps.js'
import {sampleInstance} from '../support/memory-provider.js'
import {checkpoint, run} from '../ui/samples.js'

const MACHINE = sampleInstance({lifecycle: 'spot', createdAt: '2026-11-23T08:00:00Z', launchedAt: '2026-11-23T08:00:00Z'})
const FIRST = run({
  run_id: 'run-20261123-080000-0001', state: 'stopped', reason: 'interrupted', started_at: '2026-11-23T08:00:00Z', ended_at: '2026-11-23T09:00:00Z',
  last_checkpoint: checkpoint({epoch: 4, modified_at: '2026-11-23T08:48:00Z'}),
})
const SECOND = run({
  run_id: 'run-20261123-093000-0002', state: 'stopped', reason: 'completed', attempt: 2, parent_run_id: FIRST.run_id, resume_from: 'checkpoints/a.pt',
  started_at: '2026-11-23T09:30:00Z', ended_at: '2026-11-23T11:54:00Z', last_checkpoint: checkpoint({epoch: 10}),
})

function scene(): FakeDeps {
  const deps = new FakeDeps(null)
  deps.scripted.handlers.status = () => ({runs: [SECOND, FIRST], boot_id: 'b', now: ''})
  deps.provider.pricing = {
    hourlyPrice: async () => ({usdPerHour: 0.4, source: 'spot-history'}),
    onDemandPrice: async () => ({usdPerHour: 1, source: 'pricing-api'}),
    priceHistory: async () => [{from: '2026-11-23T07:00:00Z', usdPerHour: 0.2}, {from: '2026-11-23T09:30:00Z', usdPerHour: 0.4}],
    diskPrices: () => Promise.reject(new Error('disks are no matter of a run')),
  }
  return deps
}

describe('the ledger of a run', () => {
  it('counts hours, price, what was saved and what was done twice, over all attempts', async () => {
    const ledger = await runLedger(SECOND, MACHINE, scene())
    // 08:00-09:00 and half an hour at 0.2, then 1.9 h at 0.4.
    const paid = 0.2 + 0.5 * 0.2 + 1.9 * 0.4
    expect(ledger).to.deep.include({attempts: 2, lifecycle: 'spot', redone_s: 720, epochs: 10})
    expect(ledger.hours).to.be.closeTo(3.4, 1e-9)
    expect(ledger.cost_usd).to.be.closeTo(paid, 1e-9)
    expect(ledger.saved_usd).to.be.closeTo(3.4 - paid, 1e-9)
    expect(ledger.usd_per_epoch).to.be.closeTo(paid / 10, 1e-9)
    expect(ledgerWords(ledger)).to.equal('2 attempts, 3.4 h at $0.312/h (spot): $1.06, $2.34 less than on demand; 12m of work done twice; $0.11 an epoch')
  })

  it('knows only how often it was begun where an attempt was somewhere else', async () => {
    const deps = scene()
    deps.scripted.handlers.status = () => ({runs: [SECOND], boot_id: 'b', now: ''})
    const ledger = await runLedger(SECOND, MACHINE, deps)
    expect(ledger).to.deep.include({attempts: 2, hours: null, cost_usd: null, saved_usd: null, redone_s: null, usd_per_epoch: null})
    expect(ledgerWords(ledger)).to.equal('2 attempts, hours not known, $0.40/h (spot): cost unknown')
  })

  it('saves nothing on demand, and takes the epoch from the log where no checkpoint tells it', async () => {
    const only = {...FIRST, last_checkpoint: null, last_log_line: 'epoch 5 loss 0.1'}
    const ledger = await runLedger(only, {...MACHINE, lifecycle: 'on-demand'}, scene())
    expect(ledger).to.deep.include({attempts: 1, hours: 1, cost_usd: 0.4, saved_usd: null, redone_s: 0, epochs: 5, usd_per_epoch: 0.08})
  })
})
