import {expect} from 'chai'
import fc from 'fast-check'

import {checkpointTag} from '../../src/core/checkpoint-tag.js'
import {endInstance, type EndInput} from '../../src/core/end-instance.js'
import {readCheckpointTag} from '../../src/core/list-resources.js'
import type {StopReport} from '../../src/agent/protocol.js'
import type {SaveResult} from '../../src/hooks/events.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID} from '../support/memory-provider.js'
import {expectedFailure} from '../support/rejection.js'
import {checkpoint, run} from '../ui/samples.js'

const input = (over: Partial<EndInput> = {}): EndInput =>
  ({instanceId: INSTANCE_ID, kind: 'stop', graceMs: 120_000, force: false, requestId: 'req-1', timeoutMs: 60_000, ...over})

const report = (over: Partial<StopReport> = {}): StopReport => ({
  run_id: 'run-20261123-195501-3f9a',
  asked: 'stop-file+sigterm',
  ok: true,
  why: null,
  checkpoint: checkpoint({path: 'checkpoints/last.pt', epoch: 4, step: 9}),
  saved_on_request: true,
  ended: 'graceful',
  killed: 0,
  took_s: 3,
  ...over,
})
const saved = (over: Partial<SaveResult> = {}): SaveResult => ({ok: true, why: null, reports: [report()], only_here: [], ...over})
const BAD: SaveResult = {ok: false, why: 'run-1: no checkpoint was written', reports: [report({ok: false, checkpoint: null, ended: 'running'})], only_here: []}

function depsWith(save: SaveResult, instance: ConstructorParameters<typeof FakeDeps>[0] = {}): FakeDeps {
  const deps = new FakeDeps(instance)
  deps.lifecycle.answers['prestop-checkpoint'] = () => [save]
  deps.scripted.handlers.status = () => ({runs: [], boot_id: 'b', now: ''})
  deps.scripted.handlers.checkpoints = () => Promise.reject(new RunctlError('not_found', 'there is no run'))
  return deps
}

describe('endInstance', () => {
  it('stops in one order: steps, save, record, stop, steps', async () => {
    const deps = depsWith(saved())
    const result = await endInstance(input(), deps)
    expect(deps.journal).to.deep.equal(['prestop', 'prestop-checkpoint', 'setTags', 'stopInstance', 'poststop'])
    expect(result).to.deep.include({changed: true, saved: saved()})
    expect(result.instance.state).to.equal('stopped')
    expect(result.cost_usd).to.be.closeTo(2 * 1.006, 1e-9)
    expect(deps.footprint.all).to.deep.equal([])
  })

  it('terminates in the same order, with the steps of a terminate', async () => {
    const deps = depsWith(saved())
    await endInstance(input({kind: 'terminate'}), deps)
    expect(deps.journal).to.deep.equal(['preterminate', 'prestop-checkpoint', 'setTags', 'terminateInstance', 'postterminate'])
  })

  it('hands grace, force and request id to the save', async () => {
    const deps = depsWith(saved())
    await endInstance(input({graceMs: 30_500, force: true}), deps)
    const asked = deps.lifecycle.inputs.find(({event}) => event === 'prestop-checkpoint')
    expect(asked?.input).to.deep.include({graceSeconds: 30.5, force: true, requestId: 'req-1'})
    expect(asked?.force).to.equal(true)
  })

  it('records run, checkpoint and reason in the tags before the stop', async () => {
    const deps = depsWith(saved({only_here: [checkpoint(), checkpoint()]}))
    const stop = deps.provider.stopInstance
    deps.provider.stopInstance = async id => {
      const {tags} = deps.provider.get()
      expect(tags).to.include({[TAGS.lastRun]: 'run-20261123-195501-3f9a', [TAGS.stateReason]: 'user', [TAGS.onlyHere]: '2'})
      expect(readCheckpointTag(tags[TAGS.lastCheckpoint])).to.include({path: 'checkpoints/last.pt', epoch: 4, step: 9})
      return stop(id)
    }
    await endInstance(input(), deps)
    expect(deps.journal).to.include('stopInstance')
  })

  it('leaves the instance running when nothing good was saved, and says so', async () => {
    const deps = depsWith(BAD)
    const error = await expectedFailure(endInstance(input(), deps))
    expect(error.code).to.equal('save_failed')
    expect(error.message).to.include('nothing was stopped').and.to.include('no checkpoint was written')
    expect(error.next).to.include(`runctl mem stop ${INSTANCE_ID} --force`)
    expect(deps.journal).to.deep.equal(['prestop', 'prestop-checkpoint'])
    expect(deps.footprint.all.map(trace => trace.stillRunning)).to.deep.equal([`instance ${INSTANCE_ID} ($1.006/h)`])
    expect(deps.progress.ends).to.include('save failed')
  })

  it('lets one step that disagrees keep the instance running', async () => {
    const deps = depsWith(saved())
    deps.lifecycle.answers['prestop-checkpoint'] = () => [saved(), {...BAD, why: 'the upload goes on'}]
    const error = await expectedFailure(endInstance(input(), deps))
    expect(error.message).to.include('the upload goes on')
    expect(deps.journal).not.to.include('stopInstance')
  })

  it('takes no answer at all for no agreement', async () => {
    const deps = depsWith(saved())
    deps.lifecycle.answers['prestop-checkpoint'] = () => []
    expect((await expectedFailure(endInstance(input(), deps))).code).to.equal('save_failed')
    expect(deps.journal).not.to.include('stopInstance')
  })

  it('leaves the instance running when a step vetoes, and names --force', async () => {
    const deps = depsWith(saved())
    deps.lifecycle.answers['prestop-checkpoint'] = () => Promise.reject(new RunctlError('unreachable', 'no answer'))
    const error = await expectedFailure(endInstance(input(), deps))
    expect(error).to.deep.include({code: 'unreachable', next: [`runctl mem stop ${INSTANCE_ID} --force`]})
    expect(deps.journal).to.deep.equal(['prestop', 'prestop-checkpoint'])
    const first = depsWith(saved())
    first.lifecycle.answers.prestop = () => Promise.reject(new RunctlError('step_failed', 'no'))
    await expectedFailure(endInstance(input(), first))
    expect(first.journal).to.deep.equal(['prestop'])
  })

  it('goes on with force where nothing good was saved', async () => {
    const deps = depsWith(BAD)
    const result = await endInstance(input({force: true}), deps)
    expect(result.saved).to.deep.equal(BAD)
    expect(deps.journal.at(-2)).to.equal('stopInstance')
  })

  it('does not record an unknown number of checkpoints as none where force went on without an answer', async () => {
    const deps = depsWith(saved())
    deps.lifecycle.answers['prestop-checkpoint'] = () => []
    const result = await endInstance(input({force: true}), deps)
    expect(result.instance.state).to.equal('stopped')
    expect(result.saved?.ok).to.equal(false)
    expect(deps.provider.get().tags).not.to.have.property(TAGS.onlyHere)
  })

  it('goes on where the tags are refused, and says what nobody will know then', async () => {
    const deps = depsWith(saved({only_here: [checkpoint()]}))
    deps.provider.failures.setTags = new RunctlError('platform_failed', 'not allowed')
    await endInstance(input(), deps)
    expect(deps.provider.get().state).to.equal('stopped')
    expect(deps.progress.warnings.join()).to.include('not allowed').and.to.include('on its disk alone')
  })

  it('goes on with force where the agent is broken', async () => {
    const deps = depsWith(saved())
    deps.lifecycle.answers['prestop-checkpoint'] = () => []
    deps.scripted.handlers.checkpoints = () => Promise.reject(new Error('Traceback'))
    await endInstance(input({force: true}), deps)
    expect(deps.provider.get().state).to.equal('stopped')
    expect(deps.progress.warnings.join()).to.include('Traceback')
  })

  it('records the latest good checkpoint where the training had ended before', async () => {
    const deps = depsWith(saved({reports: []}))
    deps.scripted.handlers.checkpoints = () => ({checkpoints: [], dir: '', project_dir: null, latest_good: checkpoint({path: 'checkpoints/earlier.pt'}), latest_good_skipped: []})
    deps.scripted.handlers.status = () => ({runs: [run({run_id: 'run-20261123-100000-0001', project: 'other', state: 'stopped'})], boot_id: 'b', now: ''})
    await endInstance(input(), deps)
    const {tags} = deps.provider.get()
    expect(readCheckpointTag(tags[TAGS.lastCheckpoint])?.path).to.equal('checkpoints/earlier.pt')
    expect(tags).to.include({[TAGS.lastRun]: 'run-20261123-100000-0001', [TAGS.project]: 'other'})
    expect(deps.journal.filter(call => call === 'setTags')).to.have.length(1)
  })

  it('stops although the price cannot be had', async () => {
    const deps = depsWith(saved())
    deps.provider.pricing = {hourlyPrice: () => Promise.reject(new RunctlError('platform_failed', 'pricing:GetProducts'))}
    const result = await endInstance(input(), deps)
    expect(result).to.include({changed: true, cost_usd: null})
  })

  it('tells what the machine costs also where the price comes later than the failure', async () => {
    const deps = depsWith(BAD)
    deps.provider.pricing = {hourlyPrice: async () => {
      await new Promise(resolve => setTimeout(resolve, 20))
      return {usdPerHour: 1.006, source: 'test'}
    }}
    await expectedFailure(endInstance(input(), deps))
    expect(deps.footprint.all.map(trace => trace.stillRunning)).to.deep.equal([`instance ${INSTANCE_ID} ($1.006/h)`])
  })

  it('does not take what the platform has not heard of yet for the end of the stop', async () => {
    const deps = depsWith(saved())
    const {provider} = deps
    provider.stopInstance = async id => {
      provider.journal.push('stopInstance')
      provider.upcoming.push('running', 'stopping', 'stopped')
      return {...provider.get(id), state: 'stopping'}
    }
    expect((await endInstance(input(), deps)).instance.state).to.equal('stopped')
    expect(deps.clock.slept).to.deep.equal([1000, 1500, 2250])
  })

  it('does nothing to what is stopped or gone', async () => {
    for (const [kind, state] of [['stop', 'stopped'], ['stop', 'terminated'], ['terminate', 'terminated']] as const) {
      const deps = depsWith(saved(), {state})
      expect(await endInstance(input({kind}), deps)).to.deep.include({changed: false, saved: null, cost_usd: null})
      expect(deps.journal).to.deep.equal([])
    }
  })

  it('finds done what somebody else did while it was asking for the save', async () => {
    const deps = depsWith(saved())
    deps.lifecycle.answers['prestop-checkpoint'] = async () => {
      await deps.provider.stopInstance(INSTANCE_ID)
      throw new RunctlError('wrong_state', 'it is stopping')
    }
    const result = await endInstance(input(), deps)
    expect([result.changed, result.instance.state]).to.deep.equal([false, 'stopped'])
    expect(deps.footprint.all).to.deep.equal([])
  })

  it('terminates a stopped instance without asking what is not there', async () => {
    const deps = depsWith(saved(), {state: 'stopped'})
    const result = await endInstance(input({kind: 'terminate'}), deps)
    expect(deps.journal).to.deep.equal(['preterminate', 'terminateInstance', 'postterminate'])
    expect(result.saved).to.equal(null)
  })

  describe('terminate', () => {
    it('refuses while a run is active where its save could only go to the disk that is removed', async () => {
      const deps = depsWith(saved())
      deps.scripted.handlers.status = () => ({runs: [run({state: 'stopped'}), run({run_id: 'run-20261123-200000-0001', state: 'running'})], boot_id: 'b', now: ''})
      const error = await expectedFailure(endInstance(input({kind: 'terminate'}), deps))
      expect(error.code).to.equal('save_failed')
      expect(error.message).to.include('run-20261123-200000-0001 is running')
      expect(error.next[0]).to.equal(`runctl mem stop ${INSTANCE_ID}`)
      expect(deps.journal).to.deep.equal([])
    })

    const UPLOADING = {output_uri: 's3://b/out/p/run-1/', upload: {done: 3, pending: 1, pending_bytes: 10, error: null, bytes_per_s: null, behind_since: null}}

    it('does not refuse that of a run whose output goes to a store, which the save reaches', async () => {
      const deps = depsWith(saved())
      deps.scripted.handlers.status = () => ({runs: [run({state: 'running', ...UPLOADING})], boot_id: 'b', now: ''})
      await endInstance(input({kind: 'terminate'}), deps)
      expect(deps.journal).to.include('terminateInstance')
    })

    it('refuses before anything is asked to leave where the upload to the store fails', async () => {
      const deps = depsWith(saved())
      const failing = {...UPLOADING, upload: {...UPLOADING.upload, error: '403 AccessDenied'}}
      deps.scripted.handlers.status = () => ({runs: [run({state: 'running', ...failing})], boot_id: 'b', now: ''})
      const error = await expectedFailure(endInstance(input({kind: 'terminate'}), deps))
      expect(error.message).to.include('the upload to s3://b/out/p/run-1/ fails (403 AccessDenied)')
      expect(deps.journal).to.deep.equal([])
    })

    it('refuses before anything is asked to leave where an earlier run left the only copy', async () => {
      const here = {kind: 'instance' as const, where: INSTANCE_ID, path: '/p/a.pt', verified_at: '2026-11-23T20:04:00Z'}
      const there = {kind: 's3' as const, where: 'b', path: 'a.pt', verified_at: '2026-11-23T20:04:00Z'}
      const own = {run_id: 'run-20261123-195501-3f9a', places: [here]}
      const table: readonly [Partial<Checkpoint>, refused: boolean][] = [
        [{run_id: 'run-20261122-000000-0000', places: [here]}, true],
        [{run_id: null, places: [here]}, true],
        [{run_id: 'run-20261122-000000-0000', places: [here, {...there, verified_at: null}]}, true],
        [{run_id: 'run-20261122-000000-0000', places: [here, there]}, false],
        [{run_id: 'run-20261122-000000-0000', places: [here], state: 'partial'}, false],
        // Its own goes up with the save.
        [own, false],
      ]
      for (const [over, refused] of table) {
        const deps = depsWith(saved())
        deps.scripted.handlers.status = () => ({runs: [run({state: 'running', ...UPLOADING})], boot_id: 'b', now: ''})
        deps.scripted.handlers.checkpoints = () => ({checkpoints: [checkpoint(over)], dir: '', project_dir: null, latest_good: null, latest_good_skipped: []})
        const ending = endInstance(input({kind: 'terminate'}), deps)
        if (refused) expect((await expectedFailure(ending)).message, JSON.stringify(over)).to.include('exist only on the disk')
        else expect((await ending).changed, JSON.stringify(over)).to.equal(true)
        expect(deps.journal.includes('prestop-checkpoint')).to.equal(!refused)
      }
    })

    it('refuses to remove checkpoints that are nowhere else, and names how to get them', async () => {
      const deps = depsWith(saved({only_here: [checkpoint({path: 'checkpoints/a.pt'}), checkpoint({path: 'checkpoints/b.pt'})]}))
      const error = await expectedFailure(endInstance(input({kind: 'terminate'}), deps))
      expect(error.code).to.equal('save_failed')
      expect(error.message).to.include('2 complete checkpoint(s)').and.to.include('checkpoints/b.pt')
      expect(error.next).to.include(`runctl mem pull ${INSTANCE_ID} --checkpoints`)
      expect(deps.journal).not.to.include('terminateInstance')
    })

    it('names a pull for each project that has run there', async () => {
      const deps = depsWith(saved({only_here: [checkpoint({path: 'checkpoints/a.pt'})]}))
      const runs = [run({state: 'stopped', project: 'one'}), run({state: 'stopped', project: 'two'}), run({state: 'stopped', project: 'one'})]
      deps.scripted.handlers.status = () => ({runs, boot_id: 'b', now: ''})
      const error = await expectedFailure(endInstance(input({kind: 'terminate'}), deps))
      expect(error.next.filter(command => command.includes('pull'))).to.deep.equal([
        `runctl mem pull ${INSTANCE_ID} --checkpoints --project one`,
        `runctl mem pull ${INSTANCE_ID} --checkpoints --project two`,
      ])
    })

    it('refuses a stopped instance whose tag counts such checkpoints', async () => {
      const deps = depsWith(saved(), {state: 'stopped', tags: {[TAGS.onlyHere]: '3'}})
      const error = await expectedFailure(endInstance(input({kind: 'terminate'}), deps))
      expect(error.message).to.include('holds 3 complete checkpoint(s)')
      expect(error.next[0]).to.equal(`runctl mem start ${INSTANCE_ID} --wait`)
      expect(deps.journal).to.deep.equal([])
    })

    it('takes a tag that is no count for absent', async () => {
      for (const value of ['', '0', '-1', 'Infinity', '1e9', 'NaN', '0x10', '9'.repeat(20), ' 3', '\u001B[2J']) {
        const deps = depsWith(saved(), {state: 'stopped', tags: {[TAGS.onlyHere]: value}})
        expect((await endInstance(input({kind: 'terminate'}), deps)).changed, JSON.stringify(value)).to.equal(true)
      }
    })

    it('does all of it with force', async () => {
      const running = depsWith(saved({only_here: [checkpoint()]}))
      running.scripted.handlers.status = () => ({runs: [run({state: 'running'})], boot_id: 'b', now: ''})
      expect((await endInstance(input({kind: 'terminate', force: true}), running)).instance.state).to.equal('terminated')
      const stopped = depsWith(saved(), {state: 'stopped', tags: {[TAGS.onlyHere]: '3'}})
      expect((await endInstance(input({kind: 'terminate', force: true}), stopped)).instance.state).to.equal('terminated')
    })
  })
})

describe('the tag of the last checkpoint', () => {
  const count = fc.option(fc.integer({min: 0, max: Number.MAX_SAFE_INTEGER}))
  const anyCheckpoint: fc.Arbitrary<Checkpoint> = fc.record({
    path: fc.oneof(fc.string({unit: 'binary', maxLength: 600, size: 'max'}), fc.string({unit: fc.constantFrom('\0', '\x1b', '"', '\\', '\u2028', '😀', '/'), maxLength: 300, size: 'max'})),
    sha256: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/)),
    epoch: count,
    step: count,
    size_bytes: fc.nat(),
    modified_at: fc.date({noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31')}).map(date => date.toISOString()),
  }).map(over => checkpoint(over))

  it('is valid JSON of at most 256 characters that is read back', () => {
    fc.assert(fc.property(anyCheckpoint, original => {
      const text = checkpointTag(original)
      expect(text.length).to.be.at.most(256)
      const tag = readCheckpointTag(text)
      expect(tag).to.include({sha: original.sha256?.slice(0, 16) ?? '', epoch: original.epoch, step: original.step, size: original.size_bytes, at: original.modified_at})
      const kept = tag?.path ?? ''
      if (kept !== original.path) expect(original.path.endsWith(kept.slice(1)) && kept.startsWith('…')).to.equal(true)
    }), {numRuns: 500})
  })

  it('keeps a path that fits whole, and the end of one that does not', () => {
    expect(readCheckpointTag(checkpointTag(checkpoint({path: 'checkpoints/a.pt'})))?.path).to.equal('checkpoints/a.pt')
    const long = `${'deep/'.repeat(200)}checkpoint_epoch_12.pt`
    const path = readCheckpointTag(checkpointTag(checkpoint({path: long})))?.path ?? ''
    expect(path).to.match(/^….*checkpoint_epoch_12\.pt$/)
    expect(path.length).to.be.greaterThan(80)
  })

  it('comes to an end even for an endless time from the instance', () => {
    expect(checkpointTag(checkpoint({modified_at: 'x'.repeat(10_000)})).length).to.be.at.most(256)
  })

  it('is treated as absent where somebody else wrote something of another form', () => {
    const hostile = ['', 'null', '[]', '5', '"x"', '{}', '{', '{"path":5,"at":"2026-11-23T00:00:00Z"}', '{"path":"x"}', '{"path":"x","at":"soon"}', '{"path":"x","at":null}', '\0']
    for (const value of [undefined, ...hostile]) expect(readCheckpointTag(value), value).to.equal(null)
  })

  it('keeps only numbers where numbers belong', () => {
    const tag = readCheckpointTag('{"path":"x","at":"2026-11-23T00:00:00Z","epoch":"4","step":1e999,"size":[],"sha":{"toString":1}}')
    expect(tag).to.deep.equal({path: 'x', at: '2026-11-23T00:00:00Z', epoch: null, step: null, size: 0, sha: ''})
  })
})
