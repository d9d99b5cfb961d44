import {expect} from 'chai'
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout} from 'node:timers/promises'

import {type Ended, printed, type Started, startSample} from './run-sample.js'

function startTraining(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
  return startSample('train_with_checkpoints.py', cwd, ['--step-seconds', '0', ...args], env)
}

async function train(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return startTraining(cwd, args, env).ended
}

describe('the sample training script', () => {
  let straight: string
  let folder: string

  const model = (where: string): string => readFileSync(join(where, 'outputs/model.json'), 'utf8')
  const epochs = (where: string): string[] => readFileSync(join(where, 'outputs/epochs.log'), 'utf8').trimEnd().split('\n')
  const checkpoints = (where: string): string[] => readdirSync(join(where, 'checkpoints')).sort()

  before(async () => {
    straight = mkdtempSync(join(tmpdir(), 'runctl-straight-'))
    expect((await train(straight, ['--epochs', '5'])).code).to.equal(0)
  })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'runctl-training-'))
  })
  afterEach(() => {
    rmSync(folder, {recursive: true})
  })
  after(() => {
    rmSync(straight, {recursive: true})
  })

  it('learns: the loss of the last epoch is well below that of the first', () => {
    const loss = (epoch: number): number =>
      (JSON.parse(readFileSync(join(straight, `checkpoints/checkpoint_epoch_${epoch}.json`), 'utf8')) as {loss: number}).loss
    expect(loss(5)).to.be.lessThan(loss(1) / 2)
  })

  it('gives the same bytes for 5 epochs in one go as for 2, a resume, and the other 3', async () => {
    await train(folder, ['--epochs', '2'])
    const second = await train(folder, ['--epochs', '5', '--resume-from', 'checkpoints/checkpoint_epoch_2.json'])
    expect(second.stdout).to.match(/^resumed from checkpoints\/checkpoint_epoch_2\.json at epoch 2, step 40\nepoch 3\/5 /)
    expect(model(folder)).to.equal(model(straight))
    expect(epochs(folder)).to.deep.equal(['epoch 1', 'epoch 2', 'epoch 3', 'epoch 4', 'epoch 5'])
  })

  it('saves in the middle of an epoch on SIGTERM, exits 0, and goes on from there to the same bytes', async () => {
    const started = startTraining(folder, ['--epochs', '5', '--step-seconds', '0.05'])
    await printed(started, 'saved checkpoints/checkpoint_epoch_1.json')
    // A few of its 50 ms steps further, so that it is in the middle of the second epoch.
    await setTimeout(150)
    started.child.kill('SIGTERM')
    expect((await started.ended).code).to.equal(0)
    const saved = checkpoints(folder).find((name) => name.includes('_step_'))
    expect(saved).to.match(/^checkpoint_epoch_1_step_(2[1-9]|3\d)\.json$/)
    await train(folder, ['--epochs', '5', '--resume-from', `checkpoints/${saved}`])
    expect(model(folder)).to.equal(model(straight))
    const interrupted = 'checkpoints/checkpoint_epoch_2.json'
    expect(readFileSync(join(folder, interrupted), 'utf8')).to.equal(readFileSync(join(straight, interrupted), 'utf8'))
    expect(epochs(folder)).to.deep.equal(epochs(straight))
  })

  it('saves and leaves when the stop file is there, and says so in its last line', async () => {
    const stop = join(folder, 'stop')
    writeFileSync(stop, '')
    const ended = await train(folder, ['--epochs', '5', '--resume-from', join(straight, 'checkpoints/checkpoint_epoch_3.json')], {
      RUNCTL_STOP_FILE: stop,
    })
    expect(ended.code).to.equal(0)
    expect(ended.stdout).to.match(/saved checkpoints\/checkpoint_epoch_3_step_60\.json\nstopped on request at epoch 3, step 60: .*\n$/)
  })

  it('notices the stop file within a slow step', async () => {
    const stop = join(folder, 'stop')
    const from = join(straight, 'checkpoints/checkpoint_epoch_1.json')
    const started = startTraining(folder, ['--steps-per-epoch', '1', '--step-seconds', '600', '--resume-from', from], {RUNCTL_STOP_FILE: stop})
    await printed(started, 'resumed from')
    writeFileSync(stop, '')
    expect((await started.ended).code).to.equal(0)
  })

  it('takes the checkpoint of RUNCTL_RESUME_FROM, but the flag wins', async () => {
    const env = {RUNCTL_RESUME_FROM: join(straight, 'checkpoints/checkpoint_epoch_4.json')}
    expect((await train(folder, ['--epochs', '5'], env)).stdout).to.contain('at epoch 4, step 80')
    const flagged = await train(folder, ['--epochs', '5', '--resume-from', join(straight, 'checkpoints/checkpoint_epoch_3.json')], env)
    expect(flagged.stdout).to.contain('at epoch 3, step 60')
    expect(model(folder)).to.equal(model(straight))
  })

  it('writes where RUNCTL_CHECKPOINT_DIR and RUNCTL_OUTPUT_DIR say, and leaves no temporary file', async () => {
    const env = {RUNCTL_CHECKPOINT_DIR: join(folder, 'c'), RUNCTL_OUTPUT_DIR: join(folder, 'o')}
    await train(folder, ['--epochs', '3', '--checkpoint-interval', '2'], env)
    expect(readdirSync(folder).sort()).to.deep.equal(['c', 'o'])
    expect(readdirSync(join(folder, 'c')).sort()).to.deep.equal(['checkpoint_epoch_2.json', 'checkpoint_epoch_3.json'])
    expect(readdirSync(join(folder, 'o')).sort()).to.deep.equal(['epochs.log', 'model.json'])
  })

  it('has nothing to train when the checkpoint already has all epochs', async () => {
    const ended = await train(folder, ['--epochs', '5', '--resume-from', join(straight, 'checkpoints/checkpoint_epoch_5.json')])
    expect(ended.code).to.equal(0)
    expect(model(folder)).to.equal(model(straight))
    expect(readdirSync(join(folder, 'outputs'))).to.deep.equal(['model.json'])
  })

  for (const [what, damage] of [
    ['is cut off', (text: string): string => text.slice(0, text.length / 2)],
    ['is of another script', (): string => '{"epoch": 3}\n'],
    ['has weights of another shape', (text: string): string => text.replace('"weights":{"hidden":[', '"weights":{"hidden":[[1.0],')],
  ] as const) {
    it(`refuses a checkpoint that ${what}, with exit status 2 and nothing written`, async () => {
      writeFileSync(join(folder, 'bad.json'), damage(readFileSync(join(straight, 'checkpoints/checkpoint_epoch_2.json'), 'utf8')))
      const ended = await train(folder, ['--resume-from', 'bad.json'])
      expect(ended.code).to.equal(2)
      expect(ended.stderr).to.match(/^error: cannot resume from bad\.json: its? [^\n]+\n$/)
      expect(readdirSync(folder)).to.deep.equal(['bad.json'])
    })
  }

  it('refuses a checkpoint that does not exist, with exit status 2', async () => {
    const ended = await train(folder, ['--resume-from', 'nowhere.json'])
    expect(ended).to.deep.equal({code: 2, stdout: '', stderr: 'error: cannot resume from nowhere.json: No such file or directory\n'})
  })
})
