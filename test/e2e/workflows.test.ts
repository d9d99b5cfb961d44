import {expect} from 'chai'

import type {MonitorJson} from '../../src/cli/verbs/monitor.js'
import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {EndResult} from '../../src/core/end-instance.js'
import type {InstanceStatus} from '../../src/core/show-status.js'
import type {StartResult} from '../../src/core/start-instance.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {ACCOUNTS, type OpenAccount} from './support/accounts.js'
import {type Bench, collect, until} from './support/bench.js'
import {sampleScript} from './support/samples.js'

const SCRIPT = 'training/train_with_checkpoints.py'
const QUICK = ['--step-seconds', '0']
const FOREVER = ['--epochs', '1000', '--step-seconds', '0.01']

const names = (checkpoints: readonly Checkpoint[]): readonly string[] => checkpoints.map(({path}) => path)
const epochs = (count: number): readonly string[] => Array.from({length: count}, (_, at) => `checkpoints/checkpoint_epoch_${at + 1}.json`)

for (const {open, platform, skipped, title} of ACCOUNTS) {
  describe(`the workflows, on ${title}`, () => {
    let account: OpenAccount
    let bench: Bench
    let id: string

    before(async function () {
      if (skipped !== null) this.skip()
      account = await open({'script.py': await sampleScript()})
      bench = account.bench
      id = await bench.instance()
    })
    after(() => account?.close())

    const monitor = (): Promise<MonitorJson> => bench.json<MonitorJson>([platform, 'monitor', id])
    const readProject = (...parts: readonly string[]): Promise<string> => bench.readHome(id, 'projects', ...parts)

    it('1: start, train with checkpoints, stop: all of them are kept and the last one is in the tags', async () => {
      await bench.ok([platform, 'stop', id])
      const started = await bench.json<StartResult>([platform, 'start', id, '--wait'])
      expect(started).to.deep.include({changed: true})
      expect(started.instance.state).to.equal('running')

      const {run, waited} = await bench.json<TrainJson>([platform, 'train', id, SCRIPT, '--sync-code', '--wait', '--', '--epochs', '3', '--checkpoint-interval', '1', ...QUICK])
      expect(waited).to.equal(true)
      expect(run).to.deep.include({state: 'stopped', reason: 'completed', exit_code: 0, checkpoint_count: 3})

      const stopped = await bench.json<EndResult>([platform, 'stop', id])
      expect(stopped.instance).to.deep.include({state: 'stopped', state_reason: 'user', run: run.run_id})
      expect(stopped.instance.last_checkpoint).to.deep.include({path: 'checkpoints/checkpoint_epoch_3.json', epoch: 3, step: 60})
      expect(stopped.saved?.ok).to.equal(true)
      expect(names(stopped.saved?.only_here ?? [])).to.deep.equal(epochs(3))

      const listed = await bench.ok(['checkpoint', 'list', '--instance-id', id])
      expect(listed.stdout).to.contain('checkpoints/checkpoint_epoch_3.json')
      expect(listed.stderr).to.contain(`${id} is stopped`)
    })

    it('2: resumes from the checkpoint of an epoch, and trains none twice', async () => {
      await bench.ok([platform, 'start', id, '--wait'])
      const argv = [platform, 'train', id, SCRIPT, '--sync-code', '--wait', '--', '--epochs', '5', '--resume-from', 'checkpoints/checkpoint_epoch_1.json', ...QUICK]
      const {stdout} = await bench.ok(argv)
      expect(stdout).to.contain('resumed from checkpoints/checkpoint_epoch_1.json at epoch 1, step 20')
      expect(stdout.match(/^epoch \d/gm)).to.deep.equal(['epoch 2', 'epoch 3', 'epoch 4', 'epoch 5'])
    })

    it('4: leaves a checkpoint for each of five epochs', async () => {
      const {run} = await bench.json<TrainJson>([platform, 'train', id, SCRIPT, '--sync-code', '--wait', '--project-name', 'w4', '--', '--epochs', '5', '--checkpoint-interval', '1', ...QUICK])
      const listed = await bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--run', run.run_id])
      expect(names(listed)).to.deep.equal(epochs(5))
      expect(listed.map(({epoch, state}) => [epoch, state])).to.deep.equal([1, 2, 3, 4, 5].map(epoch => [epoch, 'complete']))
    })

    it('6: a started training can be followed, looked at, and left by Ctrl-C', async () => {
      const {run} = await bench.json<TrainJson>([platform, 'train', id, 'script.py', '--sync-code', '--', ...FOREVER])
      expect(run.state).to.equal('running')

      const following = bench.spawn([platform, 'monitor', id, '--follow'])
      const ended = collect(following, 30_000)
      let seen = ''
      following.stdout?.on('data', (chunk: Buffer) => (seen += chunk.toString()))
      await until(() => (seen.match(/^epoch \d+\/1000/gm) ?? []).length >= 2, 20_000, 'two epochs in the followed log')
      following.kill('SIGINT')
      const left = await ended
      expect(left.code).to.equal(130)
      expect(left.stderr).to.match(/^Detached/).and.to.contain(run.run_id).and.to.contain(`runctl ${platform} monitor ${id} --follow`)

      const status = await bench.json<InstanceStatus>([platform, 'status', id])
      expect(status.runs?.[0]).to.deep.include({run_id: run.run_id, state: 'running'})
      expect(status.runs?.[0]?.last_log_line).to.match(/^(epoch|saved)/)
      await bench.ok(['run', 'stop', run.run_id])
    })

    it('8: trains in the folder of the name that was given', async () => {
      const {run, sync} = await bench.json<TrainJson>([platform, 'train', id, SCRIPT, '--sync-code', '--project-name', 'my-training-project', '--wait', '--', '--epochs', '2', ...QUICK])
      const dir = bench.pathOn(id, 'projects', 'my-training-project')
      expect([sync?.dir, run.project_dir, run.checkpoint_dir]).to.deep.equal([dir, dir, `${dir}/checkpoints`])
      expect(await readProject('my-training-project', SCRIPT)).to.equal(await sampleScript())
      expect(await readProject('my-training-project', 'checkpoints', 'checkpoint_epoch_2.json')).to.contain('"epoch":2')
      expect(await readProject('my-training-project', 'outputs', 'epochs.log')).to.equal('epoch 1\nepoch 2\n')
    })

    it('9: hands what follows -- to the script exactly', async () => {
      const args = ['--epochs', '3', '--checkpoint-interval', '1', '--learning-rate', '0.001', ...QUICK]
      const {run} = await bench.json<TrainJson>([platform, 'train', id, SCRIPT, '--sync-code', '--wait', '--project-name', 'w9', '--', ...args])
      expect(run.args).to.deep.equal(args)
      expect(JSON.parse(await readProject('w9', 'checkpoints', 'checkpoint_epoch_3.json'))).to.have.nested.property('settings.learning_rate', 0.001)
    })

    it('9: blanks, quotes, globs, dollars, newlines, empty and repeated words and a second -- arrive as they were', async () => {
      await bench.write('show.py', 'import json, sys\nprint(json.dumps(sys.argv[1:]))\n')
      const args = ['two words', `'"`, '*', '$(id)', '`id`', 'a\nb', '', 'x', 'x', '--', '--wait', '--output', 'json', '-x=é\\']
      const {stdout} = await bench.ok([platform, 'train', id, 'show.py', '--wait', '--project-name', 'w9', '--', ...args])
      expect(JSON.parse(stdout.split('\n')[0] ?? '')).to.deep.equal(args)
    })

    it('10: lists the checkpoints of an instance, and where they are', async () => {
      const {stdout} = await bench.ok(['checkpoint', 'list', '--instance-id', id])
      expect(stdout.split('\n')[0]).to.match(/^PATH\s+EPOCH\s+STEP\s+METRIC\s+SIZE\s+AGE\s+STATE\s+WHERE$/)
      expect(stdout).to.match(/^checkpoints\/checkpoint_epoch_3\.json +3 +60 .* complete +instance$/m)
      const listed = await bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--instance-id', id])
      for (const checkpoint of listed) {
        expect(checkpoint.places.map(({kind, where}) => [kind, where])).to.deep.equal([['instance', id]])
        expect(checkpoint.places[0]?.path).to.equal(bench.pathOn(id, 'projects', 'w9', checkpoint.path))
      }
    })

    it('11: stop saves in the middle, the disk comes back with the next start, and the training goes on from there', async () => {
      const w11 = ['--sync-code', '--project-name', 'w11']
      const {run} = await bench.json<TrainJson>([platform, 'train', id, 'script.py', ...w11, '--', '--epochs', '2', '--step-seconds', '0.5'])
      await until(async () => (await monitor()).run.state === 'running', 10_000, 'the script runs')
      const stopped = await bench.json<EndResult>([platform, 'stop', id])
      expect(stopped.instance.state).to.equal('stopped')
      expect(stopped.saved?.reports[0]).to.deep.include({run_id: run.run_id, ok: true, saved_on_request: true, ended: 'graceful', killed: 0})
      const saved = stopped.saved?.reports[0]?.checkpoint?.path ?? ''
      expect(saved).to.match(/^checkpoints\/checkpoint_epoch_0_step_\d+\.json$/)

      await bench.ok([platform, 'start', id, '--wait'])
      expect((await bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--run', run.run_id])).at(-1)).to.deep.include({path: saved, state: 'complete'})
      const resumed = await bench.ok([platform, 'train', id, 'script.py', ...w11, '--wait', '--', '--epochs', '2', '--resume-from', saved, ...QUICK])
      expect(resumed.stdout).to.contain(`resumed from ${saved}`).and.to.contain('finished 2 epochs')
      expect(await readProject('w11', 'outputs', 'epochs.log')).to.equal('epoch 1\nepoch 2\n')
    })

    it('12: each look shows more, and checkpoints appear as they are made', async () => {
      const {run} = await bench.json<TrainJson>([platform, 'train', id, 'script.py', '--sync-code', '--project-name', 'w12', '--', '--epochs', '3', '--step-seconds', '0.08'])
      const looks: MonitorJson[] = []
      await until(async () => {
        looks.push(await monitor())
        return looks.at(-1)?.run.state === 'stopped'
      }, 30_000, 'the run ends')
      expect(looks.every(look => look.run.run_id === run.run_id)).to.equal(true)
      expect(looks.at(-1)?.run.reason).to.equal('completed')
      const counts = looks.map(({checkpoints}) => checkpoints.length)
      expect(counts).to.deep.equal(counts.toSorted((a, b) => a - b))
      expect(counts.at(-1)).to.equal(3)
      expect(new Set(looks.map(({log_lines}) => log_lines.length)).size).to.be.greaterThan(1)
      expect(looks.at(-1)?.log_lines.at(-1)).to.match(/^finished 3 epochs/)

      const {stdout} = await bench.ok([platform, 'monitor', id])
      expect(stdout).to.contain('epoch 3/3').and.to.contain('checkpoint_epoch_3.json').and.to.contain('completed')
    })

    it('15: a session can be timed from outside, and from its own report', async () => {
      const begin = Date.now()
      const {run} = await bench.json<TrainJson>([platform, 'train', id, SCRIPT, '--sync-code', '--wait', '--project-name', 'w15', '--', '--epochs', '3', '--checkpoint-interval', '1', ...QUICK])
      const took = Date.parse(run.ended_at ?? '') - Date.parse(run.started_at ?? '')
      expect(took).to.be.within(0, Date.now() - begin)
      expect(run.checkpoint_count).to.equal(3)
    })
  })
}
