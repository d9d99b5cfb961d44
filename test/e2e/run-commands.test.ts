import {expect} from 'chai'

import type {StopAnswer} from '../../src/agent/protocol.js'
import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {RunRow} from '../../src/core/list-runs.js'
import type {RunLogsJson} from '../../src/core/read-log.js'
import {PLATFORM, Bench, until} from './support/bench.js'

const SCRIPT = 'training/train_with_checkpoints.py'

describe('run list, show, logs and stop', () => {
  let bench: Bench
  let id: string
  let done: string
  let active: string

  before(async () => {
    bench = await Bench.create({'binary.py': 'import sys\nsys.stdout.buffer.write(b"caf\\xc3\\xa9 \\xff \\x1b[31mred\\x1b[0m \\x07\\n10%\\r100%\\nlast")\n'})
    id = await bench.instance()
    done = (await bench.json<TrainJson>([PLATFORM, 'train', id, SCRIPT, '--wait', '--name', 'first try', '--', '--epochs', '2', '--step-seconds', '0'])).run.run_id
    active = (await bench.json<TrainJson>([PLATFORM, 'train', id, SCRIPT, '--project-name', 'other', '--', '--epochs', '1000', '--step-seconds', '0.01'])).run.run_id
  })
  after(() => bench.destroy())

  const show = (run: string): Promise<RunRow> => bench.json<RunRow>(['run', 'show', run])

  it('lists the runs newest first', async () => {
    const runs = await bench.json<readonly RunRow[]>(['run', 'list'])
    expect(runs.map(({run_id, state}) => [run_id, state])).to.deep.equal([[active, 'running'], [done, 'stopped']])
    expect(await bench.json<readonly RunRow[]>(['run', 'list', '--instance-id', id, '--limit', '1'])).to.have.length(1)
    const {stdout} = await bench.ok(['run', 'list'])
    expect(stdout).to.match(new RegExp(`^${done} +first try +completed`, 'm'))
  })

  it('shows one, with the command that it ran and where its log is', async () => {
    expect(await show(done)).to.deep.include({
      run_id: done, instance_id: id, platform: PLATFORM, name: 'first try', script: SCRIPT, args: ['--epochs', '2', '--step-seconds', '0'],
      state: 'stopped', reason: 'completed', exit_code: 0, signal: null, attempt: 1, checkpoint_count: 2,
    })
    const {stdout} = await bench.ok(['run', 'show', done])
    expect(stdout).to.contain(`${SCRIPT} --epochs 2 --step-seconds 0`).and.to.contain(bench.home(id, '.runctl', 'runs', done, 'log'))
  })

  it('prints a log whole, its end, or as JSON', async () => {
    const whole = await bench.readHome(id, '.runctl', 'runs', done, 'log')
    expect((await bench.ok(['run', 'logs', done])).stdout).to.equal(whole)
    const lines = whole.trimEnd().split('\n')
    expect((await bench.ok(['run', 'logs', done, '--lines', '2'])).stdout).to.equal(`${lines.slice(-2).join('\n')}\n`)
    expect(await bench.json<RunLogsJson>(['run', 'logs', done])).to.deep.include({run_id: done, size_bytes: Buffer.byteLength(whole), lines})
  })

  it('prints no raw control character of a log, unless asked for the bytes', async () => {
    const {run} = await bench.json<TrainJson>([PLATFORM, 'train', id, 'binary.py', '--wait'])
    const {stdout} = await bench.ok(['run', 'logs', run.run_id])
    expect(stdout).to.match(/^café \uFFFD red /).and.to.contain('\n100%\nlast').and.not.to.match(/[\u0007\u001B\r]/)
    expect((await bench.json<RunLogsJson>(['run', 'logs', run.run_id])).lines.slice(1)).to.deep.equal(['100%', 'last'])
    const raw = await bench.ok(['run', 'logs', run.run_id, '--raw'])
    expect(raw.stdout).to.contain('\u001B[31mred\u001B[0m \u0007\n10%\r100%\nlast')
  })

  it('refuses a second run in the folder of an active one, and says how to go on', async () => {
    const failure = await bench.jsonError([PLATFORM, 'train', id, SCRIPT, '--project-name', 'other', '--', '--epochs', '1'])
    expect(failure.error).to.deep.include({code: 'run_active', exit_code: 5})
    expect(failure.error.next).to.include(`runctl run stop ${active}`).and.to.include(`runctl ${PLATFORM} monitor ${id} --follow`)
  })

  it('saves and ends one run; the instance and its other runs go on', async () => {
    await until(async () => (await show(active)).last_checkpoint !== null, 20_000, 'a first checkpoint')
    const {ok, reports} = await bench.json<StopAnswer>(['run', 'stop', active, '--grace', '20s'])
    expect(ok).to.equal(true)
    expect(reports).to.have.length(1)
    expect(reports[0]).to.deep.include({run_id: active, ok: true, saved_on_request: true, ended: 'graceful', killed: 0})
    expect(await show(active)).to.deep.include({state: 'stopped', reason: 'user', processes_alive: 0})
    const again = await bench.json<StopAnswer>(['run', 'stop', active])
    expect(again.reports[0]).to.deep.include({ended: 'before', ok: true})
  })

  it('ends nothing that saved nothing, unless forced', async () => {
    await bench.write('deaf.py', 'import time\nprint("begun", flush=True)\ntime.sleep(600)\n')
    const {run} = await bench.json<TrainJson>([PLATFORM, 'train', id, 'deaf.py', '--project-name', 'deaf'])
    const failure = await bench.jsonError(['run', 'stop', run.run_id, '--grace', '500ms'])
    expect(failure.error).to.deep.include({code: 'save_failed', exit_code: 9})
    expect(failure.error.still_running.join()).to.contain(run.run_id)
    expect(failure.error.next).to.include(`runctl run stop ${run.run_id} --force`)
    expect((await show(run.run_id)).state).to.equal('running')

    const stop = await bench.jsonError([PLATFORM, 'stop', id, '--grace', '500ms'])
    expect(stop.error).to.deep.include({code: 'save_failed', exit_code: 9})
    expect(stop.error.still_running.join()).to.contain(id)

    await bench.ok(['run', 'stop', run.run_id, '--force', '--grace', '500ms'])
    expect(await show(run.run_id)).to.deep.include({state: 'stopped', reason: 'user', processes_alive: 0})
  })

  it('tells a run that does not exist from a word that is no run', async () => {
    expect((await bench.jsonError(['run', 'show', 'run-20200101-000000-abcd'])).error).to.deep.include({code: 'not_found', exit_code: 3})
    expect((await bench.jsonError(['run', 'logs', 'nonsense'])).error).to.deep.include({code: 'bad_input', exit_code: 2})
  })
})
