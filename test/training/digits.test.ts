import {spawnSync} from 'node:child_process'
import {expect} from 'chai'
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {setTimeout} from 'node:timers/promises'

import {type Ended, printed, startSample} from './run-sample.js'

describe('the sample that classifies digits', () => {
  let data: string
  let folder: string

  const train = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    startSample('train_mnist_e2e.py', folder, args, env).ended
  const model = (): string => readFileSync(join(folder, 'outputs/model.json'), 'utf8')

  before(async () => {
    data = mkdtempSync(join(tmpdir(), 'runctl-digits-'))
    const made = await startSample('make_digits.py', data, ['digits', '--train', '400', '--test', '100']).ended
    expect(made).to.deep.equal({code: 0, stdout: 'wrote 400 training and 100 test images to digits\n', stderr: ''})
    data = join(data, 'digits')
  })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'runctl-training-'))
  })
  afterEach(() => {
    rmSync(folder, {recursive: true})
  })
  after(() => {
    rmSync(join(data, '..'), {recursive: true})
  })

  it('learns the made digits, far beyond chance, from the folder in RUNCTL_DATA_DIR', async () => {
    const ended = await train(['--epochs', '4'], {RUNCTL_DATA_DIR: data})
    expect(ended.code, ended.stderr).to.equal(0)
    expect(Number(/epoch 4\/4 .* accuracy ([\d.]+)/.exec(ended.stdout)?.[1])).to.be.greaterThan(0.6)
  })

  it('learns real handwriting from the files that come with it: nine of ten digits that it never saw', async () => {
    const ended = await train(['--epochs', '3', '--data', resolve('training/data/digits')])
    expect(ended.stdout, ended.stderr).to.match(/^training on 1498 images of 64 pixels, with (NumPy|plain Python)\nepoch 1\/3 /)
    expect(Number(/epoch 3\/3 .* test accuracy ([\d.]+)/.exec(ended.stdout)?.[1])).to.be.greaterThan(0.9)
  })

  it('comes to the same with NumPy as without, and goes on with the one from a checkpoint of the other', async function () {
    const python = process.env['RUNCTL_TEST_NUMPY'] ?? 'python3'
    if (spawnSync(python, ['-c', 'import numpy']).status !== 0) {
      this.test!.title += `: SKIPPED, ${python} has no NumPy (RUNCTL_TEST_NUMPY names a Python that has it)`
      this.skip()
    }
    const by = (engine: string, more: readonly string[]): Promise<Ended> =>
      startSample('train_mnist_e2e.py', folder, ['--engine', engine, '--data', resolve('training/data/digits'), '--epochs', '2', ...more], {}, python).ended
    const results: {readonly loss: number; readonly weights: readonly (readonly number[])[]}[] = []
    for (const [engine, more] of [['python', []], ['numpy', []], ['auto', []], ['python', ['--resume-from', 'checkpoints/checkpoint_epoch_1.json']]] as const) {
      const ended = await by(engine, more)
      expect(ended.code, ended.stderr).to.equal(0)
      if (engine !== 'python') expect(ended.stdout).to.contain('with NumPy')
      results.push(JSON.parse(model()) as (typeof results)[number])
    }
    expect(results[2]).to.deep.equal(results[1])
    for (const other of results.slice(1)) {
      expect(other.loss).to.be.closeTo(results[0]!.loss, 1e-9)
      for (const [row, weights] of other.weights.entries()) for (const [at, weight] of weights.entries()) expect(weight).to.be.closeTo(results[0]!.weights[row]![at]!, 1e-9)
    }
  })

  it('says so when NumPy is wanted and not there', async () => {
    // -S: no installed packages.
    const ended = await startSample('train_mnist_e2e.py', folder, ['--engine', 'numpy', '--data', data], {PYTHONNOUSERSITE: '1'}, 'python3', ['-S']).ended
    expect([ended.code, ended.stderr]).to.deep.equal([2, 'error: NumPy is not installed for this Python\n'])
  })

  it('stops in the middle of an epoch and resumes to the same bytes', async () => {
    const started = startSample('train_mnist_e2e.py', folder, ['--epochs', '5', '--step-seconds', '0.05', '--data', data])
    await printed(started, 'saved checkpoints/checkpoint_epoch_1.json')
    // A few of its 50 ms steps further, so that it is in the middle of the second epoch.
    await setTimeout(150)
    started.child.kill('SIGTERM')
    const {code, stdout} = await started.ended
    expect(code).to.equal(0)
    const saved = /saved (checkpoints\/checkpoint_epoch_1_step_(?:4[1-9]|[56]\d)\.json)\nstopped on request/.exec(stdout)?.[1]
    await train(['--epochs', '3', '--data', data, '--resume-from', saved!])
    const resumed = model()
    await train(['--epochs', '3', '--data', data])
    expect(resumed).to.equal(model())
  })

  it('reads CSV with a header, label first', async () => {
    const rows = Array.from({length: 40}, (_, index) => [index % 2, ...(index % 2 === 0 ? [255, 0] : [0, 255])].join(','))
    writeFileSync(join(folder, 'train.csv'), `label,p0,p1\n${rows.join('\n')}\n`)
    const ended = await train(['--epochs', '20', '--data', '.'])
    expect(ended.stdout, ended.stderr).to.contain('training accuracy 1.000')
  })

  it('says how to give it data when it has none', async () => {
    const ended = await train([])
    expect(ended.code).to.equal(2)
    expect(ended.stderr).to.match(/^error: no data: give its folder with --data DIR.*make_digits\.py/)
    expect(readdirSync(folder)).to.deep.equal([])
  })

  it('refuses a data file that is cut off', async () => {
    for (const name of readdirSync(data)) writeFileSync(join(folder, name), readFileSync(join(data, name)).subarray(0, 100))
    const ended = await train(['--data', '.'])
    expect(ended.code).to.equal(2)
    expect(ended.stderr).to.match(/^error: [^\n]*train-images-idx3-ubyte\.gz cannot be read: [^\n]+\n$/)
  })

  it('refuses a checkpoint of other data', async () => {
    await train(['--epochs', '1', '--limit', '50', '--data', data])
    const ended = await train(['--data', data, '--resume-from', 'checkpoints/checkpoint_epoch_1.json'])
    expect(ended.code).to.equal(2)
    expect(ended.stderr).to.equal('error: cannot resume from checkpoints/checkpoint_epoch_1.json: it was trained on other data\n')
  })
})
