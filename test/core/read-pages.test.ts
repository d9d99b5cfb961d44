import {expect} from 'chai'

import type {CheckpointsRequest} from '../../src/agent/checkpoint-protocol.js'
import type {StatusRequest} from '../../src/agent/protocol.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {readCheckpoints} from '../../src/core/read-checkpoints.js'
import {readRuns} from '../../src/core/read-runs.js'
import {ScriptedAgent} from '../support/scripted-agent.js'
import {run} from '../ui/samples.js'

const {signal} = new AbortController()

function checkpoint(path: string, modified_at: string): Checkpoint {
  return {path, modified_at, state: 'complete', state_detail: null, format: 'json', size_bytes: 1, sha256: null, step: null, epoch: null, metrics: {}, run_id: null, attempt: null, tags: [], places: []}
}

describe('answers in pages', () => {
  it('joins pages of checkpoints, oldest first, and takes the later look at one that is in two', async () => {
    const pages: Record<string, readonly Checkpoint[]> = {
      '': [checkpoint('a', '2026-01-03'), checkpoint('b', '2026-01-01')],
      b: [checkpoint('c', '2026-01-02'), checkpoint('a', '2026-01-04')],
    }
    const agent = new ScriptedAgent({
      checkpoints: ({after = ''}: CheckpointsRequest) => ({checkpoints: pages[after] ?? [], dir: '/d', project_dir: null, latest_good: null, latest_good_skipped: [], more: after === ''}),
    })
    const {checkpoints} = await readCheckpoints(agent, {project: 'p'}, signal)
    expect(checkpoints.map(({path, modified_at}) => `${path} ${modified_at}`)).to.deep.equal(['b 2026-01-01', 'c 2026-01-02', 'a 2026-01-04'])
    expect(agent.calls.map(({request}) => request)).to.deep.equal([
      {project: 'p', max_bytes: agent.maxOutputBytes},
      {project: 'p', max_bytes: agent.maxOutputBytes, after: 'b'},
    ])
  })

  it('does not go round for ever with an agent that has more and gives none', async () => {
    const agent = new ScriptedAgent({checkpoints: () => ({checkpoints: [], dir: '/d', project_dir: null, latest_good: null, latest_good_skipped: [], more: true})})
    const error = await readCheckpoints(agent, {}, signal).catch((error: unknown) => error)
    expect(error).to.be.instanceOf(Error)
  })

  it('reads runs until there are no more, or enough', async () => {
    const ids = ['run-5', 'run-4', 'run-3', 'run-2', 'run-1']
    const agent = new ScriptedAgent({
      status: ({after, limit = 99}: StatusRequest) => {
        const left = ids.slice(after === undefined ? 0 : ids.indexOf(after) + 1).slice(0, limit)
        return {runs: left.slice(0, 2).map(run_id => run({run_id})), boot_id: 'b', now: '', more: left.length > 2}
      },
    })
    expect((await readRuns(agent, 50, signal)).map(({run_id}) => run_id)).to.deep.equal(ids)
    expect((await readRuns(agent, 3, signal)).map(({run_id}) => run_id)).to.deep.equal(ids.slice(0, 3))
    expect(agent.calls).to.have.length(5)
  })
})
