import {expect} from 'chai'
import {copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
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

  it('learns: the loss falls to less than half, and nine of ten flowers that it never saw are named', () => {
    const saved = (epoch: number): {loss: number; accuracy: number} =>
      JSON.parse(readFileSync(join(straight, `checkpoints/checkpoint_epoch_${epoch}.json`), 'utf8')) as {loss: number; accuracy: number}
    expect(saved(5).loss).to.be.lessThan(saved(1).loss / 2)
    expect(saved(5).accuracy).to.be.greaterThan(0.9)
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

  it('learns from what --data names: a file, or the only table of a folder; a header or none, any classes', async () => {
    const rows = Array.from({length: 40}, (_, at) => `${at % 2},${at % 7},${at % 2 === 0 ? 'even' : 'odd'}`)
    writeFileSync(join(folder, 'numbers.csv'), `${rows.join('\n')}\n`)
    const ended = await train(folder, ['--epochs', '5', '--data', 'numbers.csv'])
    expect(ended.stdout, ended.stderr).to.match(/^epoch 5\/5 loss [\d.]+ accuracy 1\.00 \(step 30\)$/m)
    const first = model(folder)
    writeFileSync(join(folder, 'numbers.csv'), `a,b,which\n${rows.join('\n')}\n`)
    await train(folder, ['--epochs', '5', '--data', '.'])
    expect(model(folder)).to.equal(first)
  })

  it('takes iris.csv of RUNCTL_DATA_DIR if it is there, else the one that it came with, also as a copy beside training/', async () => {
    const shipped = readFileSync(resolve('training/data/iris.csv'), 'utf8')
    expect((await train(folder, ['--epochs', '5'], {RUNCTL_DATA_DIR: folder})).code).to.equal(0)
    expect(model(folder)).to.equal(model(straight))
    writeFileSync(join(folder, 'iris.csv'), shipped.split('\n').slice(0, 121).join('\n'))
    expect((await train(folder, ['--epochs', '5'], {RUNCTL_DATA_DIR: folder})).code).to.equal(0)
    expect(model(folder)).to.not.equal(model(straight))
    copyFileSync(resolve('training/train_with_checkpoints.py'), join(folder, 'copy.py'))
    const lacking = await startSample(join(folder, 'copy.py'), folder, ['--epochs', '1']).ended
    expect([lacking.code, lacking.stderr]).to.deep.equal([2, 'error: there is no data/iris.csv beside this script: give a CSV file with --data FILE\n'])
    mkdirSync(join(folder, 'training/data'), {recursive: true})
    writeFileSync(join(folder, 'training/data/iris.csv'), shipped)
    expect((await startSample(join(folder, 'copy.py'), folder, ['--epochs', '5', '--step-seconds', '0']).ended).code).to.equal(0)
    expect(model(folder)).to.equal(model(straight))
  })

  it('refuses data that it cannot use, and a checkpoint of other data, with exit status 2 and nothing written', async () => {
    const rows = readFileSync(resolve('training/data/iris.csv'), 'utf8').split('\n')
    for (const [text, why] of [
      ['', /needs rows of one length, ten at least, and two classes/],
      [rows.slice(0, 41).join('\n'), /two classes/],
      [rows.join('\n').replace('5.1,', ''), /rows of one length/],
      [rows.join('\n').replace('4.9', 'many'), /not a table of numbers/],
      [rows.join('\n').replace('4.9', 'nan'), /not finite/],
    ] as const) {
      writeFileSync(join(folder, 'bad.csv'), text)
      const ended = await train(folder, ['--data', 'bad.csv'])
      expect([ended.code, ended.stdout]).to.deep.equal([2, ''])
      expect(ended.stderr).to.match(why).and.to.match(/^error: bad\.csv [^\n]+\n$/)
    }
    writeFileSync(join(folder, 'bad.csv'), rows.slice(0, 121).join('\n'))
    const other = await train(folder, ['--data', 'bad.csv', '--resume-from', join(straight, 'checkpoints/checkpoint_epoch_2.json')])
    expect([other.code, other.stderr]).to.match(/^2,error: cannot resume from .*: it was trained on other data\n$/)
    writeFileSync(join(folder, 'second.csv'), rows.join('\n'))
    expect((await train(folder, ['--data', '.'])).stderr).to.equal('error: . holds neither iris.csv nor one single .csv file\n')
    expect((await train(folder, ['--data', 'absent.csv'])).stderr).to.equal('error: absent.csv: No such file or directory\n')
    expect(readdirSync(folder).sort()).to.deep.equal(['bad.csv', 'second.csv'])
  })

  it('spreads an epoch over --epoch-seconds, with the same result', async () => {
    const began = Date.now()
    expect((await train(folder, ['--epochs', '1', '--epoch-seconds', '1'])).code).to.equal(0)
    expect(Date.now() - began).to.be.greaterThan(1000)
    expect(readFileSync(join(folder, 'checkpoints/checkpoint_epoch_1.json'), 'utf8')).to.equal(readFileSync(join(straight, 'checkpoints/checkpoint_epoch_1.json'), 'utf8'))
  })

  it('refuses a checkpoint that does not exist, with exit status 2', async () => {
    const ended = await train(folder, ['--resume-from', 'nowhere.json'])
    expect(ended).to.deep.equal({code: 2, stdout: '', stderr: 'error: cannot resume from nowhere.json: No such file or directory\n'})
  })
})
