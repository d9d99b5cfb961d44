import {readFile} from 'node:fs/promises'
import {expect} from 'chai'

import type {TrainJson} from '../../../src/cli/verbs/train.js'
import type {CleanupResult} from '../../../src/core/cleanup-checkpoints.js'
import type {SetupResult} from '../../../src/core/set-up-platform.js'
import type {CheckpointPullResult} from '../../../src/core/pull-checkpoint.js'
import type {TagResult} from '../../../src/core/tag-checkpoint.js'
import {Bench} from '../support/bench.js'

describe('what a training stored', function () {
  this.timeout(180_000)
  let bench: Bench
  let id: string
  let bucket: string
  let run: string

  before(async () => {
    bench = await Bench.create({}, {platform: 'aws'})
    id = await bench.aws.addInstance()
    bucket = (await bench.json<SetupResult>(['aws', 'setup'])).settings['bucket'] ?? ''
    const argv = ['aws', 'train', id, 'training/train_with_checkpoints.py', '--sync-code', '--wait', '--output-s3', `s3://${bucket}/out`, '--', '--epochs', '6', '--step-seconds', '0']
    run = (await bench.json<TrainJson>(argv)).run.run_id
    await bench.ok(['aws', 'stop', id])
    await bench.ok(['aws', 'start', id, '--wait'])
  })
  after(() => bench?.destroy())

  const stored = (): readonly string[] => {
    const own = `out/project/${run}/checkpoints/`
    return bench.aws.s3.keys(bucket).filter(key => key.startsWith(own)).map(key => key.slice(own.length))
  }
  const both = (...numbers: readonly number[]): readonly string[] => numbers.flatMap(number => [`checkpoint_epoch_${number}.json`, `checkpoint_epoch_${number}.json.manifest.json`])

  it('is cleaned up on the disk and in the store, each by itself; a tagged copy goes from the disk alone where the store has it', async () => {
    const tagged = await bench.json<TagResult>(['checkpoint', 'tag', 'checkpoint_epoch_2.json', 'gold', '--run', run])
    expect(tagged.places.map(({kind}) => kind)).to.deep.equal(['instance', 's3'])
    const planned = await bench.json<CleanupResult>(['checkpoint', 'cleanup', '--run', run, '--keep-last', '2', '--dry-run'])
    expect(planned.places.map(({kind, removed}) => [kind, removed])).to.deep.equal([['instance', 3], ['s3', 3]])
    expect((await bench.json<CleanupResult>(['checkpoint', 'cleanup', '--project', 'project', '--where', 's3', '--from', `s3://${bucket}/out`, '--keep-last', '3'])).removed).to.equal(2)
    expect(stored()).to.deep.equal([...both(2), 'checkpoint_epoch_2.json.tag.gold', ...both(4, 5, 6)])
    // Of the others, 1 and 3 are in the store no more: the rules alone let them go. 2 is held by its tag in the store.
    const disk = await bench.json<CleanupResult>(['checkpoint', 'cleanup', '--run', run, '--where', 'instance', '--keep-last', '2'])
    expect(disk.checkpoints.filter(({what}) => what === 'removed').map(({epoch}) => epoch)).to.deep.equal([1, 2, 3, 4])
    expect(stored()).to.deep.equal([...both(2), 'checkpoint_epoch_2.json.tag.gold', ...both(4, 5, 6)])
  })

  it('comes to this machine when the instance is terminated', async () => {
    const home = await readFile(bench.home(id, 'projects', 'project', 'checkpoints', 'checkpoint_epoch_6.json'))
    await bench.ok(['aws', 'terminate', id])
    const {checkpoints} = await bench.json<CheckpointPullResult>(['checkpoint', 'pull', '--run', run, '--from', `s3://${bucket}/out`])
    expect(checkpoints[0]).to.deep.include({path: 'checkpoints/checkpoint_epoch_6.json', epoch: 6, what: 'copied'})
    expect((await readFile(checkpoints[0]?.local_path ?? '')).equals(home)).to.equal(true)
    expect((await bench.json<CheckpointPullResult>(['checkpoint', 'pull', './all', '--project', 'project', '--from', `s3://${bucket}/out`, '--all'])).checkpoints.map(({epoch}) => epoch)).to.deep.equal([2, 4, 5, 6])
  })
})
