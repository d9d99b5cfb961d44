import {expect} from 'chai'

import {outcomeError, saysEnded} from '../../src/core/run-outcome.js'
import type {RunStatus} from '../../src/agent/protocol.js'
import {RunctlError} from '../../src/model/errors.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID} from '../support/memory-provider.js'
import {logsOf} from '../support/scripted-agent.js'
import {checkpoint, run} from '../ui/samples.js'

async function outcome(over: Partial<RunStatus>): Promise<RunctlError | null> {
  const deps = new FakeDeps()
  const ended = run({state: 'stopped', reason: 'failed', script: 'train.py', ...over})
  deps.scripted.handlers.logs = logsOf(Buffer.from('one\ntwo\n'), ended)
  return outcomeError(ended, {platform: 'mem', instanceId: INSTANCE_ID}, deps.agent(), deps.signal)
}

describe('outcomeError', () => {
  it('is none for a run that goes on, completed, or was stopped on request', async () => {
    for (const over of [{state: 'running'}, {state: 'preparing', reason: null}, {reason: 'completed'}, {reason: 'user'}] as const) expect(await outcome(over)).to.equal(null)
  })

  it('tells by its code what failed', async () => {
    const unprepared = {started_at: null}
    const table: readonly [Partial<RunStatus>, string, string][] = [
      [{exit_code: 3}, 'training_failed', 'train.py failed (exit 3)'],
      [{reason: 'interrupted'}, 'training_failed', 'did not finish: interrupted'],
      [{...unprepared, detail: 'pip install ended with exit status 1'}, 'dependencies_failed', 'the dependencies of train.py could not be installed: pip install'],
      [{...unprepared, failed_code: null}, 'dependencies_failed', 'the dependencies of train.py'],
      [{...unprepared, failed_code: 'verification_failed', detail: 's3://b/a does not arrive whole'}, 'verification_failed', 'train.py could not be started: s3://b/a does not arrive whole'],
      [{...unprepared, failed_code: 'platform_failed', detail: '403 AccessDenied'}, 'platform_failed', 'train.py could not be started: 403 AccessDenied'],
      [{...unprepared, failed_code: 'not_found', detail: 'nothing at s3://b/none'}, 'platform_failed', 'train.py could not be started: nothing at s3://b/none'],
    ]
    for (const [over, code, message] of table) {
      const error = await outcome(over)
      expect(error?.code, JSON.stringify(over)).to.equal(code)
      expect(error?.message).to.include(message)
      expect(error?.details).to.deep.include({last_log_lines: ['one', 'two'], failed_code: over.failed_code ?? null})
      expect(saysEnded(error)).to.equal(true)
    }
  })

  it('names the way to the checkpoints where a script that was to resume failed before it saved any', async () => {
    const list = `runctl checkpoint list --instance-id ${INSTANCE_ID}`
    for (const args of [['--resume-from', 'a.pt'], ['--resume=a.pt']]) expect((await outcome({args, checkpoint_count: 0}))?.next).to.include(list)
    for (const over of [{args: ['--resume-from', 'a.pt'], checkpoint_count: 1}, {args: ['--epochs'], checkpoint_count: 0}]) {
      expect((await outcome(over))?.next).not.to.include(list)
    }
  })

  it('names for a run that was interrupted what goes on as it was begun, on its instance, and from the store on a new one', async () => {
    const interrupted = {reason: 'interrupted', run_id: 'run-20261123-195501-3f9a07c1', args: ['--lr', '0.1', 'two words']} as const
    const there = `runctl checkpoint resume --instance-id ${INSTANCE_ID} --run ${interrupted.run_id} --wait`
    expect((await outcome(interrupted))?.next.slice(1)).to.deep.equal([there])
    const output_uri = `s3://b/out/mnist/${interrupted.run_id}/`
    expect((await outcome({...interrupted, output_uri}))?.next.slice(1)).to.deep.equal([there])
    const anew = `runctl workflow run mem train.py --resume ${interrupted.run_id} --project-name mnist --output-s3 s3://b/out -- --lr 0.1 'two words'`
    expect((await outcome({...interrupted, output_uri, last_stored_checkpoint: checkpoint()}))?.next.slice(1)).to.deep.equal([there, anew])
    expect((await outcome({...interrupted, last_checkpoint: null}))?.next).to.have.length(1)
  })

  it('is told apart from a failure that ended no run', () => {
    expect(saysEnded(new RunctlError('platform_failed', 'throttled', {details: {run_id: 'run-1'}}))).to.equal(false)
    expect(saysEnded(new Error('x'))).to.equal(false)
  })
})
