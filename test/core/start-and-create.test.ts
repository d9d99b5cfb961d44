import {expect} from 'chai'

import {createInstance, type CreateInput} from '../../src/core/create-instance.js'
import {startInstance} from '../../src/core/start-instance.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID} from '../support/memory-provider.js'
import {expectedFailure} from '../support/rejection.js'

const START = {instanceId: INSTANCE_ID, wait: true, timeoutMs: 60_000}
const CREATE: CreateInput = {
  requestId: 'req-1', name: 'mine', instanceType: null, project: 'p', owner: 'eva', version: '1.2.3', wait: true, timeoutMs: 60_000,
}

describe('startInstance', () => {
  it('starts what is stopped, between its steps, and waits until it answers', async () => {
    const deps = new FakeDeps({state: 'stopped'})
    const {changed, instance} = await startInstance(START, deps)
    expect(deps.journal).to.deep.equal(['prestart', 'startInstance', 'poststart'])
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
