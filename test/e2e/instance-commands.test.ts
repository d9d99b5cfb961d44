import {spawnSync} from 'node:child_process'
import {expect} from 'chai'

import type {ProcessesAnswer} from '../../src/agent/protocol.js'
import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {ExecResult} from '../../src/core/exec-command.js'
import type {ResourceRow} from '../../src/core/list-resources.js'
import type {Overview} from '../../src/core/show-overview.js'
import type {InstanceStatus} from '../../src/core/show-status.js'
import {PLATFORM, ABSENT, Bench} from './support/bench.js'

const hasJq = spawnSync('jq', ['--version']).status === 0

describe('the commands about instances', () => {
  let bench: Bench
  let id: string
  let stopped: string
  let run: string

  before(async () => {
    bench = await Bench.create({'script.py': 'import time\nprint("begun", flush=True)\ntime.sleep(600)\n'})
    const instances = await Promise.all([bench.instance(), bench.instance()])
    id = instances[0]
    stopped = instances[1]
    await bench.ok([PLATFORM, 'stop', stopped])
    run = (await bench.json<TrainJson>([PLATFORM, 'train', id, 'script.py'])).run.run_id
  })
  after(() => bench.destroy())

  it('resources list is an array with what each instance costs', async () => {
    const rows = await bench.json<readonly ResourceRow[]>(['resources', 'list', '--platform', PLATFORM])
    expect(rows.map(row => [row.id, row.state])).to.have.deep.members([[id, 'running'], [stopped, 'stopped']])
    for (const row of rows) expect(row).to.deep.include({platform: PLATFORM, cost_per_hour: 0, estimated_cost: 0, region: null})
    const running = await bench.json<readonly ResourceRow[]>(['resources', 'list', '--state', 'running'])
    expect(running.map(row => row.id)).to.deep.equal([id])
    const {stdout} = await bench.ok(['resources', 'list', '--platform', PLATFORM])
    expect(stdout).to.match(/^ID +PLATFORM +STATE /).and.to.contain('1 of 2 instances running: $0.00/h, $0.00 so far')
  })

  it('resources list goes through jq as the workflows have it', async function () {
    if (!hasJq) {
      console.log('      jq is not installed: skipped')
      this.skip()
    }
    const {stdout} = await bench.ok(['resources', 'list', '--platform', PLATFORM, '--output', 'json'])
    const each = spawnSync('jq', ['-c', '.[] | {id: .id, cost: .estimated_cost}'], {input: stdout, encoding: 'utf8'})
    expect(each.stdout.trim().split('\n').sort()).to.deep.equal([id, stopped].sort().map(one => `{"id":"${one}","cost":0}`))
    const all = spawnSync('jq', ['[.[] | {id: .id, cost: .estimated_cost}] | length'], {input: stdout, encoding: 'utf8'})
    expect(all.stdout).to.equal('2\n')
  })

  it('an empty list is [] and no error', async () => {
    expect(await bench.json<readonly ResourceRow[]>(['resources', 'list', '--state', 'pending'])).to.deep.equal([])
  })

  it('status says what runs on an instance, or why it cannot be known', async () => {
    const status = await bench.json<InstanceStatus>([PLATFORM, 'status', id])
    expect(status).to.deep.include({id, state: 'running', runs_unknown_because: null})
    expect(status.runs?.map(({run_id, state}) => [run_id, state])).to.deep.equal([[run, 'running']])
    expect(await bench.json<InstanceStatus>([PLATFORM, 'status', stopped])).to.deep.include({runs: null, runs_unknown_because: 'the instance is stopped'})
    expect(await bench.json<readonly ResourceRow[]>([PLATFORM, 'status'])).to.have.length(2)
    expect((await bench.ok([PLATFORM, 'status', id])).stdout).to.contain(run).and.to.match(/^State +running$/m)
  })

  it('the overview shows everything that is there and everything that runs', async () => {
    const overview = await bench.json<Overview>(['status'])
    expect(overview.instances).to.have.length(2)
    expect(overview.active_runs.map(({instance_id, run_id}) => [instance_id, run_id])).to.deep.equal([[id, run]])
    expect(overview.cost_per_hour).to.equal(0)
  })

  it('processes shows those of the run, and what the machine has', async () => {
    const answer = await bench.json<ProcessesAnswer>([PLATFORM, 'processes', id])
    expect(answer.cpu_count).to.be.greaterThan(0)
    expect(answer.disk_free_bytes).to.be.within(1, answer.disk_total_bytes)
    expect(answer.processes.filter(one => one.run_id === run).map(one => one.command)).to.satisfy((commands: readonly string[]) => commands.some(text => text.endsWith('script.py')))
    expect((await bench.ok([PLATFORM, 'processes', id])).stdout).to.contain('script.py').and.to.contain(run)
  })

  it('exec hands words over exactly, and its exit status is that of the command', async () => {
    const argv = ['sh', '-c', 'printf "%s|" "$@"; printf oops >&2; exit 7', 'name', 'two words', `'"`, '$(id)', '*', '']
    const plain = await bench.run([PLATFORM, 'exec', id, '--', ...argv])
    expect(plain).to.deep.equal({code: 7, stdout: `two words|'"|$(id)|*||\n`, stderr: 'oops'})
    const outcome = await bench.run([PLATFORM, 'exec', id, '--json', '--', ...argv])
    expect(outcome.code).to.equal(7)
    expect(bench.document<ExecResult>(outcome, [PLATFORM, 'exec'])).to.deep.equal({instance_id: id, exit_code: 7, stdout: `two words|'"|$(id)|*||`, stderr: 'oops'})
  })

  it('exec runs a script in the home of the instance, and ends it when its time is over', async () => {
    expect((await bench.ok([PLATFORM, 'exec', id, 'cd projects && ls | head -1; echo "$HOME"'])).stdout).to.equal(`project\n${bench.home(id)}\n`)
    const late = await bench.jsonError([PLATFORM, 'exec', id, '--timeout', '300ms', '--', 'sleep', '60'])
    expect(late.error).to.deep.include({code: 'timed_out', exit_code: 8})
  })

  it('what needs a running instance names the command that starts it', async () => {
    for (const argv of [[PLATFORM, 'exec', stopped, 'true'], [PLATFORM, 'train', stopped, 'script.py'], [PLATFORM, 'monitor', stopped], [PLATFORM, 'processes', stopped]]) {
      const failure = await bench.jsonError(argv)
      expect(failure.error, argv.join(' ')).to.deep.include({code: 'wrong_state', exit_code: 4})
      expect(failure.error.next[0]).to.equal(`runctl ${PLATFORM} start ${stopped} --wait`)
    }
  })

  it('an id that does not exist, or has no form of one, is said to be so', async () => {
    expect((await bench.jsonError([PLATFORM, 'status', ABSENT])).error).to.deep.include({code: 'not_found', exit_code: 3})
    expect((await bench.jsonError(['workflow', 'run', 'nonsense', 'script.py'])).error).to.deep.include({code: 'bad_input', exit_code: 2})
    expect((await bench.jsonError([PLATFORM, 'train', id, 'nowhere.py', '--sync-code'])).error).to.deep.include({code: 'not_found', exit_code: 3})
    expect((await bench.jsonError([PLATFORM, 'train', id, 'script.py', '--no-such-flag'])).error).to.deep.include({code: 'bad_input', exit_code: 2})
  })
})
