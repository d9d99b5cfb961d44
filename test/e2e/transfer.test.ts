import {readdir, readFile, stat, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {EndResult} from '../../src/core/end-instance.js'
import type {InstanceStatus} from '../../src/core/show-status.js'
import type {PullReport, PushReport} from '../../src/core/sync/reports.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {PLATFORM, Bench} from './support/bench.js'

const SCRIPT = 'training/train_with_checkpoints.py'
/** Half a megabyte that zlib cannot shrink, the same every time. */
const BYTES = Buffer.from(Uint32Array.from({length: 1 << 17}, (_, at) => Math.imul(at, 2_654_435_761) ^ Math.imul(at, at)).buffer)

describe('push and pull', () => {
  let bench: Bench
  let id: string

  before(async () => {
    bench = await Bench.create({'configs/a.toml': 'a = 1\n', 'configs/deep/b ü.toml': 'b = 2\n', 'configs/run.sh': '#!/bin/sh\n'})
    await writeFile(path.join(bench.project, 'weights.bin'), BYTES)
    id = await bench.instance()
  })
  after(() => bench.destroy())

  const push = (...argv: readonly string[]): Promise<PushReport> => bench.json<PushReport>([PLATFORM, 'push', id, ...argv])
  const pull = (...argv: readonly string[]): Promise<PullReport> => bench.json<PullReport>([PLATFORM, 'pull', id, ...argv])

  it('a file goes there and comes back byte for byte, and not twice', async () => {
    expect(await push('weights.bin')).to.deep.include({files_total: 1, files_sent: 1, bytes_sent: BYTES.length})
    expect(BYTES.equals(await readFile(bench.home(id, 'weights.bin')))).to.equal(true)
    expect(await push('weights.bin')).to.deep.include({files_sent: 0, files_written: 0})

    const pulled = await pull('weights.bin', 'back.bin')
    expect(pulled).to.deep.include({files_copied: 1, bytes_copied: BYTES.length})
    expect(BYTES.equals(await readFile(path.join(bench.project, 'back.bin')))).to.equal(true)
    expect(await pull('weights.bin', 'back.bin')).to.deep.include({files_copied: 0})
  })

  it('a folder goes into the one that ends with a slash, and comes back whole', async () => {
    const report = await push('configs', 'projects/project/')
    expect(report).to.deep.include({files_total: 3, files_written: 3})
    expect(await bench.readHome(id, 'projects', 'project', 'configs', 'deep', 'b ü.toml')).to.equal('b = 2\n')
    await pull('projects/project/configs', 'copy')
    expect((await readdir(path.join(bench.project, 'copy'), {recursive: true})).sort()).to.deep.equal(['a.toml', 'deep', 'deep/b ü.toml', 'run.sh'])
    expect(await readFile(path.join(bench.project, 'copy', 'deep', 'b ü.toml'), 'utf8')).to.equal('b = 2\n')
  })

  it('names what is not there', async () => {
    expect((await bench.jsonError([PLATFORM, 'push', id, 'nowhere'])).error).to.deep.include({code: 'not_found', exit_code: 3})
    expect((await bench.jsonError([PLATFORM, 'pull', id, 'nowhere'])).error).to.deep.include({code: 'not_found', exit_code: 3})
    expect((await bench.jsonError([PLATFORM, 'pull', id])).error).to.deep.include({code: 'bad_input', exit_code: 2})
  })

  it('terminate is refused while checkpoints are on that disk alone, and the instance goes on', async () => {
    await bench.ok([PLATFORM, 'train', id, SCRIPT, '--wait', '--', '--epochs', '2', '--step-seconds', '0'])
    const refused = await bench.jsonError([PLATFORM, 'terminate', id])
    expect(refused.error).to.deep.include({code: 'save_failed', exit_code: 9})
    expect(refused.error.next).to.include(`runctl ${PLATFORM} pull ${id} --checkpoints`)
    expect(refused.error.still_running.join()).to.contain(id)
    expect(await bench.json<InstanceStatus>([PLATFORM, 'status', id])).to.deep.include({state: 'running'})
  })

  it('also while a training is active there, which could only save to that disk', async () => {
    const {run} = await bench.json<TrainJson>([PLATFORM, 'train', id, SCRIPT, '--project-name', 'active', '--', '--epochs', '1000'])
    const refused = await bench.jsonError([PLATFORM, 'terminate', id])
    expect(refused.error).to.deep.include({code: 'save_failed', exit_code: 9})
    expect(refused.error.message).to.contain(run.run_id)
    await bench.ok(['run', 'stop', run.run_id])
    await bench.ok([PLATFORM, 'exec', id, '--', 'rm', '-r', 'projects/active'])
  })

  it('and is allowed when they have been pulled, verified', async () => {
    await bench.ok([PLATFORM, 'train', id, SCRIPT, '--wait', '--resume', 'latest', '--', '--epochs', '3', '--step-seconds', '0'])
    const pulled = await pull('--checkpoints')
    expect(pulled.destination).to.equal(path.join(bench.project, 'runctl-checkpoints', id, 'project'))
    expect(pulled.files.map(file => file.path).sort()).to.deep.equal([1, 2, 3].map(epoch => `checkpoint_epoch_${epoch}.json`))
    for (const {local_path, remote_path} of pulled.files) expect(await readFile(local_path, 'utf8')).to.equal(await readFile(remote_path, 'utf8'))

    const listed = await bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--instance-id', id])
    for (const {places} of listed) {
      expect(places.map(({kind}) => kind)).to.include('client')
      expect(places.find(({kind}) => kind === 'client')?.verified_at).to.be.a('string')
    }
    const ended = await bench.json<EndResult>([PLATFORM, 'terminate', id])
    expect(ended.instance.state).to.equal('terminated')
    // A machine that somebody has keeps its disk.
    if (PLATFORM !== 'ssh') expect(await stat(bench.home(id)).catch(() => null)).to.equal(null)
    expect(await bench.json<EndResult>([PLATFORM, 'terminate', id])).to.deep.include({changed: false})
  })
})
