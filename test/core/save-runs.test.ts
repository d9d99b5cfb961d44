import {expect} from 'chai'

import type {StopAnswer, StopRequest} from '../../src/agent/protocol.js'
import {saveRuns} from '../../src/core/save-runs.js'
import {stopRun} from '../../src/core/stop-run.js'
import {FakeDeps} from '../support/fake-deps.js'
import {expectedFailure} from '../support/rejection.js'
import {run} from '../ui/samples.js'

const answer = (over: Partial<StopAnswer> = {}): StopAnswer => ({done: true, ok: true, reports: [], only_here: [], ...over})
const INPUT = {requestId: 'req-1', runId: null, graceSeconds: 120, force: false, reason: 'user'} as const

describe('saveRuns', () => {
  it('asks again with the same request id until the agent is done', async () => {
    const deps = new FakeDeps()
    let asked = 0
    deps.scripted.handlers.stop = () => answer({done: ++asked === 3})
    expect((await saveRuns(INPUT, deps.agent(), deps.signal)).done).to.equal(true)
    const requests = deps.scripted.calls.map(({request}) => request as StopRequest)
    expect(requests).to.have.length(3)
    for (const request of requests) expect(request).to.deep.equal({request_id: 'req-1', run_id: null, grace_s: 120, wait_s: 20, force: false, reason: 'user'})
  })

  it('gives up when the grace and its margin are over, also on a platform that cannot wait', async () => {
    for (const seconds of [0, 20]) {
      const deps = new FakeDeps()
      deps.scripted.maxWaitSeconds = seconds
      deps.scripted.handlers.stop = () => answer({done: false, ok: false})
      expect((await saveRuns(INPUT, deps.agent(), deps.signal)).done).to.equal(false)
    }
  })
})

describe('stopRun', () => {
  const input = {run: {...run(), platform: 'mem', instance_id: 'mem-1'}, graceMs: 5000, force: false, requestId: 'req-1'}

  it('ends one run of the instance', async () => {
    const deps = new FakeDeps()
    deps.scripted.handlers.stop = () => answer()
    await stopRun(input, deps)
    expect(deps.scripted.calls[0]?.request).to.include({run_id: input.run.run_id, grace_s: 5})
  })

  it('says that the run goes on where nothing good was saved, or the agent was too slow', async () => {
    for (const over of [{ok: false}, {done: false}]) {
      const deps = new FakeDeps()
      deps.scripted.handlers.stop = () => answer(over)
      const error = await expectedFailure(stopRun(input, deps))
      expect(error.code).to.equal('save_failed')
      expect(error.stillRunning.join()).to.include(`${input.run.run_id} on mem-1`)
      expect(error.next).to.include(`runctl run stop ${input.run.run_id} --force`)
    }
  })

  it('takes an end by force for what was asked', async () => {
    const deps = new FakeDeps()
    deps.scripted.handlers.stop = () => answer({ok: false})
    expect(await stopRun({...input, force: true}, deps)).to.include({ok: false})
  })
})
