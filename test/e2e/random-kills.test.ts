import {readdir} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import {seededRandom} from '../../src/core/rehearse/seeded-random.js'
import type {SetupResult} from '../../src/core/set-up-platform.js'
import type {InstanceStatus} from '../../src/core/show-status.js'
import type {VerifiedCheckpoint} from '../../src/core/verify-checkpoints.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {Bench, collect, PLATFORMS, until} from './support/bench.js'
import {pasted} from './support/pasted-command.js'

const SCRIPT = 'training/train_with_checkpoints.py'
/** Half a minute of training, were it not killed. */
const ARGS = ['--epochs', '40', '--step-seconds', '0.01', '--steps-per-epoch', '10']
const KILLS = Number(process.env['RUNCTL_KILLS'] ?? 3)
const SEED = Number(process.env['RUNCTL_KILL_SEED'] ?? 20261130)
const ROLES = ['supervise', 'launch', 'upload'] as const

/** Who dies, in this order of the cards: the agent's own tests kill more often and faster; here it is the whole tool. */
const KINDS = ['train', 'stop', 'script', 'agent', 'instance'] as const

for (const platform of PLATFORMS) {
  describe(`random kills on ${platform} (RUNCTL_KILL_SEED=${SEED}, RUNCTL_KILLS=${KILLS})`, function () {
    this.timeout(120_000 + KILLS * 30_000)
    const random = seededRandom(SEED)
    let bench: Bench
    let id: string
    let straight: string
    const output: string[] = []

    before(async () => {
      bench = await Bench.create({}, {platform})
      id = platform === 'aws' ? await bench.aws.addInstance() : await bench.instance()
      if (platform === 'aws') output.push('--output-s3', `s3://${(await bench.json<SetupResult>(['aws', 'setup'])).settings['bucket'] ?? ''}/out`)
      await bench.ok([platform, 'train', id, SCRIPT, '--project-name', 'straight', '--wait', '--', ...ARGS, '--step-seconds', '0'])
      straight = await model('straight')
    })
    after(() => bench.destroy())

    const model = (project: string): Promise<string> => bench.readHome(id, 'projects', project, 'outputs', 'model.json')
    const status = (): Promise<InstanceStatus> => bench.json<InstanceStatus>([platform, 'status', id])
    const rest = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
    const pick = <T>(of: readonly T[]): T => of[random.below(of.length)] as T

    /** Starts something and kills it with -9 after a while. */
    async function cut(argv: readonly string[], afterMs: number): Promise<void> {
      const cli = bench.spawn(argv)
      const ended = collect(cli, 60_000, argv)
      await rest(afterMs)
      cli.kill('SIGKILL')
      await ended
    }

    async function kill(kind: (typeof KINDS)[number], project: string): Promise<void> {
      const run = (await status()).runs?.find(one => one.project === project && one.state !== 'stopped')
      const ms = random.below(2500)
      switch (kind) {
        case 'train':
          return cut([platform, 'train', id, SCRIPT, '--project-name', project, '--resume', 'latest', '--wait', ...output, '--', ...ARGS], ms)
        case 'stop':
          return cut([platform, 'stop', id], ms)
        case 'instance':
          await rest(ms)
          await bench.ok([platform, 'stop', id, '--force', '--grace', '0s'])
          return
        case 'script':
          await rest(ms)
          if (run?.pid) await bench.run([platform, 'exec', id, '--', 'kill', '-9', String(run.pid)])
          return
        case 'agent':
          await rest(ms)
          // The brackets keep it from finding the shell that it is called by.
          if (run) for (const role of ROLES) await bench.run([platform, 'exec', id, '--', 'pkill', '-9', '-f', `[_]${role} .*${run.run_id}`])
          return
      }
    }

    /** The instance answers, nothing of the run is on its way, and what it stood for is told truly. */
    async function settle(project: string): Promise<void> {
      await until(async () => ['running', 'stopped'].includes((await status()).state), 30_000, 'the instance is on or off')
      if ((await status()).state === 'stopped') await bench.ok([platform, 'start', id, '--wait'])
      await until(async () => (await status()).runs?.every(({state}) => state !== 'stopping' && state !== 'preparing') === true, 40_000, 'no run is on its way')
      const listed = await bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--instance-id', id, '--project', project])
      for (const one of listed.filter(({places, state}) => state === 'complete' && places.some(({kind}) => kind === 'instance'))) {
        const told = JSON.parse(await bench.readHome(id, 'projects', project, one.path)) as {readonly epoch: number; readonly step: number}
        expect({epoch: told.epoch, step: told.step}, `${one.path} says what is listed of it`).to.deep.equal({epoch: one.epoch, step: one.step})
      }
    }

    /** The command that runctl itself names, in its words. */
    async function goOn(project: string): Promise<'ended' | 'going on'> {
      const newest = (await status()).runs?.[0]
      if (newest?.project === project && newest.state === 'stopped' && newest.reason === 'completed') return 'ended'
      if (newest?.state === 'running') return 'going on'
      const {stdout} = await bench.ok([platform, 'status', id])
      const [, command] = /^Go on: (runctl .*)$/m.exec(stdout) ?? []
      if (newest?.project === project && newest.last_checkpoint) expect(command, stdout).to.be.a('string')
      // Before a first checkpoint there is nothing to go on from. The --wait is for people; here the next kill is.
      const again = [platform, 'train', id, SCRIPT, '--project-name', project, ...output, '--', ...ARGS]
      await bench.ok(command === undefined ? again : (await pasted(command)).filter(word => word !== '--wait'))
      return 'going on'
    }

    it('never leave a wrong checkpoint or a wrong resume, and the end is the same to the byte', async () => {
      let trainings = 0
      let project = `p${trainings}`
      await bench.ok([platform, 'train', id, SCRIPT, '--project-name', project, ...output, '--', ...ARGS])
      for (let at = 0; at < KILLS; at++) {
        const kind = at < KINDS.length ? KINDS[at] as (typeof KINDS)[number] : pick(KINDS)
        await kill(kind, project)
        await settle(project)
        if ((await goOn(project)) === 'going on') continue
        expect(await model(project), `the model of ${project} after ${kind}`).to.equal(straight)
        project = `p${++trainings}`
        await bench.ok([platform, 'train', id, SCRIPT, '--project-name', project, ...output, '--', ...ARGS])
      }
      await bench.run([platform, 'monitor', id, '--follow'], {timeoutMs: 90_000})
      const {runs} = await status()
      if (runs?.[0]?.reason !== 'completed') await bench.json<TrainJson>([platform, 'train', id, SCRIPT, '--project-name', project, '--resume', 'latest', '--wait', ...output, '--', ...ARGS], {timeoutMs: 90_000})
      expect(await model(project)).to.equal(straight)
      const verified = await bench.json<readonly VerifiedCheckpoint[]>(['checkpoint', 'verify', '--instance-id', id])
      expect(verified.filter(({ok}) => !ok)).to.deep.equal([])
      const left = await readdir(bench.home(id, 'projects', project, 'checkpoints'))
      expect(left.filter(name => path.extname(name) === '.json')).to.have.length(verified.length)
    })
  })
}
