import {expect} from 'chai'

import {waitForInstance, type WaitInput} from '../../src/core/wait-for-instance.js'
import {RunctlError} from '../../src/model/errors.js'
import type {InstanceState} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID, shellResult} from '../support/memory-provider.js'
import {expectedFailure, rejection} from '../support/rejection.js'

const until = (state: WaitInput['until'], timeoutMs = 60_000): WaitInput => ({instanceId: INSTANCE_ID, until: state, timeoutMs})

describe('waitForInstance', () => {
  it('answers at once where the state is there', async () => {
    const deps = new FakeDeps({state: 'stopped'})
    expect((await waitForInstance(until('stopped'), deps)).state).to.equal('stopped')
    expect(deps.clock.slept).to.deep.equal([])
  })

  it('looks quickly first and then less and less often, at most every 5 s', async () => {
    const deps = new FakeDeps({state: 'pending'})
    deps.provider.upcoming.push(...Array<InstanceState>(12).fill('pending'), 'running')
    await waitForInstance(until('running', 600_000), deps)
    expect(deps.clock.slept.slice(0, 3)).to.deep.equal([1000, 1500, 2250])
    expect(Math.max(...deps.clock.slept)).to.equal(5000)
    expect(deps.clock.slept).to.deep.equal([...deps.clock.slept].sort((a, b) => a - b))
  })

  it('does not call an instance running before a command on it answers', async () => {
    const deps = new FakeDeps()
    const answers = [
      () => Promise.reject(new RunctlError('unreachable', 'no agent yet')),
      () => Promise.reject(new RunctlError('timed_out', 'slow')),
      () => Promise.reject(new RunctlError('wrong_state', 'not quite')),
      () => shellResult('', 1),
      () => shellResult(),
    ]
    deps.provider.shell.answer = () => answers.shift()!()
    await waitForInstance(until('running'), deps)
    expect(deps.provider.shell.requests).to.have.length(5)
    expect(deps.clock.slept).to.have.length(4)
  })

  it('hands on what is no matter of time', async () => {
    for (const refused of [new RunctlError('platform_failed', 'no permission'), new RunctlError('unreachable', 'no profile', {details: {waiting_helps: false}})]) {
      const deps = new FakeDeps()
      deps.provider.shell.answer = () => Promise.reject(refused)
      expect(await rejection(waitForInstance(until('running'), deps))).to.equal(refused)
    }
  })

  it('refuses at once where waiting is in vain, with the command that helps', async () => {
    const hopeless: readonly [WaitInput['until'], readonly InstanceState[], string | null][] = [
      ['running', ['stopping', 'stopped', 'shutting-down', 'terminated'], null],
      ['stopped', ['pending', 'running', 'shutting-down', 'terminated'], `runctl mem stop ${INSTANCE_ID}`],
      ['terminated', ['pending', 'running', 'stopping', 'stopped'], `runctl mem terminate ${INSTANCE_ID}`],
    ]
    for (const [wanted, states, next] of hopeless) {
      for (const state of states) {
        const deps = new FakeDeps({state})
        const error = await expectedFailure(waitForInstance(until(wanted), deps))
        expect(error.code, `${wanted} from ${state}`).to.equal('wrong_state')
        expect(error.next).not.to.be.empty
        if (next !== null) expect(error.next).to.include(next)
        expect(deps.clock.slept).to.deep.equal([])
      }
    }
    const stopped = await expectedFailure(waitForInstance(until('running'), new FakeDeps({state: 'stopped'})))
    expect(stopped.next).to.deep.equal([`runctl mem start ${INSTANCE_ID} --wait`])
  })

  it('gives up after its time, all of it used, and says what it saw', async () => {
    const deps = new FakeDeps({state: 'stopping'})
    const error = await expectedFailure(waitForInstance(until('stopped', 7000), deps))
    expect(error.code).to.equal('timed_out')
    expect(error.message).to.equal(`instance ${INSTANCE_ID} is stopping, but not stopped yet (waited 7 s)`)
    expect(deps.clock.slept.reduce((sum, ms) => sum + ms)).to.be.closeTo(7000, 1)
    const silent = new FakeDeps()
    silent.provider.shell.answer = () => shellResult('', 1)
    expect((await expectedFailure(waitForInstance(until('running', 1000), silent))).message).to.include('no command on it answers')
  })

  it('looks first at the answer of the call that began the change, and asks nobody what it says', async () => {
    const deps = new FakeDeps({state: 'stopped'})
    await waitForInstance({...until('stopped'), after: deps.provider.get()}, deps)
    expect(deps.provider.describes).to.equal(0)
  })

  it('does not believe for half a minute what contradicts the change that was just begun', async () => {
    const deps = new FakeDeps({state: 'running'})
    const after = {...deps.provider.get(), state: 'stopping'} as const
    deps.provider.upcoming.push('running', 'running', 'stopping', 'stopped')
    expect((await waitForInstance({...until('stopped'), after}, deps)).state).to.equal('stopped')
    const never = new FakeDeps({state: 'running'})
    expect((await expectedFailure(waitForInstance({...until('stopped', 600_000), after}, never))).code).to.equal('wrong_state')
    expect(never.clock.slept.reduce((sum, ms) => sum + ms)).to.be.within(30_000, 36_000)
    // A machine that is taken away does not come back.
    const gone = new FakeDeps({state: 'terminated'})
    await expectedFailure(waitForInstance({...until('running'), after: {...gone.provider.get(), state: 'pending'}}, gone))
    expect(gone.clock.slept).to.deep.equal([1000])
  })

  it('bears with a platform that has not heard of a new instance yet', async () => {
    const deps = new FakeDeps({state: 'running'})
    const instance = deps.provider.get()
    deps.provider.instances.clear()
    deps.clock.onSleep = () => {
      if (deps.clock.slept.length === 4) deps.provider.put(instance)
    }
    const after = {...instance, state: 'pending'} as const
    expect((await waitForInstance({...until('running'), after}, deps)).state).to.equal('running')
    const never = new FakeDeps(null)
    expect((await expectedFailure(waitForInstance({...until('running', 600_000), after}, never))).code).to.equal('not_found')
  })

  it('ends with the reason of an abort', async () => {
    const deps = new FakeDeps({state: 'pending'})
    const reason = new Error('detached')
    deps.clock.onSleep = () => deps.interrupt.abort(reason)
    expect(await rejection(waitForInstance(until('running'), deps))).to.equal(reason)
  })

  it('says where there is no such instance', async () => {
    const error = await expectedFailure(waitForInstance(until('running'), new FakeDeps(null)))
    expect(error.code).to.equal('not_found')
    expect(error.next[0]).to.equal('runctl resources list --platform mem')
  })
})
