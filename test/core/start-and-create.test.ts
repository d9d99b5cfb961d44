import {expect} from 'chai'

import {createInstance, createInstances, type CreateInput} from '../../src/core/create-instance.js'
import {planCreate} from '../../src/core/plan-create.js'
import {startInstance} from '../../src/core/start-instance.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID, sampleInstance} from '../support/memory-provider.js'
import {expectedFailure} from '../support/rejection.js'

const START = {instanceId: INSTANCE_ID, wait: true, timeoutMs: 60_000}
const CREATE: CreateInput = {
  requestId: 'req-1', name: 'mine', instanceType: null, project: 'p', owner: 'eva', version: '1.2.3', wait: true, timeoutMs: 60_000,
}

describe('startInstance', () => {
  it('starts what is stopped, between its steps, and waits until it answers', async () => {
    const deps = new FakeDeps({state: 'stopped'})
    const {changed, instance} = await startInstance(START, deps)
    expect(deps.journal).to.deep.equal(['prestart', 'startInstance', 'setTags', 'poststart'])
    expect({changed, state: instance.state}).to.deep.equal({changed: true, state: 'running'})
    expect(deps.provider.shell.requests).to.have.length(1)
  })

  it('waits for the end of a stop that is under way', async () => {
    const deps = new FakeDeps({state: 'stopping'})
    deps.provider.upcoming.push('stopping', 'stopping', 'stopped')
    expect((await startInstance(START, deps)).changed).to.equal(true)
  })

  it('changes nothing, and runs no step, where it runs already', async () => {
    const deps = new FakeDeps({state: 'running'})
    expect((await startInstance(START, deps)).changed).to.equal(false)
    expect(deps.journal).to.deep.equal([])
  })

  it('refuses what is gone for good, before any step', async () => {
    for (const state of ['shutting-down', 'terminated'] as const) {
      const deps = new FakeDeps({state})
      const error = await expectedFailure(startInstance(START, deps))
      expect(error).to.deep.include({code: 'wrong_state', next: ['runctl mem create']})
      expect(deps.journal).to.deep.equal([])
    }
  })

  it('starts nothing where a step vetoes', async () => {
    const deps = new FakeDeps({state: 'stopped'})
    deps.lifecycle.answers.prestart = () => Promise.reject(new RunctlError('step_failed', 'no'))
    await expectedFailure(startInstance(START, deps))
    expect(deps.provider.get().state).to.equal('stopped')
    expect(deps.footprint.all).to.deep.equal([])
  })

  it('says what it costs and how to end it where it does not come to answer', async () => {
    const deps = new FakeDeps({state: 'stopped'})
    deps.provider.shell.answer = () => Promise.reject(new RunctlError('unreachable', 'silent'))
    expect((await expectedFailure(startInstance(START, deps))).code).to.equal('timed_out')
    expect(deps.footprint.all).to.deep.equal([{stillRunning: `instance ${INSTANCE_ID} ($1.006/h)`, next: [`runctl mem stop ${INSTANCE_ID}`]}])
  })
})

describe('createInstance', () => {
  it('writes tags and idempotency key in the call that creates', async () => {
    const deps = new FakeDeps(null)
    const create = deps.provider.createInstance.bind(deps.provider)
    let request: unknown
    deps.provider.createInstance = asked => {
      request = asked
      return create(asked)
    }
    const {instance} = await createInstance(CREATE, deps)
    expect(request).to.deep.equal({
      requestId: 'req-1',
      name: 'mine',
      tags: {[TAGS.createdBy]: '1.2.3', [TAGS.createRequest]: 'req-1', [TAGS.owner]: 'eva', [TAGS.project]: 'p'},
    })
    expect(deps.journal).to.deep.equal(['precreate', 'createInstance', 'postcreate'])
    expect(instance).to.include({id: 'mem-new', owner: 'eva', project: 'p', cost_per_hour: 1.006})
  })

  it('creates nothing where a step vetoes', async () => {
    const deps = new FakeDeps(null)
    deps.lifecycle.answers.precreate = () => Promise.reject(new RunctlError('step_failed', 'too dear'))
    await expectedFailure(createInstance(CREATE, deps))
    expect(deps.journal).to.deep.equal(['precreate'])
  })

  it('names what runs and how to end it where it does not come to answer, also without a price', async () => {
    const deps = new FakeDeps(null)
    deps.provider.pricing = {hourlyPrice: () => Promise.reject(new RunctlError('platform_failed', 'no permission'))}
    deps.provider.shell.answer = () => Promise.reject(new RunctlError('unreachable', 'silent'))
    await expectedFailure(createInstance(CREATE, deps))
    expect(deps.footprint.all).to.deep.equal([{
      stillRunning: 'instance mem-new (price unknown)',
      next: ['runctl mem stop mem-new', 'runctl mem terminate mem-new'],
    }])
  })
})

describe('createInstances', () => {
  /** Ids by request; asked keeps the requests in order. */
  function depsWith(answer: (requestId: string) => Promise<string> | string): {deps: FakeDeps; asked: string[]} {
    const deps = new FakeDeps(null)
    const asked: string[] = []
    deps.provider.createInstance = async request => {
      asked.push(request.requestId)
      return deps.provider.put(sampleInstance({id: await answer(request.requestId), tags: request.tags}))
    }
    return {deps, asked}
  }

  it('makes them all at once, each with a key of its own in call and tags', async () => {
    let waiting = 0
    let release = (): void => {}
    const all = new Promise<void>(resolve => (release = resolve))
    const {asked, deps} = depsWith(async id => {
      waiting++
      if (waiting === 3) release()
      await all
      return `mem-${id}`
    })
    const outcomes = await createInstances(CREATE, 3, deps)
    expect(asked).to.deep.equal(['req-1-1', 'req-1-2', 'req-1-3'])
    expect(outcomes.map(outcome => ('instance' in outcome ? outcome.instance.id : null))).to.deep.equal(['mem-req-1-1', 'mem-req-1-2', 'mem-req-1-3'])
    expect(deps.provider.get('mem-req-1-2').tags[TAGS.createRequest]).to.equal('req-1-2')
    expect(deps.createJournal.open).to.equal(0)
  })

  it('keeps those that were made when one is refused, and says that they run', async () => {
    const {deps} = depsWith(id => {
      if (id === 'req-1-2') throw new RunctlError('platform_failed', 'quota')
      return `mem-${id}`
    })
    const [first, second, third] = await createInstances({...CREATE, wait: false}, 3, deps)
    expect([first, third].every(outcome => outcome && 'instance' in outcome)).to.equal(true)
    expect(second).to.deep.include({instanceId: null})
    expect(deps.footprint.all.map(({stillRunning}) => stillRunning)).to.deep.equal(['instance mem-req-1-1 ($1.006/h)', 'instance mem-req-1-3 ($1.006/h)'])
    expect(deps.createJournal.open).to.equal(0)
  })

  it('says that one may have been made where nobody answered, and leaves the request in the journal', async () => {
    for (const error of [
      new RunctlError('timed_out', 'silence'),
      new RunctlError('platform_failed', 'lost', {details: {uncertain: true}}),
      new TypeError('a bug after the call'),
    ]) {
      const {deps} = depsWith(() => Promise.reject(error))
      expect(await createInstance(CREATE, deps).catch((thrown: unknown) => thrown)).to.equal(error)
      expect(deps.createJournal.open).to.equal(1)
      const [trace] = deps.footprint.all
      expect(trace?.stillRunning).to.include('perhaps a new instance on mem')
      expect(trace?.next[0]).to.equal('runctl resources list --platform mem')
      expect(trace?.next[1]).to.include('the same command again')
    }
  })

  it('says so on Ctrl-C too', async () => {
    const {deps} = depsWith(async () => {
      deps.interrupt.abort(new Error('detached'))
      throw deps.signal.reason
    })
    await createInstance(CREATE, deps).catch(() => {})
    expect(deps.footprint.all[0]?.stillRunning).to.include('perhaps')
    expect(deps.createJournal.open).to.equal(1)
  })

  it('forgets a request that was refused, or never made', async () => {
    const refused = depsWith(() => Promise.reject(new RunctlError('bad_input', 'no such image')))
    await createInstance(CREATE, refused.deps).catch(() => {})
    const unsent = depsWith(() => Promise.reject(new RunctlError('unreachable', 'offline', {details: {delivered: false}})))
    await createInstance(CREATE, unsent.deps).catch(() => {})
    const vetoed = depsWith(() => 'mem-x')
    vetoed.deps.lifecycle.answers.precreate = () => Promise.reject(new RunctlError('step_failed', 'too dear'))
    await createInstance(CREATE, vetoed.deps).catch(() => {})
    for (const {deps} of [refused, unsent, vetoed]) expect([deps.createJournal.open, deps.footprint.all]).to.deep.equal([0, []])
  })

  it('settles the journal when the platform has answered, not when the instance has', async () => {
    const {deps} = depsWith(() => 'mem-new')
    let open = -1
    deps.provider.shell.answer = () => {
      open = deps.createJournal.open
      return {exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0)}
    }
    await createInstance(CREATE, deps)
    expect(open).to.equal(0)
  })

  it('asks with the key of the same create that was cut off, and says so', async () => {
    const {asked, deps} = depsWith(() => 'mem-found')
    deps.createJournal.cutOff = ['req-old']
    const {instance} = await createInstance(CREATE, deps)
    expect([instance.id, asked]).to.deep.equal(['mem-found', ['req-old']])
    expect(deps.progress.notes.join()).to.include('2026-11-23T11:50:00.000Z')
  })

  it('makes a new one where that key belongs to one that is gone', async () => {
    const {asked, deps} = depsWith(id => (id === 'req-old' ? 'mem-gone' : 'mem-fresh'))
    deps.createJournal.cutOff = ['req-old']
    const create = deps.provider.createInstance.bind(deps.provider)
    deps.provider.createInstance = async request => {
      const made = await create(request)
      return made.id === 'mem-gone' ? {...made, state: 'terminated'} : made
    }
    expect((await createInstance(CREATE, deps)).instance.id).to.equal('mem-fresh')
    expect(asked).to.deep.equal(['req-old', 'req-old-again'])
    expect(deps.provider.get('mem-fresh').tags[TAGS.createRequest]).to.equal('req-old-again')
  })

  it("takes the user's own key as it is, and refuses one whose instance is gone", async () => {
    const {asked, deps} = depsWith(() => 'mem-1')
    await createInstance({...CREATE, requestId: 'mine', isOwnKey: true}, deps)
    expect([asked, deps.createJournal.begun]).to.deep.equal([['mine'], []])
    deps.provider.createInstance = async () => sampleInstance({state: 'terminated'})
    const error = await expectedFailure(createInstance({...CREATE, requestId: 'mine', isOwnKey: true}, deps))
    expect(error.code).to.equal('wrong_state')
    expect(error.message).to.include('mine').and.to.include(INSTANCE_ID)
  })

  it('hands on what only the platform knows, and tells the journal of it', async () => {
    const {deps} = depsWith(() => 'mem-new')
    let options: unknown
    const create = deps.provider.createInstance.bind(deps.provider)
    deps.provider.createInstance = async request => {
      options = request.options
      return create(request)
    }
    await createInstance({...CREATE, options: {spot: true, 'data-volume': 100}}, deps)
    expect(options).to.deep.equal({spot: true, 'data-volume': 100})
    expect(deps.createJournal.begun[0]?.request).to.deep.equal({name: 'mine', instanceType: null, options: {spot: true, 'data-volume': 100}, owner: 'eva', project: 'p', count: 1})
  })
})

describe('planCreate', () => {
  it('tells what a platform would do and what all of them cost, and does nothing', async () => {
    const deps = new FakeDeps(null)
    const provider = Object.assign(deps.provider, {planCreate: async () => ({settings: {image: 'ami-1'}, usdPerHour: 0.5})})
    expect(await planCreate(CREATE, 3, deps)).to.deep.equal({dry_run: true, platform: 'mem', count: 3, settings: {image: 'ami-1'}, cost_per_hour: 1.5, limits: null, budget: []})
    expect([deps.journal, [...provider.instances]]).to.deep.equal([[], []])
  })

  it('is refused by a platform that cannot tell', async () => {
    expect((await expectedFailure(planCreate(CREATE, 1, new FakeDeps(null)))).code).to.equal('bad_input')
  })
})
