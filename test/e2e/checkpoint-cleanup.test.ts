import {cp, mkdir, readdir, readFile, rm, utimes, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {CleanupResult} from '../../src/core/cleanup-checkpoints.js'
import type {TagResult} from '../../src/core/tag-checkpoint.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {PLATFORM, Bench} from './support/bench.js'

const SCRIPT = 'training/train_with_checkpoints.py'

describe('checkpoint cleanup and checkpoint tag', () => {
  let bench: Bench
  let id: string
  let run: string
  let folder: string

  before(async () => {
    bench = await Bench.create()
    id = await bench.instance()
  })
  after(() => bench.destroy())
  beforeEach(async () => {
    folder = bench.home(id, 'projects', 'project', 'checkpoints')
    await rm(folder, {recursive: true, force: true})
    run = (await bench.json<TrainJson>([PLATFORM, 'train', id, SCRIPT, '--wait', '--', '--epochs', '5', '--step-seconds', '0'])).run.run_id
  })
  const names = async (dir = folder): Promise<readonly string[]> => (await readdir(dir)).toSorted()
  const epoch = (number: number): string => `checkpoint_epoch_${number}.json`
  const cleanUp = (...argv: readonly string[]): Promise<CleanupResult> => bench.json<CleanupResult>(['checkpoint', 'cleanup', ...argv])

  it('shows what would go on an instance, and removes just that', async () => {
    const planned = await cleanUp('--instance-id', id, '--keep-last', '1', '--keep-every', '40', '--dry-run')
    expect(await names()).to.deep.equal([1, 2, 3, 4, 5].map(epoch))
    expect(planned.checkpoints.map(({what}) => what)).to.deep.equal(['would-remove', 'kept', 'would-remove', 'kept', 'kept'])
    const done = await cleanUp('--instance-id', id, '--keep-last', '1', '--keep-every', '40')
    expect(done).to.deep.include({removed: 2, removed_bytes: planned.removed_bytes, usd_per_month_less: 0})
    expect(await names()).to.deep.equal([2, 4, 5].map(epoch))
    expect((await bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--instance-id', id])).map(one => one.epoch)).to.deep.equal([2, 4, 5])
  })

  it('keeps what is tagged by its content, until the tag is taken away', async () => {
    const tagged = await bench.json<TagResult>(['checkpoint', 'tag', epoch(2), 'gold', 'v1.0', '--instance-id', id])
    expect(tagged).to.deep.include({path: `checkpoints/${epoch(2)}`, tags: ['gold', 'v1.0']})
    expect((await cleanUp('--run', run, '--where', 'instance', '--keep-last', '1')).removed).to.equal(3)
    expect(await names()).to.deep.equal([2, 5].map(epoch))
    await bench.json(['checkpoint', 'tag', epoch(2), 'gold', 'v1.0', '--remove', '--run', run])
    expect((await cleanUp('--project', 'project', '--keep-last', '1')).removed).to.equal(1)
    expect(await names()).to.deep.equal([epoch(5)])
  })

  it('keeps a damaged one, and what a run resumed from', async () => {
    await writeFile(path.join(folder, epoch(3)), '{"epoch": 3, "weights": [')
    await bench.ok([PLATFORM, 'train', id, SCRIPT, '--wait', '--resume', `checkpoints/${epoch(2)}`, '--', '--epochs', '6', '--step-seconds', '0'])
    await writeFile(path.join(folder, epoch(4)), '{"epoch": 4, "weights": [')
    await cleanUp('--instance-id', id, '--keep-last', '1')
    expect(await names()).to.deep.equal([2, 4, 6].map(epoch))
  })

  it('cleans up a folder of this machine, tags in it included', async () => {
    const here = path.join(bench.project, 'kept')
    await cp(folder, here, {recursive: true})
    await writeFile(path.join(here, 'notes.txt'), 'mine')
    for (const [index, name] of (await names(here)).entries()) {
      const past = new Date(Date.now() - 3_600_000 + index * 60_000)
      await utimes(path.join(here, name), past, past)
    }
    // Tags of files here are kept in the user's home folder.
    const own = {env: {HOME: bench.root}}
    await bench.json(['checkpoint', 'tag', `kept/${epoch(1)}`, 'gold'], own)
    const result = await bench.json<CleanupResult>(['checkpoint', 'cleanup', 'kept', '--keep-last', '2'], own)
    expect(result.places[0]).to.deep.include({kind: 'client', dir: here, price_source: 'local', usd_per_month_less: 0})
    expect(await names(here)).to.deep.equal([1, 4, 5].map(epoch).concat('notes.txt'))
    expect(await names()).to.deep.equal([1, 2, 3, 4, 5].map(epoch))
  })

  it('as text is a line a checkpoint with every reason, and a table fits 80 columns', async () => {
    const argv = ['checkpoint', 'cleanup', '--instance-id', id, '--keep-last', '2', '--dry-run']
    const {stdout: text} = await bench.ok([...argv, '--output', 'text'])
    const rows = text.trimEnd().split('\n').map(line => line.split('\t'))
    expect(rows).to.have.length(5)
    expect(rows.at(-1)).to.include.members(['keep', `checkpoints/${epoch(5)}`, id, 'newest complete; among the last 2'])
    const {stdout: table} = await bench.ok(argv, {env: {COLUMNS: '80'}})
    for (const line of table.slice(0, table.indexOf('\n\n')).split('\n')) expect(line.length, line).to.be.at.most(80)
    expect(table).to.match(/^Would remove +3 checkpoints \(.*\)$/m).and.to.contain('a disk costs the same however full it is')
  })

  it('of a folder that is not there, or a wrong name, changes nothing and says so', async () => {
    await mkdir(path.join(bench.project, 'empty'), {recursive: true})
    expect((await cleanUp('empty', '--keep-last', '1')).checkpoints).to.deep.equal([])
    expect((await bench.jsonError(['checkpoint', 'cleanup', 'nowhere', '--keep-last', '1'])).error.code).to.equal('not_found')
    expect((await bench.jsonError(['checkpoint', 'tag', 'nowhere.pt', 'gold', '--instance-id', id])).error.code).to.equal('not_found')
    expect((await bench.jsonError(['checkpoint', 'tag', epoch(1), 'no/tag', '--instance-id', id])).error.code).to.equal('bad_input')
    expect(await readFile(path.join(folder, epoch(1)), 'utf8')).to.contain('"epoch"')
  })
})
