import {mkdtemp, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {AgentClient} from '../../src/agent/client.js'
import type {RunStatus} from '../../src/agent/protocol.js'
import {endInstance} from '../../src/core/end-instance.js'
import {finishRun} from '../../src/core/finish-run.js'
import {listInstanceCheckpoints} from '../../src/core/list-instance-checkpoints.js'
import {listResources} from '../../src/core/list-resources.js'
import {listRuns} from '../../src/core/list-runs.js'
import {monitorRun} from '../../src/core/monitor-run.js'
import {listResourcesAtRisk} from '../../src/core/resources-at-risk.js'
import {saveRuns} from '../../src/core/save-runs.js'
import {showOverview} from '../../src/core/show-overview.js'
import {showStatus} from '../../src/core/show-status.js'
import {startInstance} from '../../src/core/start-instance.js'
import {train, type TrainInput} from '../../src/core/train.js'
import {waitAndShow} from '../../src/core/wait-and-show.js'
import {TAGS} from '../../src/model/instance.js'
import {CountedCalls} from '../support/counted-calls.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID, sampleInstance, shellResult} from '../support/memory-provider.js'
import {SAVE} from '../support/save-settings.js'
import {logsOf} from '../support/scripted-agent.js'
import {checkpoint, run} from '../ui/samples.js'

const TRAINED_BEFORE = {[TAGS.project]: 'proj', [TAGS.lastRun]: 'run-0'}
const RUNNING = run({state: 'running'})
const ENDED = run({state: 'stopped', reason: 'completed'})
const REPORT = {run_id: RUNNING.run_id, asked: 'stop-file' as const, ok: true, why: null, checkpoint: checkpoint(), saved_on_request: true, ended: 'graceful' as const, killed: 0, took_s: 1}

interface Scene {
  readonly deps: FakeDeps
  readonly calls: CountedCalls
}

/** A round trip a line, what is under way at once beside each other: this is what the time of a command is made of. */
describe('the calls that a use-case makes', () => {
  let root: string
  let cache: string
  before(async () => {
    root = await realpath(await mkdtemp(path.join(tmpdir(), 'runctl-calls-')))
    cache = await mkdtemp(path.join(tmpdir(), 'runctl-cache-'))
    await writeFile(path.join(root, 'train.py'), 'print(1)\n')
  })
  after(async () => {
    for (const folder of [root, cache]) await rm(folder, {recursive: true})
  })

  function scene(instance: ConstructorParameters<typeof FakeDeps>[0] = {tags: TRAINED_BEFORE}, current: RunStatus = RUNNING): Scene {
    const deps = new FakeDeps(instance)
    deps.cacheDir = cache
    const {handlers} = deps.scripted
    const sync = {applied: true, need: null, files_written: 1, files_removed: 0, kept_modified: [], dir: '/p'}
    handlers.start = request => ({run: {...current, run_id: request.run_id}, sync: request.sync && {...sync, tree: request.sync.tree}, resume_skipped: []})
    handlers.status = () => ({runs: [current], boot_id: 'b', now: ''})
    handlers.logs = logsOf(Buffer.from('line\n'), current)
    handlers.checkpoints = () => ({checkpoints: [], dir: '/c', project_dir: '/p', latest_good: null, latest_good_skipped: []})
    const last = {run_id: current.run_id, project: current.project, checkpoint: checkpoint()}
    handlers.stop = () => (current.state === 'running' ? {done: true, ok: true, reports: [REPORT], only_here: []} : {done: true, ok: true, reports: [], only_here: [], last})
    deps.lifecycle.answers['prestop-checkpoint'] = async () => {
      const {last, ok, only_here, reports} = await saveRuns({requestId: 'req-1', runId: null, graceSeconds: 1, force: false, reason: 'user'}, deps.scripted.asClient(), deps.signal)
      return [{ok, why: null, reports, only_here, ...(last === undefined ? {} : {last})}]
    }
    return {deps, calls: new CountedCalls(deps.provider, deps.scripted)}
  }

  const trainInput = (over: Partial<TrainInput> = {}): TrainInput => ({
    instanceId: INSTANCE_ID, script: 'train.py', args: [], cwd: root, projectRoot: root, projectName: 'proj', syncCode: true, include: [], env: {},
    data: null, output: null, defaultOutput: null, checkpointDir: 'checkpoints', checkpointPatterns: [], outputDir: 'outputs', resume: null, name: null,
    python: null, concurrent: false, readyTimeoutMs: null, followed: false, ...over,
  })
  const endInput = (kind: 'stop' | 'terminate') =>
    ({instanceId: INSTANCE_ID, kind, graceMs: 1000, force: false, requestId: 'req-1', timeoutMs: 60_000})

  const table: readonly {readonly name: string; readonly scene?: () => Scene; readonly act: (deps: FakeDeps) => Promise<unknown>; readonly rounds: readonly (readonly string[])[]}[] = [
    {name: 'train after an edit', act: deps => train(trainInput(), deps), rounds: [['describe'], ['agent start']]},
    {
      name: 'train of another project: the tags say so',
      act: deps => train(trainInput({projectName: 'other'}), deps),
      rounds: [['describe'], ['agent start'], ['setTags']],
    },
    {
      name: 'the first train on an instance that was created for the project: the tags name the run',
      scene: () => scene({tags: {[TAGS.project]: 'proj'}}),
      act: deps => train(trainInput(), deps),
      rounds: [['describe'], ['agent start'], ['setTags']],
    },
    {
      name: 'train --wait, to the end',
      scene: () => scene({tags: TRAINED_BEFORE}, ENDED),
      act: async deps => {
        const {instance, result} = await train(trainInput({readyTimeoutMs: 1000, followed: true}), deps)
        await finishRun({instance, runId: result.run.run_id, timeoutMs: null, log: () => undefined, recorded: true, save: SAVE}, deps)
      },
      rounds: [['describe'], ['agent start'], ['agent logs'], ['setTags']],
    },
    {name: 'status', act: deps => showStatus(INSTANCE_ID, SAVE, deps), rounds: [['describe'], ['agent status', 'price']]},
    {name: 'status of a stopped instance', scene: () => scene({state: 'stopped'}), act: deps => showStatus(INSTANCE_ID, SAVE, deps), rounds: [['describe'], ['price']]},
    {name: 'monitor', act: deps => monitorRun({instanceId: INSTANCE_ID, runId: null, lines: 20, save: SAVE}, deps), rounds: [['describe'], ['agent checkpoints', 'agent logs']]},
    {name: 'resources list: what runs is asked beside the prices', act: deps => listResourcesAtRisk({states: []}, deps), rounds: [['describe'], ['agent status', 'price']]},
    {name: 'resources list --no-ask', act: deps => listResources({states: []}, deps), rounds: [['describe'], ['price']]},
    {name: 'checkpoint list', act: deps => listInstanceCheckpoints({instanceId: INSTANCE_ID, project: null, defaultOutput: null}, deps), rounds: [['describe'], ['agent checkpoints', 'agent status', 'price']]},
    {name: 'run list', act: deps => listRuns({instanceId: null, limit: 20}, [deps]), rounds: [['describe'], ['agent status']]},
    {name: 'the overview', act: deps => showOverview([deps]), rounds: [['describe'], ['agent status', 'price']]},
    {name: 'stop', act: deps => endInstance(endInput('stop'), deps), rounds: [['describe'], ['agent stop', 'price'], ['setTags'], ['stopInstance']]},
    {
      name: 'stop where nothing runs: the agent says at once what ran last',
      scene: () => scene({}, ENDED),
      act: deps => endInstance(endInput('stop'), deps),
      rounds: [['describe'], ['agent stop', 'price'], ['setTags'], ['stopInstance']],
    },
    {name: 'stop of a stopped instance', scene: () => scene({state: 'stopped'}), act: deps => endInstance(endInput('stop'), deps), rounds: [['describe'], ['price']]},
    {
      name: 'terminate of a stopped instance',
      scene: () => scene({state: 'stopped'}),
      act: deps => endInstance(endInput('terminate'), deps),
      rounds: [['describe'], ['price', 'terminateInstance']],
    },
    {
      name: 'start --wait',
      scene: () => scene({state: 'stopped'}),
      act: deps => startInstance({instanceId: INSTANCE_ID, wait: true, timeoutMs: 60_000}, deps),
      rounds: [['describe'], ['price', 'startInstance'], ['setTags', 'shell']],
    },
    {name: 'wait', act: deps => waitAndShow({instanceId: INSTANCE_ID, until: 'running', timeoutMs: 60_000}, deps), rounds: [['describe'], ['price', 'shell']]},
  ]
  for (const {act, name, rounds, scene: make = scene} of table) {
    it(name, async () => {
      const {calls, deps} = make()
      await act(deps)
      expect(calls.rounds).to.deep.equal(rounds)
    })
  }

  it('asks many instances, and for their prices, at once', async () => {
    for (const act of [(deps: FakeDeps) => listRuns({instanceId: null, limit: 5}, [deps]), (deps: FakeDeps) => showOverview([deps]), (deps: FakeDeps) => listResourcesAtRisk({states: []}, deps)]) {
      const {calls, deps} = scene()
      for (let at = 2; at <= 60; at++) deps.provider.put(sampleInstance({id: `mem-${at}`, tags: {[TAGS.createdBy]: '1'}}))
      await act(deps)
      expect(calls.rounds).to.have.length(2)
      expect(calls.rounds[1]?.filter(name => name === 'agent status')).to.have.length(60)
    }
  })

  it('makes the same call to many instances in one turn, so that a platform can carry it as one', async () => {
    const deps = new FakeDeps()
    for (let at = 2; at <= 60; at++) deps.provider.put(sampleInstance({id: `mem-${at}`}))
    let turn = 0
    const asked: {readonly turn: number; readonly what: string}[] = []
    deps.provider.shell.answer = ({script, stdin}) => {
      asked.push({turn, what: JSON.stringify([script, Buffer.from(stdin ?? []).toString()])})
      setImmediate(() => turn++)
      return shellResult(JSON.stringify({runs: [], boot_id: 'b', now: ''}))
    }
    const agentFile = async () => {
      await new Promise(resolve => setImmediate(resolve))
      return {bytes: Buffer.from('x'), sha256: 'a'.repeat(64)}
    }
    const file = agentFile()
    const agent = (id: string): AgentClient => new AgentClient(deps.provider.shell, id, () => file)
    await listRuns({instanceId: null, limit: 5}, [{agent, provider: deps.provider, signal: deps.signal}])
    expect(asked).to.have.length(60)
    expect(new Set(asked.map(call => JSON.stringify(call))).size).to.equal(1)
  })
})
