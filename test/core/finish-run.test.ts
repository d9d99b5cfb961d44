import {expect} from 'chai'

import {finishRun, type FinishInput} from '../../src/core/finish-run.js'
import {readCheckpointTag} from '../../src/core/list-resources.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {expectedFailure} from '../support/rejection.js'
import {SAVE} from '../support/save-settings.js'
import {logsOf} from '../support/scripted-agent.js'
import {run} from '../ui/samples.js'

const ENDED = run({state: 'stopped', reason: 'completed', project: 'mnist'})

function depsWith(ended = ENDED): FakeDeps {
  const deps = new FakeDeps()
  deps.scripted.handlers.logs = logsOf(Buffer.from('line\n'), ended)
  return deps
}
const input = (deps: FakeDeps, over: Partial<FinishInput> = {}): FinishInput =>
  ({instance: deps.provider.get(), runId: ENDED.run_id, timeoutMs: null, log: () => undefined, recorded: true, save: SAVE, ...over})

describe('finishRun', () => {
  it('writes into the tags what ran last, once, and asks the platform nothing', async () => {
    const deps = depsWith()
    expect(await finishRun(input(deps), deps)).to.equal(ENDED)
    expect(deps.provider.describes).to.equal(0)
    expect(deps.journal).to.deep.equal(['checkpoint-saved', 'setTags', 'posttrain'])
    const {tags} = deps.provider.get()
    expect(tags).to.include({[TAGS.lastRun]: ENDED.run_id, [TAGS.project]: 'mnist'})
    expect(readCheckpointTag(tags[TAGS.lastCheckpoint])?.path).to.equal(ENDED.last_checkpoint?.path)
  })

  it('leaves the tags to a caller that ends the instance', async () => {
    const deps = depsWith()
    await finishRun(input(deps, {recorded: false}), deps)
    expect(deps.journal).not.to.include('setTags')
  })

  it('writes them also for a run that failed, and keeps an earlier checkpoint where it made none', async () => {
    const deps = depsWith({...ENDED, reason: 'failed', exit_code: 1, last_checkpoint: null})
    expect((await expectedFailure(finishRun(input(deps), deps))).code).to.equal('training_failed')
    expect(deps.provider.get().tags).to.have.keys(TAGS.lastRun, TAGS.project)
  })

  it('warns where the tags are refused: the run has ended as it has', async () => {
    const deps = depsWith()
    deps.provider.failures.setTags = new RunctlError('platform_failed', 'not allowed')
    expect(await finishRun(input(deps), deps)).to.equal(ENDED)
    expect(deps.progress.warnings.join()).to.include('not allowed')
  })

  for (const reason of ['budget', 'idle'] as const) {
    it(`tells the steps that a limit ended it, before that it has ended: ${reason}`, async () => {
      const deps = depsWith({...ENDED, reason, detail: 'as the agent says it'})
      const given: unknown[] = []
      const {run: runSteps} = deps.lifecycle
      deps.lifecycle.run = (event, ...rest) => {
        if (event === 'limit-reached') given.push(rest[0])
        return runSteps.call(deps.lifecycle, event, ...rest)
      }
      await expectedFailure(finishRun(input(deps), deps))
      expect(deps.journal.slice(-2)).to.deep.equal(['limit-reached', 'posttrain'])
      expect(given).to.have.length(1)
      expect(given[0]).to.deep.include({limit: reason, detail: 'as the agent says it'})
    })
  }

  it('tells it too where the machine was gone before the end of the run was seen', async () => {
    const deps = depsWith()
    const going = logsOf(Buffer.from('line\n'), run({state: 'running', reason: null}), {end: false})
    let asked = 0
    deps.scripted.handlers.logs = request => {
      if (asked++ > 0) throw new RunctlError('wrong_state', 'it is stopped', {details: {state: 'stopped', state_reason: 'budget'}})
      return going(request)
    }
    expect((await expectedFailure(finishRun(input(deps), deps))).message).to.contain('a limit of its machine')
    expect(deps.journal).to.include('limit-reached').and.not.include('posttrain')
  })
})
