import {expect} from 'chai'

import {planContinue, type ContinueInput} from '../../src/core/plan-continue.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID} from '../support/memory-provider.js'
import {expectedFailure} from '../support/rejection.js'
import {layCheckpoint, layRunRecord, OUT, prefixOf, RUN_A, RUN_B} from '../support/stored-samples.js'
import {TimedStore} from '../support/timed-store.js'
import {run} from '../ui/samples.js'

const ENDED = run({run_id: RUN_A, state: 'stopped', reason: 'interrupted', output_uri: prefixOf(RUN_A)})

describe('how a run is continued', () => {
  let store: TimedStore
  beforeEach(() => (store = new TimedStore()))

  function scene(runs: readonly (typeof ENDED)[], tags = {}): FakeDeps {
    const deps = new FakeDeps({tags})
    deps.provider.store = store
    deps.scripted.handlers.status = ({run_id}) => {
      const found = run_id === undefined ? runs.slice(0, 1) : runs.filter(one => one.run_id === run_id)
      if (run_id !== undefined && found.length === 0) throw new RunctlError('not_found', 'no such run')
      return {runs: found, boot_id: 'b', now: ''}
    }
    return deps
  }
  const input = (over: Partial<ContinueInput> = {}): ContinueInput =>
    ({instanceId: INSTANCE_ID, runId: null, checkpoint: null, from: null, defaultOutput: null, projectName: 'elsewhere', ...over})

  it('is as its instance tells: script, arguments, folders within the project, output, from the latest good one', async () => {
    const {run: found, ...rest} = await planContinue(input(), scene([ENDED]))
    expect(found.run_id).to.equal(RUN_A)
    expect(rest).to.deep.equal({
      script: 'training/train_with_checkpoints.py', args: ['--epochs', '5'], projectName: 'mnist', checkpointDir: 'checkpoints', outputDir: 'outputs',
      output: OUT, resume: 'latest', isSameInstance: true,
    })
    expect(store.calls).to.deep.equal([])
  })

  it('goes on from its own checkpoints where it is named, from where it began where it saved none, and from the one that is given', async () => {
    expect((await planContinue(input({runId: RUN_A}), scene([ENDED]))).resume).to.equal(RUN_A)
    const none = {...ENDED, last_checkpoint: null, resume_from: 'checkpoints/before.pt'}
    expect((await planContinue(input({runId: RUN_A}), scene([none]))).resume).to.equal('checkpoints/before.pt')
    expect((await planContinue(input({checkpoint: 's3://b/x.pt'}), scene([ENDED]))).resume).to.equal('s3://b/x.pt')
  })

  it('keeps a folder outside of the project where it is', async () => {
    expect((await planContinue(input(), scene([{...ENDED, checkpoint_dir: '/mnt/fast/ckpt', output_uri: null}])))).to.deep.include({checkpointDir: '/mnt/fast/ckpt', output: null})
  })

  it('on another instance is as run.json in the store tells, wherever that is', async () => {
    layCheckpoint(store, RUN_A, 'step_1.pt')
    layRunRecord(store, RUN_A, ['step_1.pt'], {args: ['--lr', '0.1']})
    const wanted = {args: ['--lr', '0.1'], projectName: 'mnist', output: OUT, resume: RUN_A, isSameInstance: false, checkpointDir: 'checkpoints'}
    expect(await planContinue(input({runId: RUN_A, defaultOutput: OUT}), scene([]))).to.deep.include(wanted)
    expect(await planContinue(input({runId: RUN_A, from: OUT}), scene([run({run_id: RUN_B})]))).to.deep.include(wanted)
    expect(await planContinue(input({runId: RUN_A}), scene([], {[TAGS.output]: OUT}))).to.deep.include(wanted)
    expect(await planContinue(input({defaultOutput: OUT, projectName: 'mnist'}), scene([]))).to.deep.include(wanted)
  })

  it('refuses a run that goes on, one that is nowhere, and an instance that does not run', async () => {
    const active = await expectedFailure(planContinue(input(), scene([{...ENDED, state: 'running'}])))
    expect([active.code, active.next[0]]).to.deep.equal(['run_active', `runctl mem monitor ${INSTANCE_ID} --follow`])
    for (const runId of [null, RUN_B]) {
      const error = await expectedFailure(planContinue(input({runId, defaultOutput: OUT}), scene([])))
      expect(error.code).to.equal('not_found')
      expect(error.next[0]).to.equal(`runctl checkpoint resume --instance-id ${INSTANCE_ID} --run ${runId ?? 'RUN'} --from s3://BUCKET/PREFIX`)
    }
    const deps = new FakeDeps({state: 'stopped'})
    expect((await expectedFailure(planContinue(input(), deps))).next).to.deep.equal([`runctl mem start ${INSTANCE_ID} --wait`])
  })

  it('refuses a record that does not say how the run was begun', async () => {
    layCheckpoint(store, RUN_A, 'step_1.pt')
    store.lay(`${prefixOf(RUN_A)}run.json`, {run: {run_id: RUN_A, script: 7}})
    expect((await expectedFailure(planContinue(input({runId: RUN_A, defaultOutput: OUT}), scene([])))).code).to.equal('verification_failed')
  })
})
