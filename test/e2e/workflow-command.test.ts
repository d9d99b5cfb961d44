import {readdir, readFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {WorkflowResult} from '../../src/core/run-workflow.js'
import type {ResourceRow} from '../../src/core/list-resources.js'
import {PLATFORM, Bench} from './support/bench.js'

const SCRIPT = 'training/train_with_checkpoints.py'
const ARGS = ['--', '--epochs', '2', '--step-seconds', '0']

describe('workflow 7: the whole session in one command', () => {
  let bench: Bench
  let id: string

  before(async () => {
    bench = await Bench.create()
    id = await bench.instance()
  })
  after(() => bench.destroy())

  const stateOf = async (instanceId: string): Promise<string | undefined> => {
    const rows = await bench.json<readonly ResourceRow[]>(['resources', 'list', '--state', 'running', '--state', 'stopped', '--state', 'terminated'])
    return rows.find(row => row.id === instanceId)?.state
  }

  it('trains on a running instance and leaves it running', async () => {
    const result = await bench.json<WorkflowResult>(['workflow', 'run', id, SCRIPT, ...ARGS])
    expect(result).to.deep.include({began: 'was-running', then: 'keep', verified_count: 2, pulled: null})
    expect(result.instance).to.deep.include({id, state: 'running'})
    expect(result.run).to.deep.include({state: 'stopped', reason: 'completed', exit_code: 0})
    expect(result.checkpoints.map(({path, run_id, state}) => [path, run_id, state])).to.deep.equal([
      ['checkpoints/checkpoint_epoch_1.json', result.run.run_id, 'complete'],
      ['checkpoints/checkpoint_epoch_2.json', result.run.run_id, 'complete'],
    ])
    expect(result.next).to.include(`runctl ${PLATFORM} stop ${id}`)
  })

  it('starts a stopped instance first; workflow train is the same command', async () => {
    await bench.ok([PLATFORM, 'stop', id])
    const result = await bench.json<WorkflowResult>(['workflow', 'train', id, SCRIPT, ...ARGS])
    expect(result).to.deep.include({began: 'started', verified_count: 2})
    expect(result.instance.state).to.equal('running')
  })

  it('prints commands to go on that work as they stand', async () => {
    const {next} = await bench.json<WorkflowResult>(['workflow', 'run', id, SCRIPT, ...ARGS])
    expect(next).to.have.length(3)
    for (const command of next) {
      const [program, ...argv] = command.split(' ')
      expect(program).to.equal('runctl')
      await bench.ok(argv)
    }
    expect(await stateOf(id)).to.equal('stopped')
  })

  it('creates an instance where a platform is named, also in the short form', async () => {
    const named = await bench.json<WorkflowResult>(['workflow', 'run', PLATFORM, SCRIPT, ...ARGS])
    const short = await bench.json<WorkflowResult>([PLATFORM, SCRIPT, ...ARGS])
    for (const result of [named, short]) expect(result).to.deep.include({began: 'created', then: 'keep', verified_count: 2})
    expect(new Set([id, named.instance.id, short.instance.id]).size).to.equal(3)
    expect([await stateOf(named.instance.id), await stateOf(short.instance.id)]).to.deep.equal(['running', 'running'])
  })

  it('stops the instance at the end if told to', async () => {
    const result = await bench.json<WorkflowResult>([PLATFORM, SCRIPT, '--then', 'stop', ...ARGS])
    expect(result).to.deep.include({then: 'stop', verified_count: 2})
    expect(result.instance.last_checkpoint?.path).to.equal('checkpoints/checkpoint_epoch_2.json')
    expect(await stateOf(result.instance.id)).to.equal('stopped')
  })

  it('brings the checkpoints here before it terminates the instance', async () => {
    const result = await bench.json<WorkflowResult>(['workflow', 'run', PLATFORM, SCRIPT, '--then', 'terminate', ...ARGS])
    expect(result).to.deep.include({then: 'terminate', verified_count: 2, next: []})
    expect(await stateOf(result.instance.id)).to.be.oneOf(['terminated', undefined])
    const folder = path.join(bench.project, 'runctl-checkpoints', result.run.run_id)
    expect(result.pulled).to.deep.include({destination: folder, files_copied: 2})
    expect(await readFile(path.join(folder, 'checkpoint_epoch_2.json'), 'utf8')).to.contain('"epoch":2')
  })

  it('does not send the checkpoints that it brought here back with the code', async () => {
    const {sync} = await bench.json<WorkflowResult>(['workflow', 'run', PLATFORM, SCRIPT, ...ARGS])
    const own = (await readdir(bench.project, {recursive: true, withFileTypes: true})).filter(entry => entry.isFile() && !entry.parentPath.includes('runctl-checkpoints'))
    expect(await readdir(path.join(bench.project, 'runctl-checkpoints'))).to.have.length(1)
    expect(sync?.files_total).to.equal(own.length)
  })

  it('keeps the instance whose training failed: its log is worth the disk', async () => {
    await bench.write('fails.py', 'import sys\nprint("no such data")\nsys.exit(3)\n')
    const failure = await bench.jsonError([PLATFORM, 'fails.py', '--then', 'terminate'])
    expect(failure.error).to.deep.include({code: 'training_failed', exit_code: 10})
    expect(failure.error.details).to.deep.include({exit_code: 3, last_log_lines: ['no such data']})
    expect(await stateOf(String(failure.error.details['instance_id']))).to.equal('stopped')
  })

  it('creates nothing for a script that does not exist', async () => {
    const before = await bench.json<readonly ResourceRow[]>(['resources', 'list'])
    const failure = await bench.jsonError(['workflow', 'run', PLATFORM, 'training/nowhere.py'])
    expect(failure.error.code).to.equal('not_found')
    expect(await bench.json<readonly ResourceRow[]>(['resources', 'list'])).to.have.length(before.length)
  })
})
