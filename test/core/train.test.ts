import {mkdir, mkdtemp, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import type {StartRequest} from '../../src/agent/protocol.js'
import {checkScript} from '../../src/core/check-script.js'
import {train, type TrainInput} from '../../src/core/train.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID} from '../support/memory-provider.js'
import {expectedFailure, rejection} from '../support/rejection.js'
import {run} from '../ui/samples.js'

const APPLIED = {applied: true, tree: 't', need: null, files_written: 1, files_removed: 0, kept_modified: [], dir: '/home/u/projects/p'}

/** The platform was asked nothing, and nothing was sent. */
function expectUntouched(deps: FakeDeps): void {
  expect(deps.provider.describes).to.equal(0)
  expect(deps.journal).to.deep.equal([])
  expect(deps.scripted.calls).to.deep.equal([])
}

describe('train', () => {
  let root: string
  let cache: string
  beforeEach(async () => {
    root = await realpath(await mkdtemp(path.join(tmpdir(), 'runctl-train-')))
    cache = await mkdtemp(path.join(tmpdir(), 'runctl-cache-'))
    await mkdir(path.join(root, 'sub'))
    for (const name of ['train.py', 'sub/other.py', '..odd.py']) await writeFile(path.join(root, name), 'print(1)\n')
  })
  afterEach(async () => {
    for (const folder of [root, cache]) await rm(folder, {recursive: true})
  })

  const input = (over: Partial<TrainInput> = {}): TrainInput => ({
    instanceId: INSTANCE_ID,
    script: 'train.py',
    args: ['--epochs', '2'],
    cwd: root,
    projectRoot: root,
    projectName: 'proj',
    syncCode: true,
    include: [],
    env: {A: '1'},
    data: null,
    checkpointDir: 'checkpoints',
    checkpointPatterns: [],
    outputDir: 'outputs',
    resume: null,
    name: null,
    python: null,
    concurrent: false,
    readyTimeoutMs: null,
    ...over,
  })

  function depsWith(instance: ConstructorParameters<typeof FakeDeps>[0] = {}): FakeDeps {
    const deps = new FakeDeps(instance)
    deps.cacheDir = cache
    deps.scripted.handlers.start = ({run_id, sync}) =>
      ({run: run({run_id, state: 'running'}), sync: sync && {...APPLIED, tree: sync.tree}, resume_skipped: []})
    return deps
  }

  it('sends what changed within the start, tags the instance, and gives back the run', async () => {
    const deps = depsWith()
    const result = await train(input(), deps)
    expect(deps.scripted.verbs).to.deep.equal(['start'])
    const request = deps.scripted.calls[0]?.request as StartRequest
    expect(request).to.deep.include({project: 'proj', script: 'train.py', args: ['--epochs', '2'], env: {A: '1'}, resume: null, concurrent: false})
    expect(request.sync?.manifest?.map(entry => entry.path)).to.include('train.py')
    expect(result).to.deep.include({instance_id: INSTANCE_ID, platform: 'mem', data_sync: null})
    expect(result.run.run_id).to.equal(request.run_id)
    expect(deps.journal).to.deep.equal(['pretrain', 'setTags'])
    expect(deps.provider.get().tags).to.include({[TAGS.lastRun]: request.run_id, [TAGS.project]: 'proj'})
  })

  it('refuses a script that is not there before the platform is asked anything', async () => {
    const deps = depsWith()
    const error = await expectedFailure(train(input({script: 'nope.py'}), deps))
    expect(error.code).to.equal('not_found')
    expect(error.message).to.include('nope.py does not exist here').and.to.include('nothing was sent')
    expect(error.next).not.to.be.empty
    expectUntouched(deps)
  })

  it('refuses a folder, and a script outside the project, as early', async () => {
    for (const [script, code] of [['sub', 'not_found'], ['.', 'not_found'], ['../x.py', 'bad_input'], ['/etc/passwd', 'bad_input'], ['..', 'bad_input']] as const) {
      const deps = depsWith()
      expect((await expectedFailure(train(input({script}), deps))).code, script).to.equal(code)
      expectUntouched(deps)
    }
  })

  it('finds the script from the folder of the user, and hands it on from that of the project', async () => {
    const at = (over: Partial<TrainInput>): Promise<string> => checkScript(input(over), 'mem')
    expect(await at({cwd: path.join(root, 'sub'), script: 'other.py'})).to.equal('sub/other.py')
    expect(await at({cwd: path.join(root, 'sub'), script: '../train.py'})).to.equal('train.py')
    expect(await at({script: path.join(root, 'train.py')})).to.equal('train.py')
    expect(await at({script: '..odd.py'})).to.equal('..odd.py')
    expect(await at({script: 'only/there.py', syncCode: false})).to.equal('only/there.py')
  })

  it('refuses an instance that is stopped, with the command that starts it, and sends nothing', async () => {
    const deps = depsWith({state: 'stopped', stateReason: 'interrupted'})
    const error = await expectedFailure(train(input(), deps))
    expect(error.code).to.equal('wrong_state')
    expect(error.message).to.equal(`instance ${INSTANCE_ID} is not ready: it is stopped (interrupted), not running`)
    expect(error.next).to.deep.equal([`runctl mem start ${INSTANCE_ID} --wait`])
    expect(deps.journal).to.deep.equal([])
    expect(deps.scripted.calls).to.deep.equal([])
  })

  it('waits for an instance on its way where it may, and refuses it where not', async () => {
    const waiting = depsWith({state: 'pending'})
    waiting.provider.upcoming.push('pending', 'pending', 'running')
    expect((await train(input({readyTimeoutMs: 60_000}), waiting)).run.state).to.equal('running')
    const refusing = depsWith({state: 'pending'})
    const error = await expectedFailure(train(input(), refusing))
    expect(error.next).to.deep.equal([`runctl mem wait ${INSTANCE_ID}`])
    expect(refusing.scripted.calls).to.deep.equal([])
  })

  it('begins nothing where a step of pretrain vetoes', async () => {
    const deps = depsWith()
    deps.lifecycle.answers.pretrain = () => Promise.reject(new RunctlError('step_failed', 'no'))
    expect((await expectedFailure(train(input(), deps))).code).to.equal('step_failed')
    expect(deps.scripted.calls).to.deep.equal([])
  })

  it('refuses data in an object store that the platform does not have', async () => {
    expect((await expectedFailure(train(input({data: 's3://bucket/x'}), depsWith()))).code).to.equal('bad_input')
  })

  it('takes data that are on the instance as they are', async () => {
    const deps = depsWith()
    await train(input({data: 'instance:/mnt/data', resume: 'instance:checkpoints/a.pt'}), deps)
    expect(deps.scripted.calls[0]?.request).to.include({data: '/mnt/data', resume: 'checkpoints/a.pt'})
  })

  it('advises by what went wrong', async () => {
    const advice: readonly [RunctlError, Partial<TrainInput>, readonly string[]][] = [
      [new RunctlError('run_active', 'busy', {details: {run_id: 'run-1'}}), {},
        [`runctl mem monitor ${INSTANCE_ID} --follow`, 'runctl run stop run-1', `runctl mem train ${INSTANCE_ID} train.py --project-name other`]],
      [new RunctlError('run_active', 'busy'), {}, [`runctl mem monitor ${INSTANCE_ID} --follow`, `runctl mem train ${INSTANCE_ID} train.py --project-name other`]],
      [new RunctlError('verification_failed', 'corrupt'), {resume: 'latest'}, [`runctl checkpoint list --instance-id ${INSTANCE_ID}`]],
      [new RunctlError('not_found', 'none'), {resume: 'x.pt'}, [`runctl checkpoint list --instance-id ${INSTANCE_ID}`]],
      [new RunctlError('not_found', 'none'), {}, []],
      [new RunctlError('unreachable', 'silent'), {}, []],
    ]
    for (const [failure, over, next] of advice) {
      const deps = depsWith()
      deps.scripted.handlers.start = () => Promise.reject(failure)
      const error = await expectedFailure(train(input(over), deps))
      expect(error).to.deep.include({code: failure.code, next})
      expect(deps.journal).to.deep.equal(['pretrain'])
    }
  })

  it('warns of checkpoints that were passed over when resuming', async () => {
    const deps = depsWith()
    deps.scripted.handlers.start = ({run_id, sync}) =>
      ({run: run({run_id, state: 'running'}), sync: sync && {...APPLIED, tree: sync.tree}, resume_skipped: [{path: 'checkpoints/b.pt', why: 'cut off'}]})
    await train(input({resume: 'latest'}), deps)
    expect(deps.progress.warnings).to.include('passed over checkpoints/b.pt when resuming: cut off')
  })

  it('waits while dependencies are installed, and leaves it running when that takes too long', async () => {
    const deps = depsWith()
    deps.scripted.handlers.start = ({run_id, sync}) =>
      ({run: run({run_id, state: 'preparing'}), sync: sync && {...APPLIED, tree: sync.tree}, resume_skipped: []})
    const states = ['preparing', 'preparing', 'running'] as const
    let asked = 0
    deps.scripted.handlers.status = ({run_id}) => ({runs: [run({run_id: run_id!, state: states[asked++]!})], boot_id: 'b', now: ''})
    expect((await train(input(), deps)).run.state).to.equal('running')
    expect(asked).to.equal(3)

    deps.scripted.handlers.status = ({run_id}) => {
      deps.clock.advance(600_000)
      return {runs: [run({run_id: run_id!, state: 'preparing'})], boot_id: 'b', now: ''}
    }
    const error = await expectedFailure(train(input(), deps))
    expect(error.code).to.equal('timed_out')
    expect(deps.footprint.all.map(({stillRunning}) => stillRunning).join()).to.match(/^run-\S+ on mem-1/)
  })

  it('warns where the run cannot be recorded in the tags: it runs all the same', async () => {
    const deps = depsWith()
    deps.provider.failures.setTags = new RunctlError('platform_failed', 'not allowed')
    expect((await train(input(), deps)).run.state).to.equal('running')
    expect(deps.progress.warnings.join()).to.include('not allowed')
  })

  it('ends with the reason of an abort', async () => {
    const deps = depsWith()
    const reason = new Error('detached')
    deps.lifecycle.answers.pretrain = () => {
      deps.interrupt.abort(reason)
      return []
    }
    expect(await rejection(train(input(), deps))).to.equal(reason)
  })
})
