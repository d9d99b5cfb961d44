import type {ChildProcess} from 'node:child_process'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {EndResult} from '../../src/core/end-instance.js'
import type {RunRow} from '../../src/core/list-runs.js'
import {PLATFORM, Bench, collect, until} from './support/bench.js'
import {agentProcesses, isAlive} from './support/processes.js'

const SCRIPT = 'training/train_with_checkpoints.py'
const EPOCHS = ['1', '2', '3', '4', '5']

describe('a resumed training is the training that was never stopped', () => {
  let bench: Bench
  let id: string
  let straight: string

  before(async () => {
    bench = await Bench.create()
    id = await bench.instance()
    await train('straight', ['--wait'], ['--epochs', '5', '--step-seconds', '0'])
    straight = await model('straight')
    await expectEachEpochOnce('straight')
  })
  after(() => bench.destroy())

  const train = (project: string, flags: readonly string[], args: readonly string[]): Promise<TrainJson> =>
    bench.json<TrainJson>([PLATFORM, 'train', id, SCRIPT, '--sync-code', '--project-name', project, ...flags, '--', ...args])
  const model = (project: string): Promise<string> => bench.readHome(id, 'projects', project, 'outputs', 'model.json')
  const show = (run: string): Promise<RunRow> => bench.json<RunRow>(['run', 'show', run])

  async function expectEachEpochOnce(project: string): Promise<void> {
    const log = await bench.readHome(id, 'projects', project, 'outputs', 'epochs.log')
    expect(log.trim().split('\n')).to.deep.equal(EPOCHS.map(epoch => `epoch ${epoch}`))
  }

  const logHas = (run: string, text: string) => async (): Promise<boolean> =>
    (await bench.readHome(id, '.runctl', 'runs', run, 'log').catch(() => '')).includes(text)

  /** Stops and starts the instance, resumes from the latest, and expects the same model to the last byte. */
  async function stopAndResume(project: string): Promise<EndResult> {
    const stopped = await bench.json<EndResult>([PLATFORM, 'stop', id])
    expect(stopped.instance.state).to.equal('stopped')
    await bench.ok([PLATFORM, 'start', id, '--wait'])
    const {run} = await train(project, ['--wait', '--resume', 'latest'], ['--epochs', '5', '--step-seconds', '0'])
    expect(run.resume_from).to.equal(stopped.instance.last_checkpoint?.path)
    expect(await model(project)).to.equal(straight)
    await expectEachEpochOnce(project)
    return stopped
  }

  it('two epochs, a stop, a start and the other three give the same bytes as five in one go', async () => {
    await train('between', ['--wait'], ['--epochs', '2', '--step-seconds', '0'])
    const stopped = await stopAndResume('between')
    expect(stopped.instance.last_checkpoint).to.deep.include({path: 'checkpoints/checkpoint_epoch_2.json', epoch: 2})
  })

  it('so does a stop in the middle of an epoch', async () => {
    const {run} = await train('middle', [], ['--epochs', '5', '--step-seconds', '0.1'])
    await until(logHas(run.run_id, 'saved checkpoints/checkpoint_epoch_1.json'), 20_000, 'the first epoch is saved')
    const stopped = await stopAndResume('middle')
    expect(stopped.saved?.reports[0]).to.deep.include({ok: true, saved_on_request: true, ended: 'graceful', killed: 0})
    expect(stopped.instance.last_checkpoint?.path).to.match(/^checkpoints\/checkpoint_epoch_\d_step_\d+\.json$/)
    expect(stopped.instance.last_checkpoint?.epoch).to.be.within(1, 4)
  })

  it('a run goes on to its end when the CLI and the supervisor are killed', async () => {
    const {cli, run} = await startAndKill('killed', '0.05')
    await until(async () => (await show(run)).state === 'stopped', 30_000, 'the run ends')
    expect(await show(run)).to.deep.include({reason: 'completed', exit_code: 0, checkpoint_count: 5})
    expect(cli.exitCode ?? cli.signalCode).to.equal('SIGKILL')
    expect(await model('killed')).to.equal(straight)
    await expectEachEpochOnce('killed')
  })

  it('and can be stopped with a save and resumed after that', async () => {
    const {run} = await startAndKill('killed-stopped', '0.1')
    expect(await show(run)).to.deep.include({state: 'running', reason: null})
    const stopped = await stopAndResume('killed-stopped')
    expect(stopped.saved?.reports[0]).to.deep.include({run_id: run, ok: true, saved_on_request: true, ended: 'graceful'})
  })

  /** A training under way whose CLI and supervisor got SIGKILL after the first epoch was saved. */
  async function startAndKill(project: string, stepSeconds: string): Promise<{readonly cli: ChildProcess; readonly run: string}> {
    const cli = bench.spawn([PLATFORM, 'train', id, SCRIPT, '--project-name', project, '--wait', '--', '--epochs', '5', '--step-seconds', stepSeconds])
    const ended = collect(cli, 60_000)
    let run = ''
    await until(async () => {
      const newest = (await bench.json<readonly RunRow[]>(['run', 'list', '--limit', '1']))[0]
      run = newest?.project === project ? newest.run_id : ''
      return run !== ''
    }, 20_000, 'the run is there')
    await until(logHas(run, 'saved checkpoints/checkpoint_epoch_1.json'), 20_000, 'the first epoch is saved')
    const supervisors = await agentProcesses('_supervise', bench.home(id, '.runctl', 'runs', run))
    expect(supervisors).to.have.length(1)
    cli.kill('SIGKILL')
    for (const pid of supervisors) process.kill(pid, 'SIGKILL')
    await ended
    await until(async () => !(await Promise.all(supervisors.map(isAlive))).includes(true), 5000, 'the supervisor is gone')
    return {cli, run}
  }
})
