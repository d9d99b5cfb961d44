import {randomBytes} from 'node:crypto'
import {expect} from 'chai'

import {followRun, type FollowInput} from '../../src/core/follow-run.js'
import {RunctlError} from '../../src/model/errors.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID} from '../support/memory-provider.js'
import {expectedFailure, rejection} from '../support/rejection.js'
import {logsOf} from '../support/scripted-agent.js'
import {run} from '../ui/samples.js'

const RUN = run({state: 'stopped', reason: 'completed'})
const input = (over: Partial<FollowInput> = {}): FollowInput => ({instanceId: INSTANCE_ID, runId: RUN.run_id, offset: 0, timeoutMs: null, ...over})

async function follow(deps: FakeDeps, over: Partial<FollowInput> = {}): Promise<Buffer> {
  const parts: Uint8Array[] = []
  await followRun(input(over), {log: bytes => parts.push(bytes)}, deps)
  return Buffer.concat(parts)
}

describe('followRun', () => {
  it('gives every byte once and in order, whatever the bytes and the size of an answer', async () => {
    const log = randomBytes(300_000)
    const deps = new FakeDeps()
    deps.scripted.maxOutputBytes = 24_000
    deps.scripted.handlers.logs = logsOf(log, RUN)
    expect((await follow(deps)).equals(log)).to.equal(true)
    expect(deps.scripted.calls.length).to.be.greaterThan(20)
    for (const {request} of deps.scripted.calls) expect(request).to.have.property('max_bytes').that.is.lessThan(12_000)
  })

  it('asks from the next offset, waiting on the instance as long as the platform allows', async () => {
    const deps = new FakeDeps()
    const log = Buffer.from('one\ntwo\n')
    const whole = logsOf(log, RUN)
    deps.scripted.handlers.logs = request => ({...whole({...request, max_bytes: 4}), end: request.offset === 4})
    expect((await follow(deps)).toString()).to.equal('one\ntwo\n')
    expect(deps.scripted.calls.map(({request}) => request)).to.deep.equal([0, 4].map(offset => ({run_id: RUN.run_id, offset, max_bytes: 728_403, wait_s: 20})))
    for (const {options} of deps.scripted.calls) expect(options.timeoutMs).to.equal(50_000)
  })

  it('begins with the last lines where no offset is given, without waiting, and then keeps to the run it found', async () => {
    const deps = new FakeDeps()
    const requests: unknown[] = []
    const whole = logsOf(Buffer.from('old\nnew\n'), RUN)
    deps.scripted.handlers.logs = request => {
      requests.push(request)
      return {...whole({...request, offset: 4}), end: requests.length === 2}
    }
    const parts: string[] = []
    await followRun({instanceId: INSTANCE_ID, tailLines: 1, timeoutMs: null}, {log: bytes => parts.push(Buffer.from(bytes).toString())}, deps)
    expect(requests[0]).to.deep.include({tail_lines: 1, wait_s: 0}).and.not.to.have.any.keys('run_id', 'offset')
    expect(requests[1]).to.deep.include({run_id: RUN.run_id, offset: 8})
  })

  it('shows each answer of the run, and gives back the last', async () => {
    const deps = new FakeDeps()
    let count = 0
    deps.scripted.handlers.logs = request => logsOf(Buffer.alloc(0), run({last_log_line: `${++count}`}), {end: count === 3})(request)
    const seen: unknown[] = []
    const last = await followRun(input(), {log: () => expect.fail('there was nothing to show'), run: ({last_log_line}) => seen.push(last_log_line)}, deps)
    expect(seen).to.deep.equal(['1', '2', '3'])
    expect(last.last_log_line).to.equal('3')
  })

  it('goes on from where it was after a silence, and speaks of it once', async () => {
    const deps = new FakeDeps()
    const whole = logsOf(Buffer.from('one\ntwo\n'), RUN)
    let call = 0
    deps.scripted.handlers.logs = request => {
      call++
      if (call >= 2 && call <= 5) throw new RunctlError(call % 2 ? 'timed_out' : 'unreachable', 'nothing')
      return {...whole({...request, max_bytes: 4}), end: request.offset === 4}
    }
    expect((await follow(deps)).toString()).to.equal('one\ntwo\n')
    expect(deps.clock.slept).to.deep.equal([3000, 3000, 3000, 3000])
    expect(deps.progress.warnings).to.have.length(1)
  })

  it('gives up after five minutes of silence, but not after many short ones', async () => {
    const silent = new RunctlError('unreachable', 'nothing')
    const deps = new FakeDeps()
    deps.scripted.handlers.logs = () => Promise.reject(silent)
    const begin = deps.clock.now().getTime()
    expect(await rejection(follow(deps))).to.equal(silent)
    expect(deps.clock.now().getTime() - begin).to.be.within(300_000, 310_000)

    const patchy = new FakeDeps()
    let call = 0
    patchy.scripted.handlers.logs = request => {
      if (++call % 2) throw silent
      return logsOf(Buffer.alloc(0), RUN, {end: call === 400})(request)
    }
    await follow(patchy)
    expect(patchy.clock.slept.length * 3000).to.be.greaterThan(300_000)
  })

  it('does not retry what is no silence', async () => {
    for (const failure of [new RunctlError('wrong_state', 'it is stopping'), new RunctlError('not_found', 'no such run'), new TypeError('bug')]) {
      const deps = new FakeDeps()
      deps.scripted.handlers.logs = () => Promise.reject(failure)
      expect(await rejection(follow(deps))).to.equal(failure)
      expect(deps.clock.slept).to.deep.equal([])
    }
  })

  it('says after its time that the run goes on', async () => {
    const deps = new FakeDeps()
    deps.scripted.handlers.logs = request => {
      deps.clock.advance(request.wait_s! * 1000)
      return logsOf(Buffer.alloc(0), run({state: 'running'}), {end: false})(request)
    }
    const error = await expectedFailure(follow(deps, {timeoutMs: 50_000}))
    expect(error.code).to.equal('timed_out')
    expect(error.message).to.equal(`${RUN.run_id} has not ended within 50 s; it goes on`)
    expect(deps.scripted.calls.map(({request}) => (request as {wait_s: number}).wait_s)).to.deep.equal([20, 20, 10])
  })

  it('ends with the reason of an abort', async () => {
    const deps = new FakeDeps()
    const reason = new Error('detached')
    deps.scripted.handlers.logs = request => {
      deps.interrupt.abort(reason)
      return logsOf(Buffer.alloc(0), RUN, {end: false})(request)
    }
    expect(await rejection(follow(deps))).to.equal(reason)
  })
})
