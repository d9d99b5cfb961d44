import {randomBytes} from 'node:crypto'
import {readdir, readFile, stat} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {CleanupResult} from '../../../src/core/cleanup-checkpoints.js'
import type {CheckpointPullResult} from '../../../src/core/pull-checkpoint.js'
import type {TagResult} from '../../../src/core/tag-checkpoint.js'
import {RUN_A, StoredCheckpoints} from '../../support/stored-checkpoints.js'
import {Bench, collect, until} from '../support/bench.js'

const BUCKET = 'runctl-models'
const MIB = 1 << 20
const at = (minute: number): string => new Date(Date.UTC(2026, 10, 23, 10, minute)).toISOString()

describe('checkpoints in S3', function () {
  this.timeout(120_000)
  let bench: Bench
  let put: StoredCheckpoints
  let prefix: string
  let project = 0

  before(async () => {
    bench = await Bench.create({}, {platform: 'aws', aws: {kind: 'folders'}})
    bench.aws.s3.addBucket(BUCKET)
  })
  after(() => bench?.destroy())
  beforeEach(async () => {
    prefix = `s3://${BUCKET}/out/net-${++project}/`
    const store = {
      put: async (uri: string, content: Uint8Array | {readonly file: string}): Promise<boolean> => {
        await bench.aws.s3.addObject(BUCKET, uri.slice(`s3://${BUCKET}/`.length), Buffer.from(content as Uint8Array))
        return true
      },
    }
    put = new StoredCheckpoints(store, prefix)
    await put.run(RUN_A)
  })

  const keys = (): readonly string[] => {
    const own = `${prefix.slice(`s3://${BUCKET}/`.length)}${RUN_A}/checkpoints/`
    return bench.aws.s3.keys(BUCKET).filter(key => key.startsWith(own)).map(key => key.slice(own.length))
  }
  const epochs = async (count: number): Promise<void> => {
    for (let epoch = 1; epoch <= count; epoch++) {
      await put.file(RUN_A, `epoch_${epoch}.pt`, Buffer.alloc(1000, epoch), {epoch, step: epoch * 100, metrics: {eval_loss: 1 / epoch}, modified_at: at(epoch)})
    }
  }
  const received = (): number => bench.aws.calls.bytes()['GetObject']?.received ?? 0

  it('cleanup shows what would go, with the price of the region, and removes that', async () => {
    await epochs(6)
    const argv = ['checkpoint', 'cleanup', prefix, '--keep-last', '1', '--keep-every', '200']
    const planned = await bench.json<CleanupResult>([...argv, '--dry-run'])
    expect(planned).to.deep.include({dry_run: true, removed: 3, removed_bytes: 3000, kept: 3})
    expect(planned.places[0]).to.deep.include({price_source: 'pricing-api'})
    expect(planned.usd_per_month_less).to.be.closeTo((3000 * 0.023) / 2 ** 30, 1e-12)
    expect(keys()).to.have.length(12)
    const {stdout} = await bench.ok(argv, {env: {COLUMNS: '80'}})
    expect(stdout).to.match(/^removed .*epoch_1\.pt/m).and.to.match(/^Removed +3 checkpoints \(3 kB\): <\$0\.01 a month less \(price: pricing-api\)$/m)
    for (const line of stdout.split('\n')) expect(line.length, line).to.be.at.most(80)
    expect(keys()).to.deep.equal([2, 4, 6].flatMap(epoch => [`epoch_${epoch}.pt`, `epoch_${epoch}.pt.manifest.json`]))
    expect((await bench.json<CleanupResult>(argv)).removed).to.equal(0)
  })

  it('cleanup keeps the best and the tagged, and falls back on the dated table where prices may not be asked for', async () => {
    await epochs(5)
    const tagged = await bench.json<TagResult>(['checkpoint', 'tag', `${prefix}${RUN_A}/checkpoints/epoch_2.pt`, 'gold', 'v1.0'])
    expect(tagged.tags).to.deep.equal(['gold', 'v1.0'])
    const allow = bench.aws.world.deny('pricing:GetProducts')
    const result = await bench.json<CleanupResult>(['checkpoint', 'cleanup', prefix, '--keep-best', '1', '--metric', 'eval_loss:max'], {env: {RUNCTL_DATA_DIR: path.join(bench.root, 'other-data')}})
    allow()
    expect(result.places[0]?.price_source).to.equal('built-in 2026-11')
    expect(result.checkpoints.filter(({what}) => what === 'kept').map(({path: uri, why}) => [uri.split('/').at(-1), why])).to.deep.equal([
      ['epoch_1.pt', ['among the best 1 by eval_loss']], ['epoch_2.pt', ['tagged gold', 'tagged v1.0']], ['epoch_5.pt', ['newest complete']],
    ])
  })

  it('cleanup wants to be told what to keep', async () => {
    const error = await bench.jsonError(['checkpoint', 'cleanup', prefix])
    expect(error.error).to.deep.include({code: 'bad_input', exit_code: 2})
    expect(error.error.next.join()).to.contain('--keep-last 3')
    expect((await bench.jsonError(['checkpoint', 'cleanup', '--keep-last', '1'])).error.code).to.equal('bad_input')
    expect((await bench.jsonError(['checkpoint', 'cleanup', prefix, '--keep-last', '1', '--where', 's3'])).error.code).to.equal('bad_input')
  })

  it('a cleanup that is killed between manifests and objects leaves no checkpoint without its content', async () => {
    await epochs(8)
    let deletes = 0
    const remove = bench.aws.inject({operation: 'DeleteObjects', kind: 'latency', ms: 60_000, when: () => ++deletes > 1})
    const child = bench.spawn(['checkpoint', 'cleanup', prefix, '--keep-last', '2'])
    const ended = collect(child, 60_000)
    await until(() => deletes > 1, 30_000, 'the manifests are gone')
    child.kill('SIGKILL')
    await ended
    remove()
    const left = keys().filter(key => key.endsWith('.manifest.json'))
    expect(left).to.deep.equal(['epoch_7.pt.manifest.json', 'epoch_8.pt.manifest.json'])
    expect(keys()).to.include.members(left.map(key => key.replace('.manifest.json', '')))
    const again = await bench.json<CleanupResult>(['checkpoint', 'cleanup', prefix, '--keep-last', '2'])
    expect(again).to.deep.include({removed: 0, kept: 2})
    expect(again.places[0]?.notes.join()).to.match(/^6 upload\(s\) without a manifest, 6 kB, are no checkpoints/)
    expect((await bench.json<CheckpointPullResult>(['checkpoint', 'pull', prefix])).checkpoints[0]?.path).to.equal('checkpoints/epoch_8.pt')
  })

  it('a pull that is killed goes on with the rest alone, and has no file of the final name before', async () => {
    const content = randomBytes(128 * MIB)
    await put.file(RUN_A, 'big.pt', content)
    const slow = bench.aws.inject({operation: 'GetObject', kind: 'latency', ms: 200, when: ({headers}) => headers['range'] !== undefined})
    const folder = path.join(bench.project, 'models')
    const argv = ['checkpoint', 'pull', 'latest', 'models/', '--project', `net-${project}`]
    const options = {env: {RUNCTL_TRAIN_OUTPUT_S3: `s3://${BUCKET}/out`}}
    const partSize = async (): Promise<number> => {
      const [part] = (await readdir(folder).catch(() => [])).filter(name => name.endsWith('.runctl-part'))
      return part === undefined ? 0 : (await stat(path.join(folder, part))).size
    }
    let here = 0
    for (const least of [16, 64]) {
      const child = bench.spawn(argv, options)
      const ended = collect(child, 60_000)
      await until(async () => (await partSize()) >= least * MIB, 30_000, `${least} MiB are here`)
      child.kill('SIGKILL')
      await ended
      here = await partSize()
      expect(await readdir(folder)).to.not.include('big.pt')
      expect(here).to.be.lessThan(content.length)
    }
    // The ranges that the killed one had asked for are still being answered.
    let seen = -1
    await until(async () => {
      const before = seen
      seen = received()
      await new Promise(resolve => setTimeout(resolve, 400))
      return before === seen
    }, 20_000, 'nothing is sent any more')
    bench.aws.calls.reset()
    const result = await bench.json<CheckpointPullResult>(argv, options)
    slow()
    expect(result).to.deep.include({bytes_resumed: here, bytes_copied: content.length - here})
    expect(received()).to.be.within(content.length - here, content.length - here + 64 * 1024)
    expect((await readFile(path.join(folder, 'big.pt'))).equals(content)).to.equal(true)
    expect(await readdir(folder)).to.deep.equal(['big.pt'])
    bench.aws.calls.reset()
    expect((await bench.json<CheckpointPullResult>(argv, options)).checkpoints[0]?.what).to.equal('unchanged')
    expect(received()).to.be.lessThan(64 * 1024)
  })

  it('a pull goes through an S3 that fails, throttles and drops connections', async () => {
    const content = randomBytes(40 * MIB)
    await put.file(RUN_A, 'big.pt', content)
    const faults = ([{kind: 'error', code: 'SlowDown', status: 503, times: 4}, {kind: 'lost-response', times: 3}, {kind: 'html', times: 2}] as const)
      .map(fault => bench.aws.inject({operation: 'GetObject', ...fault}))
    await bench.ok(['checkpoint', 'pull', prefix, 'big.pt'])
    for (const remove of faults) remove()
    expect((await readFile(path.join(bench.project, 'big.pt'))).equals(content)).to.equal(true)
  })
})
