import {expect} from 'chai'

import {finishRun} from '../../src/core/finish-run.js'
import {runWarnings} from '../../src/core/run-warnings.js'
import {RunctlError} from '../../src/model/errors.js'
import {FakeDeps} from '../support/fake-deps.js'
import {RecordedProgress} from '../support/recorded-progress.js'
import {expectedFailure} from '../support/rejection.js'
import {SAVE} from '../support/save-settings.js'
import {logsOf} from '../support/scripted-agent.js'
import {checkpoint, run} from '../ui/samples.js'

const UPLOAD = {done: 1, pending: 0, pending_bytes: 0, error: null, bytes_per_s: null, behind_since: null}
const UPLOADING = run({output_uri: 's3://b/out/mnist/run-20261123-195501-3f9a/', upload: UPLOAD, last_checkpoint: checkpoint({size_bytes: 14e9})})
const SLOW = {...UPLOADING, upload: {...UPLOAD, bytes_per_s: 67e6}}

describe('what is told while a run is followed', () => {
  it('is once that a save will not fit, as soon as it is known', () => {
    const progress = new RecordedProgress()
    const tell = runWarnings({lifecycle: 'spot'}, SAVE, progress)
    tell(UPLOADING)
    expect(progress.warnings).to.deep.equal([])
    for (let at = 0; at < 3; at++) tell(SLOW)
    expect(progress.warnings).to.have.length(1)
    expect(progress.warnings[0]).to.contain('a save needs 209 s (14 GB at 67 MB/s) and a spot notice gives 120 s').and.contain('Young/Daly')
  })

  it('is nothing where it fits, or has ended', () => {
    const progress = new RecordedProgress()
    runWarnings({lifecycle: 'on-demand'}, {...SAVE, graceMs: 600_000}, progress)(SLOW)
    runWarnings({lifecycle: 'spot'}, SAVE, progress)({...SLOW, state: 'stopped'})
    expect(progress.warnings).to.deep.equal([])
  })

  it('is once that a resume went wrong, also through finishRun', async () => {
    const deps = new FakeDeps({lifecycle: 'spot'})
    const alarm = "the first step logged after the resume is 20, below the checkpoint's 218"
    const ended = run({state: 'stopped', reason: 'completed', resume_alarm: alarm})
    let asked = 0
    deps.scripted.handlers.logs = request => logsOf(Buffer.from('x\n'), asked++ < 3 ? {...SLOW, resume_alarm: alarm} : ended, asked > 3 ? {} : {end: false})(request)
    await finishRun({instance: deps.provider.get(), runId: ended.run_id, timeoutMs: null, log: () => undefined, recorded: false, save: SAVE}, deps)
    expect(deps.progress.warnings).to.have.length(2)
    expect(deps.progress.warnings).to.include(alarm)
  })

  it('names the way on where the instance goes away', async () => {
    const stored = {...SLOW, project: 'mnist', run_id: 'run-20261123-195501-3f9a', script: 'train.py', args: ['--lr', '0.1', "it's"], last_stored_checkpoint: checkpoint()}
    const cases: readonly [string, readonly string[]][] = [
      ['stopped', ['runctl mem start mem-1 --wait', `runctl checkpoint resume --instance-id mem-1 --run ${stored.run_id} --wait`]],
      ['terminated', []],
    ]
    for (const [state, first] of cases) {
      const deps = new FakeDeps()
      let asked = 0
      deps.scripted.handlers.logs = request => {
        if (asked++ > 0) throw new RunctlError('wrong_state', `it is ${state}`, {details: {state}})
        return logsOf(Buffer.from('x\n'), stored, {end: false})(request)
      }
      const error = await expectedFailure(finishRun({instance: deps.provider.get(), runId: stored.run_id, timeoutMs: null, log: () => undefined, recorded: false, save: SAVE}, deps))
      const anew = `runctl workflow run mem train.py --resume ${stored.run_id} --project-name mnist --output-s3 s3://b/out -- --lr 0.1 'it'\\''s'`
      expect(error.next, state).to.deep.equal([...first, anew])
    }
  })
})
