import {expect} from 'chai'

import {planResume, type ResumeInput, type ResumePlan} from '../../src/core/plan-resume.js'
import {RunctlError} from '../../src/model/errors.js'
import {FakeDeps} from '../support/fake-deps.js'
import {expectedFailure} from '../support/rejection.js'
import {layCheckpoint, layRunRecord, OUT, prefixOf, RUN_A, RUN_B, stored} from '../support/stored-samples.js'
import {TimedStore} from '../support/timed-store.js'

describe('what a start resumes from', () => {
  let store: TimedStore
  let deps: FakeDeps
  beforeEach(() => {
    store = new TimedStore()
    deps = new FakeDeps()
    deps.provider.store = store
  })
  const plan = (resume: string | null, over: Partial<ResumeInput> = {}): Promise<ResumePlan> => planResume({resume, projectName: 'mnist', output: OUT, ...over}, deps)

  it('is nothing, or a path on the instance, without asking the store', async () => {
    expect(await plan(null)).to.deep.equal({resume: null})
    expect(await plan('instance:checkpoints/a.pt')).to.deep.equal({resume: 'checkpoints/a.pt'})
    expect(await plan('latest', {output: null})).to.deep.equal({resume: 'latest'})
    expect(store.calls).to.deep.equal([])
    delete deps.provider.store
    expect(await plan('latest')).to.deep.equal({resume: 'latest'})
  })

  it('has the newest five complete ones of the project beside those on the instance, read no deeper than that', async () => {
    layCheckpoint(store, RUN_A, 'step_1.pt')
    for (let step = 2; step <= 8; step++) layCheckpoint(store, RUN_B, `step_${step}.pt`, step === 8 ? {state: 'corrupt'} : step === 7 ? {state: 'unverified'} : {})
    layRunRecord(store, RUN_B, [])
    const {resume, resume_access, resume_stored} = await plan('latest')
    expect([resume, resume_access?.region]).to.deep.equal(['latest', 'mem-1'])
    expect(resume_stored).to.deep.equal([6, 5, 4, 3, 2].map(step => stored(RUN_B, `step_${step}.pt`)))
    expect(store.calls.some(call => call.includes(RUN_A))).to.equal(false)
  })

  it('goes on to earlier runs where the newest has too few', async () => {
    layCheckpoint(store, RUN_A, 'step_1.pt')
    layCheckpoint(store, RUN_B, 'step_2.pt')
    expect((await plan('latest')).resume_stored?.map(({run_id}) => run_id)).to.deep.equal([RUN_B, RUN_A])
  })

  it('of a run is its own, whatever came later', async () => {
    layCheckpoint(store, RUN_A, 'step_1.pt')
    layCheckpoint(store, RUN_B, 'step_2.pt')
    expect(await plan(RUN_A)).to.deep.include({resume: RUN_A, resume_stored: [stored(RUN_A, 'step_1.pt')]})
    expect(store.count('folders')).to.equal(0)
  })

  it('takes those of a format that cannot be judged only where none is complete', async () => {
    layCheckpoint(store, RUN_A, 'step_1.pt', {state: 'unverified'})
    expect((await plan('latest')).resume_stored?.map(({state}) => state)).to.deep.equal(['unverified'])
  })

  it('is never what has no manifest', async () => {
    store.lay(`${prefixOf(RUN_A)}checkpoints/step_1.pt`, Buffer.from('data'))
    expect(await plan('latest')).to.deep.equal({resume: 'latest'})
  })

  it('refuses where the store cannot be read, rather than to go on from something older', async () => {
    for (const call of ['folders', 'list', 'get'] as const) {
      layCheckpoint(store, RUN_A, 'step_1.pt')
      store.failures[call] = new RunctlError('platform_failed', 'access denied', {next: ['runctl doctor']})
      const error = await expectedFailure(plan('latest'))
      expect(error.code).to.equal('platform_failed')
      expect(error.message).to.contain('nothing was started').and.contain('access denied')
      expect(error.next.join('\n')).to.contain('runctl doctor').and.contain('--resume PATH')
      delete store.failures[call]
    }
  })

  it('is just the one whose address is given', async () => {
    for (const step of [1, 2]) layCheckpoint(store, RUN_A, `step_${step}.pt`)
    const uri = `${prefixOf(RUN_A)}checkpoints/step_1.pt`
    expect(await plan(uri, {output: null})).to.deep.include({resume: null, resume_stored: [stored(RUN_A, 'step_1.pt')]})
    expect((await plan(`${uri}/`)).resume_stored).to.have.length(1)
  })

  it('refuses an address that is no whole checkpoint, with what there is', async () => {
    layCheckpoint(store, RUN_A, 'step_1.pt')
    layCheckpoint(store, RUN_A, 'step_2.pt', {state: 'corrupt'})
    store.lay('s3://bucket/plain/model.pt', Buffer.from('data'))
    const at = `${prefixOf(RUN_A)}checkpoints`
    const table: readonly [string, string, string][] = [
      [`${at}/step_2.pt`, 'verification_failed', 'is corrupt'],
      [`${at}/step_9.pt`, 'not_found', 'there is no checkpoint'],
      ['s3://bucket/plain/model.pt', 'verification_failed', 'is not known to be whole'],
      [at, 'bad_input', 'a place with 2 of them'],
      ['gs://bucket/a.pt', 'bad_input', 'addresses like s3://'],
    ]
    for (const [uri, code, message] of table) {
      const error = await expectedFailure(plan(uri))
      expect([error.code, error.message.includes(message)], `${uri}: ${error.message}`).to.deep.equal([code, true])
      expect(error.next, uri).not.to.be.empty
    }
  })
})
