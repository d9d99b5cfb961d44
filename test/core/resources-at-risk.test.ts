import {expect} from 'chai'

import {listResourcesAtRisk} from '../../src/core/resources-at-risk.js'
import {showStatus} from '../../src/core/show-status.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID, sampleInstance} from '../support/memory-provider.js'
import {rejection} from '../support/rejection.js'
import {SAVE} from '../support/save-settings.js'
import {checkpoint, run} from '../ui/samples.js'

const OURS = {[TAGS.createdBy]: '0.1.0'}
/** Twelve minutes before the clock of the tests. */
const RUNNING = run({started_at: '2026-11-23T11:00:00Z', last_checkpoint: checkpoint({modified_at: '2026-11-23T11:48:00Z', step: 4200})})

function scene(runs = [RUNNING]): FakeDeps {
  const deps = new FakeDeps({tags: OURS})
  deps.scripted.handlers.status = () => ({runs, boot_id: 'b', now: ''})
  return deps
}

describe('resources with the work at risk', () => {
  it('has what the run itself says: the last checkpoint, and what it would cost to do again what came after', async () => {
    const [row] = await listResourcesAtRisk({states: []}, scene())
    expect(row?.at_risk_usd).to.be.closeTo(1.006 / 5, 0.0001)
    expect(row?.last_checkpoint).to.deep.equal({path: 'checkpoints/checkpoint_epoch_3.pt', epoch: 3, step: 4200, at: '2026-11-23T11:48:00Z'})
    expect(row?.run).to.equal(RUNNING.run_id)
  })

  it('asks only what runs and what runctl has to do with', async () => {
    const deps = scene()
    deps.provider.put(sampleInstance({id: 'mem-2', state: 'stopped', tags: OURS}))
    deps.provider.put(sampleInstance({id: 'mem-3', tags: {}}))
    deps.provider.put(sampleInstance({id: 'mem-4', tags: {[TAGS.project]: 'mnist'}}))
    const rows = await listResourcesAtRisk({states: []}, deps)
    expect(rows.map(({id}) => id)).to.have.members([INSTANCE_ID, 'mem-2', 'mem-3', 'mem-4'])
    expect(deps.scripted.calls).to.have.length(2)
  })

  it('is null, not zero, where nothing runs or the price is unknown', async () => {
    expect((await listResourcesAtRisk({states: []}, scene([{...RUNNING, state: 'stopped'}])))[0]?.at_risk_usd).to.equal(null)
    const deps = scene()
    deps.provider.pricing = {hourlyPrice: async () => null}
    expect((await listResourcesAtRisk({states: []}, deps))[0]?.at_risk_usd).to.equal(null)
  })

  it('lists what answers with an error, or not in time, by its tags', async () => {
    const deps = scene()
    deps.scripted.handlers.status = () => {
      throw new RunctlError('unreachable', 'no answer')
    }
    expect((await listResourcesAtRisk({states: []}, deps))[0]?.at_risk_usd).to.equal(null)
    deps.scripted.handlers.status = () => new Promise(() => undefined)
    expect((await listResourcesAtRisk({states: []}, deps, 5)).map(({at_risk_usd, id}) => [id, at_risk_usd])).to.deep.equal([[INSTANCE_ID, null]])
  })

  it('ends where the command is cancelled', async () => {
    const deps = scene()
    const reason = new Error('detached')
    deps.scripted.handlers.status = () => {
      deps.interrupt.abort(reason)
      throw reason
    }
    expect(await rejection(listResourcesAtRisk({states: []}, deps))).to.equal(reason)
  })
})

describe('status with the work at risk', () => {
  it('has it whole, with whether a save fits', async () => {
    const upload = {done: 1, pending: 0, pending_bytes: 0, error: null, bytes_per_s: 1e5, behind_since: null}
    const deps = scene([{...RUNNING, output_uri: 's3://b/mnist/run-1/', upload}])
    const status = await showStatus(INSTANCE_ID, SAVE, deps)
    expect(status.at_risk).to.deep.include({in_store: true, checkpoint: null, seconds: 3600})
    expect(status.at_risk_usd).to.equal(status.at_risk?.usd)
    expect(status.save_fit).to.deep.include({window: 'stop-grace', fits: false, advised_interval_s: null})
    deps.provider.put(sampleInstance({lifecycle: 'spot'}))
    expect((await showStatus(INSTANCE_ID, SAVE, deps)).save_fit).to.deep.include({window: 'spot-notice', window_s: 120, advised_interval_s: 9518})
  })

  it('has neither where nothing runs, or nobody answers', async () => {
    expect(await showStatus(INSTANCE_ID, SAVE, scene([{...RUNNING, state: 'stopped'}]))).to.deep.include({at_risk: null, save_fit: null})
    const deps = scene()
    deps.provider.put(sampleInstance({state: 'stopped'}))
    expect(await showStatus(INSTANCE_ID, SAVE, deps)).to.deep.include({runs: null, at_risk: null, save_fit: null})
  })
})
