import {createHash} from 'node:crypto'
import {readdir, readFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {CheckpointPullResult} from '../../src/core/pull-checkpoint.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {PLATFORM, Bench} from './support/bench.js'

describe('checkpoint pull from an instance', () => {
  let bench: Bench
  let id: string
  let run: string
  let folder: string

  before(async () => {
    bench = await Bench.create()
    id = await bench.instance()
    run = (await bench.json<TrainJson>([PLATFORM, 'train', id, 'training/train_with_checkpoints.py', '--wait', '--', '--epochs', '3', '--step-seconds', '0'])).run.run_id
    folder = bench.home(id, 'projects', 'project', 'checkpoints')
  })
  after(() => bench.destroy())
  const pull = (...argv: readonly string[]): Promise<CheckpointPullResult> => bench.json<CheckpointPullResult>(['checkpoint', 'pull', ...argv])

  it('brings the latest good one, verified, to where pull --checkpoints does, and the instance knows of the copy', async () => {
    const {checkpoints} = await pull('--instance-id', id)
    const local = path.join(bench.project, 'runctl-checkpoints', id, 'project', 'checkpoint_epoch_3.json')
    const bytes = await readFile(path.join(folder, 'checkpoint_epoch_3.json'))
    expect(checkpoints).to.have.length(1)
    expect(checkpoints[0]).to.deep.include({path: 'checkpoints/checkpoint_epoch_3.json', local_path: local, epoch: 3, what: 'copied', sha256: createHash('sha256').update(bytes).digest('hex')})
    expect((await readFile(local)).equals(bytes)).to.equal(true)
    const info = await bench.json<Checkpoint>(['checkpoint', 'info', 'checkpoint_epoch_3.json', '--instance-id', id])
    expect(info.places.map(({kind, path: at}) => [kind, at])).to.deep.include(['client', local])
    expect((await pull('--instance-id', id)).checkpoints[0]?.what).to.equal('unchanged')
  })

  it('brings one of a run by its name, or all of them', async () => {
    await pull('checkpoint_epoch_1.json', 'first.json', '--run', run)
    expect((await readFile(path.join(bench.project, 'first.json'), 'utf8'))).to.equal(await readFile(path.join(folder, 'checkpoint_epoch_1.json'), 'utf8'))
    expect((await pull('--all', '--run', run, './all')).checkpoints.map(({epoch}) => epoch)).to.deep.equal([1, 2, 3])
    expect((await readdir(path.join(bench.project, 'all'))).toSorted()).to.deep.equal([1, 2, 3].map(epoch => `checkpoint_epoch_${epoch}.json`))
  })

  it('says what there is instead of one that is not there', async () => {
    const error = await bench.jsonError(['checkpoint', 'pull', 'nowhere.pt', '--instance-id', id])
    expect(error.error).to.deep.include({code: 'not_found', exit_code: 3})
    expect(error.error.next.join()).to.contain('checkpoint_epoch_3.json')
    expect((await bench.jsonError(['checkpoint', 'pull'])).error.code).to.equal('bad_input')
  })
})
