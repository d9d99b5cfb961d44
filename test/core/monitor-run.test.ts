import {expect} from 'chai'

import {monitorRun} from '../../src/core/monitor-run.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID} from '../support/memory-provider.js'
import {SAVE} from '../support/save-settings.js'
import {logsOf} from '../support/scripted-agent.js'
import {checkpoint, run} from '../ui/samples.js'

const RUN = run({state: 'stopped', reason: 'completed', checkpoint_count: 2})
const own = (path: string): Checkpoint => ({...checkpoint(), path, run_id: RUN.run_id})

/** An agent that lists these checkpoints, one list a question. */
function listing(...lists: readonly (readonly Checkpoint[])[]): FakeDeps {
  const deps = new FakeDeps()
  let asked = 0
  deps.scripted.handlers.logs = logsOf(Buffer.from('done\n'), RUN)
  deps.scripted.handlers.checkpoints = () => ({checkpoints: lists[asked++] ?? [], dir: '/c', project_dir: '/', latest_good: null, latest_good_skipped: []})
  return deps
}

describe('monitorRun', () => {
  const input = {instanceId: INSTANCE_ID, runId: RUN.run_id, lines: 5, save: SAVE}

  it('asks for log and checkpoints at once', async () => {
    const deps = listing([own('a'), own('b')])
    const {checkpoints, log} = await monitorRun(input, deps)
    expect(checkpoints.map(({path}) => path)).to.deep.equal(['a', 'b'])
    expect(Buffer.from(log).toString()).to.equal('done\n')
    expect(deps.scripted.verbs).to.deep.equal(['logs', 'checkpoints'])
  })

  it('shows the last checkpoint too where the run ended between the two answers', async () => {
    const deps = listing([own('a')], [own('a'), own('b')])
    expect((await monitorRun(input, deps)).checkpoints.map(({path}) => path)).to.deep.equal(['a', 'b'])
    expect(deps.scripted.verbs).to.deep.equal(['logs', 'checkpoints', 'checkpoints'])
  })

  it('keeps to the checkpoints of the newest run where none is named', async () => {
    const deps = listing([{...own('old'), run_id: 'run-20260101-000000-aaaa'}, own('a'), own('b')])
    expect((await monitorRun({...input, runId: null}, deps)).checkpoints.map(({path}) => path)).to.deep.equal(['a', 'b'])
  })
})
