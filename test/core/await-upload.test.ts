import {expect} from 'chai'

import type {UploadState} from '../../src/agent/protocol.js'
import {awaitUpload} from '../../src/core/await-upload.js'
import {RunctlError} from '../../src/model/errors.js'
import {FakeDeps} from '../support/fake-deps.js'
import {sampleInstance} from '../support/memory-provider.js'
import {run} from '../ui/samples.js'

const at = (done: number, pending: number, error: string | null = null): UploadState => ({done, pending, pending_bytes: pending * 100, error, bytes_per_s: null, behind_since: null})
const ended = (upload: UploadState | null) => run({state: 'stopped', reason: 'completed', output_uri: 's3://b/p/', upload})

/** An agent that tells these states one after another, the last one for ever. */
function telling(...states: readonly UploadState[]): FakeDeps {
  const deps = new FakeDeps()
  let asked = 0
  deps.scripted.handlers.status = () => ({runs: [ended(states[Math.min(asked++, states.length - 1)] ?? null)], boot_id: 'x', now: deps.clock.now().toISOString()})
  return deps
}

describe('awaitUpload', () => {
  it('asks nothing where all is there, or nothing was to go anywhere', async () => {
    const deps = new FakeDeps()
    for (const upload of [at(3, 0), null]) expect((await awaitUpload(ended(upload), sampleInstance(), deps)).upload).to.equal(upload)
    expect((await awaitUpload(run({output_uri: null, upload: null}), sampleInstance(), deps)).output_uri).to.equal(null)
    expect(deps.scripted.calls).to.have.length(0)
  })

  it('waits while files arrive, however long that takes, and gives back what is then', async () => {
    const states = Array.from({length: 60}, (_, done) => at(done, 60 - done))
    const deps = telling(...states, at(60, 0))
    expect((await awaitUpload(ended(at(0, 60)), sampleInstance(), deps)).upload).to.deep.equal(at(60, 0))
    expect(deps.progress.warnings).to.deep.equal([])
  })

  it('says what is lacking when nothing arrives any more: sooner where an error is known', async () => {
    const silent = telling(at(1, 2))
    await awaitUpload(ended(at(1, 2)), sampleInstance(), silent)
    expect(silent.clock.slept).to.have.length(20)
    expect(silent.progress.warnings.join()).to.contain('2 file(s)').and.to.contain('s3://b/p/').and.to.contain('goes on trying')
    const refused = telling(at(1, 2, '403 AccessDenied'))
    await awaitUpload(ended(at(1, 2, '403 AccessDenied')), sampleInstance(), refused)
    expect(refused.clock.slept).to.have.length(5)
    expect(refused.progress.warnings.join()).to.contain('403 AccessDenied')
  })

  it('is not what a finished training fails at', async () => {
    const deps = new FakeDeps()
    deps.scripted.handlers.status = () => {
      throw new RunctlError('unreachable', 'it does not answer')
    }
    expect((await awaitUpload(ended(at(1, 1)), sampleInstance(), deps)).upload).to.deep.equal(at(1, 1))
    expect(deps.progress.warnings).to.have.length(1)
  })
})
