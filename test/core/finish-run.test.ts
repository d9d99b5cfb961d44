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
})
