import {expect} from 'chai'

import {stopAll, type StopAllInput, type StopAllReport} from '../../src/core/stop-all.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS, type Instance} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {sampleInstance} from '../support/memory-provider.js'
import {placeOf} from '../support/resource-place.js'

const MINE = {[TAGS.createdBy]: '0.1.0', [TAGS.owner]: 'ada', [TAGS.project]: 'mnist'}
const input = (over: Partial<StopAllInput> = {}): StopAllInput => ({act: true, project: null, owner: 'ada', graceMs: 1000, force: false, timeoutMs: 60_000, requestId: 'req-1', ...over})
const outcomes = ({result}: StopAllReport): Record<string, string> => Object.fromEntries(result.map(({id, what}) => [id, what]))

function scene(...instances: readonly Instance[]): FakeDeps {
  const deps = new FakeDeps(null)
  for (const instance of instances) deps.provider.put(instance)
  deps.lifecycle.answers['prestop-checkpoint'] = ({instance}) => [
    instance.id === 'unsaved' ? {ok: false, why: 'no checkpoint was written', reports: [], only_here: []} : {ok: true, why: null, reports: [], only_here: []},
  ]
  deps.scripted.handlers.status = () => ({runs: [], boot_id: 'b', now: ''})
  deps.scripted.handlers.checkpoints = () => Promise.reject(new RunctlError('not_found', 'there is no run'))
  return deps
}

describe('stopAll', () => {
  const all = [
    sampleInstance({id: 'mine', tags: MINE}),
    sampleInstance({id: 'other-project', tags: {...MINE, [TAGS.project]: 'cifar'}}),
    sampleInstance({id: 'unsaved', tags: MINE}),
    sampleInstance({id: 'theirs', tags: {...MINE, [TAGS.owner]: 'bob'}}),
    sampleInstance({id: 'untagged', tags: {}}),
    sampleInstance({id: 'one-time', tags: MINE, lifecycle: 'spot'}),
    sampleInstance({id: 'stopped', state: 'stopped', tags: MINE}),
  ]
  const withOneTime = (): FakeDeps => {
    const deps = scene(...all)
    Object.assign(deps.provider, {checkStop: async ({lifecycle}: Instance) => {
      if (lifecycle === 'spot') throw new RunctlError('wrong_state', 'a one-time spot instance cannot be stopped', {next: ['runctl mem terminate one-time']})
    }})
    return deps
  }

  it('stops what runs and is yours; what is not saved or cannot be stopped runs on, with its command', async () => {
    const deps = withOneTime()
    const report = await stopAll(input(), [placeOf(deps)])
    expect(outcomes(report)).to.deep.equal({mine: 'stopped', 'other-project': 'stopped', unsaved: 'failed', theirs: 'left-alone', untagged: 'left-alone', 'one-time': 'left-alone'})
    expect(Object.fromEntries([...deps.provider.instances.values()].map(({id, state}) => [id, state]))).to.deep.equal({
      mine: 'stopped', 'other-project': 'stopped', unsaved: 'running', theirs: 'running', untagged: 'running', 'one-time': 'running', stopped: 'stopped',
    })
    expect(report.result.find(({id}) => id === 'unsaved')?.next).to.include('runctl mem stop unsaved --force')
    expect(report.result.find(({id}) => id === 'one-time')?.next).to.deep.equal(['runctl mem terminate one-time'])
    expect(report.failures.map(({id}) => id)).to.deep.equal(['unsaved'])
  })

  it('only plans without being told to', async () => {
    const deps = withOneTime()
    const report = await stopAll(input({act: false, project: 'mnist'}), [placeOf(deps)])
    expect(outcomes(report)).to.deep.equal({mine: 'would-stop', unsaved: 'would-stop', theirs: 'left-alone', 'one-time': 'left-alone'})
    expect(deps.journal).to.deep.equal([])
    expect(report.result.find(({id}) => id === 'mine')?.usd_per_hour).to.equal(1.006)
  })

  it('stops somebody else\'s only where they are named, and hands force on', async () => {
    const deps = withOneTime()
    expect(outcomes(await stopAll(input({owner: 'bob', force: true}), [placeOf(deps)]))).to.include({theirs: 'stopped', mine: 'left-alone', unsaved: 'left-alone'})
    expect(outcomes(await stopAll(input({force: true}), [placeOf(deps)]))).to.include({unsaved: 'stopped'})
  })
})
