import {createHash} from 'node:crypto'
import {mkdtemp, readFile, realpath, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {localCopy} from '../../src/core/pull-checkpoints.js'
import {pullCheckpoint} from '../../src/core/pull-checkpoint.js'
import type {PulledFile, PullReport} from '../../src/core/sync/reports.js'
import {FakeDeps} from '../support/fake-deps.js'
import {MemoryStore} from '../support/memory-store.js'
import {expectedFailure} from '../support/rejection.js'
import {RUN_A, StoredCheckpoints} from '../support/stored-checkpoints.js'
import {checkpoint, run} from '../ui/samples.js'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

describe('a folder that was copied from an instance', () => {
  const file = (name: string, content: string, over: Partial<PulledFile> = {}): PulledFile =>
    ({path: name, remote_path: `/p/c/checkpoint-400/${name}`, local_path: `/here/checkpoint-400/${name}`, size_bytes: 1, sha256: sha256(content), what: 'copied', ...over})
  const report = (files: readonly PulledFile[]): PullReport =>
    ({source: '/p/c', destination: '/here', files, files_copied: 1, bytes_copied: 1, links: 0, skipped: [], rounds: 1})
  const known = checkpoint({sha256: sha256(`${sha256('x')}  a\n${sha256('y')}  b/c\n`), size_bytes: 2})
  const placeOf = (files: readonly PulledFile[]): string | null => localCopy(known, '/p/c/checkpoint-400', report(files))

  it('counts as a copy of the checkpoint where its digest is the same, in whatever order its files came', () => {
    expect(placeOf([file('b/c', 'y'), file('a', 'x')])).to.equal('/here/checkpoint-400')
  })

  it('does not where a file was written anew with the same size, is missing, or was not verified', () => {
    expect(placeOf([file('a', 'x'), file('b/c', 'z')])).to.equal(null)
    expect(placeOf([file('a', 'x', {size_bytes: 2})])).to.equal(null)
    expect(placeOf([file('a', 'x'), file('b/c', 'y', {sha256: null})])).to.equal(null)
  })
})

describe('a pull of a run', () => {
  let cwd: string
  let deps: FakeDeps
  beforeEach(async () => {
    cwd = await realpath(await mkdtemp(path.join(tmpdir(), 'runctl-pull-')))
    deps = new FakeDeps()
    deps.provider.store = new MemoryStore()
    await new StoredCheckpoints(deps.provider.store, 's3://bucket/out/net/').file(RUN_A, 'epoch_1.pt', 'one')
    deps.scripted.handlers.checkpoints = () => ({checkpoints: [], dir: '/p/c', project_dir: '/p', latest_good: null, latest_good_skipped: []})
  })
  afterEach(() => rm(cwd, {recursive: true}))
  const pull = (output_uri: string | null, wanted: string) => {
    deps.scripted.handlers.status = () => ({runs: [run({run_id: RUN_A, output_uri})], boot_id: 'b', now: '2026-11-23T10:00:00Z'})
    return pullCheckpoint({origin: {kind: 'run', runId: RUN_A}, wanted, destination: 'here.pt', cwd, configuredOutput: null, from: null}, [deps])
  }

  it('takes from the store what is no longer on the disk', async () => {
    for (const wanted of ['latest', 'epoch_1.pt']) {
      await pull(`s3://bucket/out/net/${RUN_A}/`, wanted)
      expect(await readFile(path.join(cwd, 'here.pt'), 'utf8')).to.equal('one')
      await rm(path.join(cwd, 'here.pt'))
    }
  })

  it('says what the disk has where the store has it neither, or there is none', async () => {
    expect((await expectedFailure(pull(null, 'epoch_1.pt'))).message).to.equal('there is no checkpoint epoch_1.pt')
    expect((await expectedFailure(pull(`s3://bucket/out/net/${RUN_A}/`, 'epoch_9.pt'))).message).to.equal('there is no checkpoint epoch_9.pt')
    expect((await expectedFailure(pull(null, 'latest'))).code).to.equal('verification_failed')
  })
})
