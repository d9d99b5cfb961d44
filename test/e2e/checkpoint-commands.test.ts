import {createHash} from 'node:crypto'
import {copyFile, mkdir, readdir, readFile, utimes, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {PLATFORM, Bench} from './support/bench.js'

const SCRIPT = 'training/train_with_checkpoints.py'
const LAST = 'checkpoints/checkpoint_epoch_2.json'

describe('checkpoint list and checkpoint info', () => {
  let bench: Bench
  let id: string
  let first: string
  let second: string
  let folder: string

  before(async () => {
    bench = await Bench.create()
    id = await bench.instance()
    const train = async (epochs: string, ...flags: readonly string[]): Promise<string> =>
      (await bench.json<TrainJson>([PLATFORM, 'train', id, SCRIPT, '--wait', ...flags, '--', '--epochs', epochs, '--step-seconds', '0'])).run.run_id
    first = await train('2')
    second = await train('4', '--resume', 'latest')
    folder = bench.home(id, 'projects', 'project', 'checkpoints')
  })
  after(() => bench.destroy())

  const list = (...argv: readonly string[]): Promise<readonly Checkpoint[]> => bench.json<readonly Checkpoint[]>(['checkpoint', 'list', ...argv])
  const epochsOf = (checkpoints: readonly Checkpoint[]): readonly unknown[] => checkpoints.map(({epoch}) => epoch)

  it('lists those of an instance oldest first, and of a run only its own', async () => {
    const all = await list('--instance-id', id)
    expect(epochsOf(all)).to.deep.equal([1, 2, 3, 4])
    expect(all.map(({run_id}) => run_id)).to.deep.equal([first, first, second, second])
    expect(epochsOf(await list('--run', first))).to.deep.equal([1, 2])
    expect(epochsOf(await list('--run', second))).to.deep.equal([3, 4])
  })

  it('shows one by its whole path or by its name, with the digest of its bytes', async () => {
    const bytes = await readFile(path.join(folder, 'checkpoint_epoch_2.json'))
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    for (const source of [['--instance-id', id], ['--run', first]]) {
      for (const name of [LAST, 'checkpoint_epoch_2.json']) {
        const info = await bench.json<Checkpoint>(['checkpoint', 'info', name, ...source])
        expect(info).to.deep.include({path: LAST, state: 'complete', format: 'json', epoch: 2, step: 40, sha256, size_bytes: bytes.length, run_id: first})
      }
    }
    const {stdout} = await bench.ok(['checkpoint', 'info', LAST, '--instance-id', id])
    expect(stdout).to.contain(sha256).and.to.match(/^State +complete$/m).and.to.contain(path.join(folder, 'checkpoint_epoch_2.json'))
  })

  it('judges a folder of this machine as it would on an instance', async () => {
    const here = path.join(bench.project, 'kept')
    await mkdir(here)
    const good = path.join(here, 'checkpoint_epoch_1.json')
    await copyFile(path.join(folder, 'checkpoint_epoch_1.json'), good)
    await writeFile(path.join(here, 'checkpoint_epoch_2.json'), '{"epoch": 2, "weights": [0.1, 0.')
    await writeFile(path.join(here, 'checkpoint_epoch_3.pt'), '')
    // Old ones: what was written just now could still be growing.
    const past = new Date(Date.now() - 60_000)
    for (const name of await readdir(here)) await utimes(path.join(here, name), past, past)
    const judged = await list('kept')
    expect(Object.fromEntries(judged.map(({path: name, state}) => [path.basename(name), state]))).to.deep.equal({
      'checkpoint_epoch_1.json': 'complete', 'checkpoint_epoch_2.json': 'corrupt', 'checkpoint_epoch_3.pt': 'corrupt',
    })
    expect(await bench.json<Checkpoint>(['checkpoint', 'info', 'kept/checkpoint_epoch_1.json'])).to.deep.include({state: 'complete', epoch: 1})
  })

  it('says what there is when a name is not there, or not unique', async () => {
    const missing = await bench.jsonError(['checkpoint', 'info', 'nowhere.pt', '--instance-id', id])
    expect(missing.error).to.deep.include({code: 'not_found', exit_code: 3})
    expect(missing.error.next.join()).to.contain('checkpoint_epoch_4.json')
    expect((await bench.jsonError(['checkpoint', 'list', 'nowhere'])).error.code).to.equal('not_found')
  })

  it('asks whose checkpoints are meant, and refuses two answers', async () => {
    expect((await bench.jsonError(['checkpoint', 'list'])).error).to.deep.include({code: 'bad_input', exit_code: 2})
    expect((await bench.jsonError(['checkpoint', 'list', '--instance-id', id, '--run', first])).error.code).to.equal('bad_input')
    expect((await bench.jsonError(['checkpoint', 'list', 'kept', '--run', first])).error.code).to.equal('bad_input')
  })

  it('passes over a damaged newest one when resuming, and says so', async () => {
    await writeFile(path.join(folder, 'checkpoint_epoch_5.json'), '{"epoch": 5, "weights": [')
    const listed = await bench.ok(['checkpoint', 'list', '--instance-id', id])
    expect(listed.stdout).to.match(/^checkpoints\/checkpoint_epoch_5\.json .* (corrupt|partial) /m)
    const {resume_skipped, run} = await bench.json<TrainJson>([PLATFORM, 'train', id, SCRIPT, '--wait', '--resume', 'latest', '--', '--epochs', '5', '--step-seconds', '0'])
    expect(run).to.deep.include({resume_from: 'checkpoints/checkpoint_epoch_4.json', reason: 'completed', parent_run_id: second, attempt: 3})
    expect(resume_skipped.map(({path: name}) => name)).to.deep.equal(['checkpoints/checkpoint_epoch_5.json'])
  })

  it('refuses to resume from a checkpoint that is damaged or not there: nothing is started', async () => {
    await writeFile(path.join(folder, 'cut.json'), '{"epoch": 5, "weights": [')
    const resume = (from: string) => bench.jsonError([PLATFORM, 'train', id, SCRIPT, '--wait', '--resume', from, '--', '--epochs', '6'])
    expect((await resume('checkpoints/cut.json')).error).to.deep.include({code: 'verification_failed', exit_code: 12})
    const missing = await resume('checkpoints/nowhere.json')
    expect(missing.error).to.deep.include({code: 'not_found', exit_code: 3})
    expect(missing.error.next).to.include(`runctl checkpoint list --instance-id ${id}`)
  })
})
