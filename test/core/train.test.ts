import {once} from 'node:events'
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
import {INSTANCE_ID, shellResult} from '../support/memory-provider.js'
import {MemoryStore} from '../support/memory-store.js'
import {expectedFailure, rejection} from '../support/rejection.js'
import {manifest, RUN_A} from '../support/stored-samples.js'
import {TimedStore} from '../support/timed-store.js'
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
    output: null,
    defaultOutput: null,
    checkpointDir: 'checkpoints',
    checkpointPatterns: [],
    outputDir: 'outputs',
    resume: null,
    name: null,
    python: null,
    concurrent: false,
    readyTimeoutMs: null,
    followed: false,
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
    const {result} = await train(input(), deps)
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
    expect((await train(input({readyTimeoutMs: 60_000}), waiting)).result.run.state).to.equal('running')
    const refusing = depsWith({state: 'pending'})
    const error = await expectedFailure(train(input(), refusing))
    expect(error.next).to.deep.equal([`runctl mem wait ${INSTANCE_ID}`, `runctl mem train ${INSTANCE_ID} train.py --wait -- --epochs 2`])
    expect(refusing.scripted.calls).to.deep.equal([])
  })

  it('begins nothing where a step of pretrain vetoes', async () => {
    const deps = depsWith()
    deps.lifecycle.answers.pretrain = () => Promise.reject(new RunctlError('step_failed', 'no'))
    expect((await expectedFailure(train(input(), deps))).code).to.equal('step_failed')
    expect(deps.scripted.calls).to.deep.equal([])
  })

  it('refuses places in a store that the platform does not have, before it is asked anything', async () => {
    const table: readonly [Partial<TrainInput>, store: boolean, message: RegExp][] = [
      [{data: 's3://bucket/x'}, false, /instances of mem cannot fetch s3:\/\/bucket\/x: the platform has no object store/],
      [{output: 's3://bucket/x'}, false, /cannot write to s3:\/\/bucket\/x: the platform has no object store/],
      [{data: 'gs://bucket/x'}, true, /addresses like s3:\/\/BUCKET\/PREFIX/],
      [{output: 'S3://bucket/x'}, true, /addresses like s3:\/\/BUCKET\/PREFIX/],
      [{output: 's3://'}, true, /is no address in a store/],
      [{output: 's3:///x'}, true, /is no address in a store/],
      [{data: 's3://b\nucket/x'}, true, /is no address in a store/],
      [{data: 's3://bucket/x\u001B[2J'}, true, /is no address in a store/],
      [{defaultOutput: 's3://-x/'}, true, /is no address in a store/],
    ]
    for (const [over, hasStore, message] of table) {
      const deps = depsWith()
      if (hasStore) deps.provider.store = new MemoryStore()
      const error = await expectedFailure(train(input(over), deps))
      expect(error.code).to.equal('bad_input')
      expect(error.message).to.match(message)
      expectUntouched(deps)
    }
  })

  it('tells the agent where data and output are, and the way there', async () => {
    const deps = depsWith()
    deps.provider.store = new MemoryStore()
    const access = {region: 'mem-1', endpoint: null}
    await train(input({data: 's3://bucket/set/', output: 's3://bucket/runs//', defaultOutput: 's3://other/'}), deps)
    expect(deps.scripted.calls[0]?.request).to.deep.include({data: null, data_source: {uri: 's3://bucket/set/', access}, output: {uri: 's3://bucket/runs', access}})
    await train(input({defaultOutput: 's3://other/'}), deps)
    expect(deps.scripted.calls[1]?.request).to.deep.include({data_source: null, output: {uri: 's3://other', access}})
  })

  it('sends what there is to resume from in the store, which it reads beside the look at the instance', async () => {
    const deps = depsWith({lifecycle: 'spot'})
    const store = new TimedStore()
    deps.provider.store = store
    const uri = `s3://bucket/runs/proj/${RUN_A}/checkpoints/step_1.pt`
    store.lay(uri, Buffer.from('data'))
    store.lay(`${uri}.manifest.json`, manifest(RUN_A, 'step_1.pt'))
    // Each waits for the other: one after the other they would never end.
    const [lookedAt, read] = [new AbortController(), new AbortController()]
    const told = ({signal}: AbortController): Promise<unknown> => (signal.aborted ? Promise.resolve() : once(signal, 'abort'))
    const describe = deps.provider.describeInstances.bind(deps.provider)
    deps.provider.describeInstances = async function* (query) {
      lookedAt.abort()
      await told(read)
      yield* describe(query)
    }
    const folders = store.folders.bind(store)
    store.folders = async function* (prefix) {
      await told(lookedAt)
      yield* folders(prefix)
      read.abort()
    }
    await train(input({output: 's3://bucket/runs', resume: 'latest', resumeArgument: '--load'}), deps)
    expect(deps.scripted.calls[0]?.request).to.deep.include({
      resume: 'latest', resume_access: {region: 'mem-1', endpoint: null}, resume_argument: '--load', interruptible: true,
    }).and.to.have.nested.property('resume_stored[0].uri', uri)
    expect(deps.provider.get().tags[TAGS.output]).to.equal('s3://bucket/runs')
  })

  it('starts nothing where the store to resume from cannot be read', async () => {
    const deps = depsWith()
    const store = new TimedStore()
    store.failures.folders = new RunctlError('platform_failed', 'access denied')
    deps.provider.store = store
    expect((await expectedFailure(train(input({output: 's3://bucket/runs', resume: 'latest'}), deps))).message).to.contain('nothing was started')
    expect(deps.journal).to.deep.equal([])
    expect(deps.scripted.calls).to.deep.equal([])
    await train(input({output: 's3://bucket/runs', resume: 'checkpoints/a.pt'}), deps)
    expect(deps.scripted.calls[0]?.request).to.deep.include({resume: 'checkpoints/a.pt', interruptible: false}).and.not.to.have.any.keys('resume_stored', 'resume_access', 'resume_argument')
  })

  it('passes over a configured output where the platform has no such store, and says so', async () => {
    const deps = depsWith()
    await train(input({defaultOutput: 's3://other/'}), deps)
    expect(deps.scripted.calls[0]?.request).to.deep.include({output: null})
    expect(deps.progress.notes).to.include('mem has no store like s3://other/: what this run writes stays on the instance')
  })

  it('keeps the values of the environment out of the platform\'s records, and warns where it cannot', async () => {
    const deps = depsWith()
    await train(input({env: {}}), deps)
    await train(input(), deps)
    expect(deps.scripted.calls.map(({options}) => options.confidential)).to.deep.equal([undefined, true])
    expect(deps.progress.warnings).to.deep.equal([])
    deps.provider.shell.recordsInput = true
    deps.provider.setup = {run: () => Promise.reject(new Error('not asked'))}
    await train(input({env: {}}), deps)
    expect(deps.progress.warnings).to.deep.equal([])
    await train(input(), deps)
    expect(deps.progress.warnings).to.deep.equal([
      'the values of --env stay readable in the command history of mem; with a bucket they travel in an object that expires: runctl mem setup',
    ])
  })

  describe('on an instance that runs but takes no commands yet', () => {
    const silent = (): RunctlError => new RunctlError('unreachable', 'the SSM agent has not connected', {next: ['runctl doctor'], details: {delivered: false}})

    it('says that it is not ready and how to wait', async () => {
      const deps = depsWith()
      deps.scripted.handlers.start = () => Promise.reject(silent())
      const error = await expectedFailure(train(input(), deps))
      expect(error.message).to.equal(`instance ${INSTANCE_ID} is not ready: the SSM agent has not connected`)
      expect(error.next).to.deep.equal([`runctl mem wait ${INSTANCE_ID}`, `runctl mem train ${INSTANCE_ID} train.py --wait -- --epochs 2`, 'runctl doctor'])
      expect(deps.footprint.all).to.deep.equal([])
      expect(deps.scripted.calls).to.have.length(1)
    })

    it('waits for it where it may, and tries once more', async () => {
      const deps = depsWith()
      const {start} = deps.scripted.handlers
      let failures = 1
      deps.scripted.handlers.start = (request, options) => (failures-- > 0 ? Promise.reject(silent()) : start!(request, options))
      let probes = 0
      deps.provider.shell.answer = () => shellResult('', ++probes < 3 ? 1 : 0)
      const {result} = await train(input({readyTimeoutMs: 60_000}), deps)
      expect(result.run.state).to.equal('running')
      expect([probes, deps.scripted.calls.length]).to.deep.equal([3, 2])
      failures = 2
      expect((await expectedFailure(train(input({readyTimeoutMs: 60_000}), deps))).code).to.equal('unreachable')
    })

    it('does not wait, nor advise it, where that would be in vain', async () => {
      for (const readyTimeoutMs of [null, 60_000]) {
        const deps = depsWith()
        const bare = new RunctlError('unreachable', 'no profile', {next: ['runctl mem setup'], details: {delivered: false, waiting_helps: false}})
        deps.scripted.handlers.start = () => Promise.reject(bare)
        const error = await expectedFailure(train(input({readyTimeoutMs}), deps))
        expect([error.message, error.next]).to.deep.equal(['no profile', ['runctl mem setup']])
        expect([deps.scripted.calls.length, deps.footprint.all]).to.deep.equal([1, []])
      }
    })

    it('repeats nothing that may have arrived', async () => {
      for (const details of [{}, {delivered: true}]) {
        const deps = depsWith()
        deps.scripted.handlers.start = () => Promise.reject(new RunctlError('unreachable', 'silence', {details}))
        await expectedFailure(train(input({readyTimeoutMs: 60_000}), deps))
        expect(deps.scripted.calls).to.have.length(1)
        expect(deps.footprint.all.map(({stillRunning}) => stillRunning).join()).to.match(/^perhaps run-/)
      }
    })
  })

  it('writes the tags where the project is another, and not for every run', async () => {
    const deps = depsWith({tags: {[TAGS.project]: 'proj', [TAGS.lastRun]: 'run-0'}})
    await train(input(), deps)
    expect(deps.journal).to.deep.equal(['pretrain'])
    await train(input({projectName: 'new'}), deps)
    expect(deps.journal).to.deep.equal(['pretrain', 'pretrain', 'setTags'])
  })

  it('does not wait for the script where the log is followed, and says what it waits for otherwise', async () => {
    const deps = depsWith()
    deps.provider.store = new MemoryStore()
    deps.scripted.handlers.start = ({run_id, sync}) =>
      ({run: run({run_id, state: 'preparing'}), sync: sync && {...APPLIED, tree: sync.tree}, resume_skipped: []})
    deps.scripted.handlers.status = ({run_id}) => ({runs: [run({run_id: run_id!, state: 'running'})], boot_id: 'b', now: ''})
    expect((await train(input({followed: true}), deps)).result.run.state).to.equal('preparing')
    expect((await train(input({data: 's3://b/set'}), deps)).result.run.state).to.equal('running')
    const titles = deps.progress.events.flatMap(event => (event.type === 'step' ? [event.title] : []))
    expect(titles).to.include('Wait until s3://b/set is on the instance and the script runs')
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
    expect((await train(input(), deps)).result.run.state).to.equal('running')
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
    expect((await train(input(), deps)).result.run.state).to.equal('running')
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
