import {mkdtemp, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import type {AgentVerb, RunStatus} from '../../src/agent/protocol.js'
import {runWorkflow, type Then, type WorkflowInput} from '../../src/core/run-workflow.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {RunctlError} from '../../src/model/errors.js'
import type {Instance} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID} from '../support/memory-provider.js'
import {expectedFailure, rejection} from '../support/rejection.js'
import {logsOf} from '../support/scripted-agent.js'
import {checkpoint, run} from '../ui/samples.js'

const GOOD = checkpoint({path: 'checkpoints/a.pt'})
const ENDED = run({state: 'stopped', reason: 'completed', exit_code: 0, last_checkpoint: GOOD})

describe('runWorkflow', () => {
  let root: string
  before(async () => {
    root = await realpath(await mkdtemp(path.join(tmpdir(), 'runctl-workflow-')))
    await writeFile(path.join(root, 'train.py'), '')
  })
  after(() => rm(root, {recursive: true}))

  const input = (over: Partial<WorkflowInput> = {}): WorkflowInput => ({
    instanceId: INSTANCE_ID,
    create: {requestId: 'req-1', name: null, instanceType: null, project: 'p', owner: 'eva', version: '1', wait: true, timeoutMs: 60_000},
    train: {
      script: 'train.py', args: [], cwd: root, projectRoot: root, projectName: 'p', syncCode: false, include: [], env: {}, data: null, output: null, defaultOutput: null,
      checkpointDir: 'checkpoints', checkpointPatterns: [], outputDir: 'outputs', resume: null, name: null, python: null, concurrent: false, readyTimeoutMs: null, followed: true,
    },
    then: 'auto',
    meanTimeToInterruptionMs: 86_400_000, graceMs: 1000,
    timeoutMs: null,
    readyTimeoutMs: 60_000,
    pullTo: path.join(root, 'pulled'),
    log: () => {},
    ...over,
  })

  function depsWith(instance: Partial<Instance> | null, ended: RunStatus = ENDED, checkpoints: readonly Checkpoint[] = [GOOD]): FakeDeps {
    const deps = new FakeDeps(instance)
    const {handlers} = deps.scripted
    handlers.start = () => ({run: run({state: 'running'}), sync: null, resume_skipped: []})
    handlers.logs = request => logsOf(Buffer.from('epoch 1\n'), ended)(request)
    handlers.checkpoints = () => ({checkpoints, dir: '/c', project_dir: '/p', latest_good: checkpoints.find(({state}) => state === 'complete') ?? null, latest_good_skipped: []})
    handlers.status = () => ({runs: [ended], boot_id: 'b', now: ''})
    handlers['list-files'] = () => ({base: '/p/checkpoints', kind: 'folder', entries: [], skipped: []})
    handlers['record-copy'] = ({copies}) => ({recorded: copies.length})
    return deps
  }

  it('chooses by who began and what it costs when told nothing else', async () => {
    const table: readonly [Partial<Instance> | null, price: number | null, began: string, then: string][] = [
      [null, 1, 'created', 'stop'],
      [null, 0, 'created', 'keep'],
      [null, null, 'created', 'stop'],
      [{state: 'stopped'}, 1, 'started', 'stop'],
      [{state: 'stopped'}, 0, 'started', 'keep'],
      [{state: 'stopped'}, null, 'started', 'stop'],
      [{state: 'running'}, 1, 'was-running', 'keep'],
      [{state: 'running'}, 0, 'was-running', 'keep'],
      [{state: 'running'}, null, 'was-running', 'keep'],
    ]
    for (const [instance, price, began, then] of table) {
      const deps = depsWith(instance)
      deps.provider.pricing = {hourlyPrice: async () => (price === null ? null : {usdPerHour: price, source: 'test'})}
      const result = await runWorkflow(input({instanceId: instance === null ? null : INSTANCE_ID}), deps)
      expect(result, JSON.stringify([instance, price])).to.include({began, then})
      expect(deps.journal.includes('stopInstance')).to.equal(then === 'stop')
      expect(deps.journal).not.to.include('terminateInstance')
    }
  })

  it('does as it is told otherwise', async () => {
    for (const [then, call] of [['keep', null], ['stop', 'stopInstance'], ['terminate', 'terminateInstance']] as const) {
      const deps = depsWith({})
      const result = await runWorkflow(input({then}), deps)
      expect(result.then).to.equal(then)
      expect(deps.journal.filter(name => name === 'stopInstance' || name === 'terminateInstance')).to.deep.equal(call === null ? [] : [call])
    }
  })

  it('goes from nothing to verified checkpoints, with the steps of each part', async () => {
    const deps = depsWith(null)
    const log: string[] = []
    const result = await runWorkflow(input({instanceId: null, log: bytes => log.push(Buffer.from(bytes).toString())}), deps)
    expect(deps.journal).to.deep.equal([
      'precreate', 'createInstance', 'postcreate', 'pretrain', 'setTags', 'checkpoint-saved', 'posttrain',
      'prestop', 'prestop-checkpoint', 'setTags', 'stopInstance', 'poststop',
    ])
    expect(log.join('')).to.equal('epoch 1\n')
    expect(result).to.include({verified_count: 1, pulled: null})
    expect(result.next[0]).to.equal('runctl mem start mem-new --wait')
    expect(deps.footprint.all).to.deep.equal([])
  })

  it('stops what it created where the script could not be started, and nothing that ran before or may be running', async () => {
    const table: readonly [Partial<Instance> | null, RunctlError, stops: boolean][] = [
      [null, new RunctlError('verification_failed', 'nothing to resume from'), true],
      [{state: 'stopped'}, new RunctlError('verification_failed', 'nothing to resume from'), true],
      [{state: 'running'}, new RunctlError('run_active', 'another run'), false],
      [null, new RunctlError('unreachable', 'no answer: it may have arrived'), false],
    ]
    for (const [instance, refusal, stops] of table) {
      const deps = depsWith(instance)
      deps.provider.pricing = {hourlyPrice: async () => ({usdPerHour: 1, source: 'test'})}
      deps.scripted.handlers.start = () => {
        throw refusal
      }
      const error = await expectedFailure(runWorkflow(input({instanceId: instance === null ? null : INSTANCE_ID}), deps))
      expect(error.code).to.equal(refusal.code)
      expect(deps.journal.includes('stopInstance'), refusal.message).to.equal(stops)
    }
  })

  it('copies the checkpoints here before it terminates', async () => {
    const deps = depsWith({})
    const order: string[] = []
    const listFiles = deps.scripted.handlers['list-files']!
    deps.scripted.handlers['list-files'] = async (request, options) => {
      order.push('pull', ...deps.journal.filter(name => name === 'terminateInstance'))
      return listFiles(request, options)
    }
    const result = await runWorkflow(input({then: 'terminate'}), deps)
    expect(order).to.deep.equal(['pull'])
    expect(result.pulled?.destination).to.match(/pulled\/run-/)
    expect(deps.provider.get().state).to.equal('terminated')
    expect(result.next).to.deep.equal([])
  })

  it('does not terminate where the copy fails', async () => {
    const deps = depsWith({})
    deps.scripted.handlers['list-files'] = () => Promise.reject(new RunctlError('unreachable', 'silent'))
    expect((await expectedFailure(runWorkflow(input({then: 'terminate'}), deps))).code).to.equal('unreachable')
    expect(deps.provider.get().state).to.equal('running')
    expect(deps.footprint.all).not.to.be.empty
  })

  describe('when the training fails', () => {
    const failed = run({state: 'stopped', reason: 'failed', exit_code: 3})

    it('stops, also where it was to terminate: the disk is worth keeping', async () => {
      for (const then of ['stop', 'terminate'] as Then[]) {
        const deps = depsWith({}, failed)
        const error = await expectedFailure(runWorkflow(input({then}), deps))
        expect(error.code).to.equal('training_failed')
        expect(error.details).to.include({exit_code: 3})
        expect(deps.provider.get().state).to.equal('stopped')
        expect(deps.progress.notes.join()).to.include('its disk with the log is kept')
      }
    })

    it('leaves running what it was to keep', async () => {
      const deps = depsWith({}, failed)
      await expectedFailure(runWorkflow(input({then: 'keep'}), deps))
      expect(deps.provider.get().state).to.equal('running')
    })

    it('still says so where the instance cannot be stopped, and that it runs', async () => {
      const deps = depsWith({}, failed)
      deps.provider.failures.stopInstance = new RunctlError('platform_failed', 'outage')
      expect((await expectedFailure(runWorkflow(input({then: 'stop'}), deps))).code).to.equal('training_failed')
      expect(deps.progress.warnings.join()).to.include('could not be stopped: outage')
      expect(deps.footprint.all.map(({stillRunning}) => stillRunning).join()).to.include(INSTANCE_ID)
    })

    it('still says so where its last lines cannot be had', async () => {
      const deps = depsWith({}, failed)
      const logs = deps.scripted.handlers.logs!
      deps.scripted.handlers.logs = (request, options) => (request.tail_lines === undefined ? logs(request, options) : Promise.reject(new RunctlError('unreachable', 'x')))
      const error = await expectedFailure(runWorkflow(input(), deps))
      expect(error).to.deep.include({code: 'training_failed'})
      expect(error.details['last_log_lines']).to.deep.equal([])
    })

    it('tells dependencies from the script itself', async () => {
      const deps = depsWith({}, run({state: 'stopped', reason: 'failed', started_at: null, exit_code: null, detail: 'pip ended with 1'}))
      expect((await expectedFailure(runWorkflow(input(), deps))).code).to.equal('dependencies_failed')
    })
  })

  it('ends nothing at its time limit or at a detach', async () => {
    const goesOn = run({state: 'running', reason: null})
    const late = depsWith({state: 'stopped'})
    late.scripted.handlers.logs = request => {
      late.clock.advance(20_000)
      return logsOf(Buffer.alloc(0), goesOn, {end: false})(request)
    }
    expect((await expectedFailure(runWorkflow(input({timeoutMs: 60_000, then: 'terminate'}), late))).code).to.equal('timed_out')
    expect(late.provider.get().state).to.equal('running')
    expect(late.footprint.all.length).to.equal(2)

    const detached = depsWith({state: 'stopped'})
    const reason = new Error('detached')
    detached.scripted.handlers.logs = request => {
      detached.interrupt.abort(reason)
      return logsOf(Buffer.alloc(0), goesOn, {end: false})(request)
    }
    expect(await rejection(runWorkflow(input({then: 'stop'}), detached))).to.equal(reason)
    expect(detached.provider.get().state).to.equal('running')
  })

  it('does not leave a failing step of a checkpoint behind as a rejection that nobody handles', async () => {
    const deps = depsWith({})
    const reason = new Error('detached')
    deps.lifecycle.answers['checkpoint-saved'] = () => Promise.reject(reason)
    deps.scripted.handlers.logs = async request => {
      await new Promise(resolve => setImmediate(resolve))
      return logsOf(Buffer.from('xx'), ENDED)({...request, max_bytes: 1})
    }
    const unhandled: unknown[] = []
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', error => unhandled.push(error))
    try {
      expect(await rejection(runWorkflow(input(), deps))).to.equal(reason)
    } finally {
      process.removeAllListeners('unhandledRejection')
      for (const other of others) process.on('unhandledRejection', other)
    }
    expect(unhandled).to.deep.equal([])
  })

  it('warns of broken checkpoints, and rejects where none is good, stopping what it was to end', async () => {
    const corrupt = checkpoint({path: 'checkpoints/b.pt', state: 'corrupt', state_detail: 'cut off'})
    const some = depsWith({}, ENDED, [GOOD, corrupt])
    expect(await runWorkflow(input(), some)).to.include({verified_count: 1})
    expect(some.progress.warnings).to.deep.equal(['checkpoints/b.pt is corrupt: cut off'])
    const none = depsWith({}, ENDED, [corrupt])
    expect((await expectedFailure(runWorkflow(input({then: 'terminate'}), none))).code).to.equal('verification_failed')
    expect(none.provider.get().state).to.equal('stopped')
  })

  it('never calls a verb that it does not need', async () => {
    const deps = depsWith({})
    await runWorkflow(input({then: 'keep'}), deps)
    expect(deps.scripted.verbs).to.deep.equal(['start', 'logs', 'checkpoints'] satisfies AgentVerb[])
  })
})
