import {createHash, randomBytes} from 'node:crypto'
import {mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {readManifest} from '../../src/core/stored-manifest.js'
import {fetchCheckpoint} from '../../src/core/fetch-checkpoint.js'
import {pullCheckpoint, type CheckpointPullInput, type CheckpointPullResult} from '../../src/core/pull-checkpoint.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {MemoryStore} from '../support/memory-store.js'
import {expectedFailure} from '../support/rejection.js'
import {RUN_A, RUN_B, StoredCheckpoints} from '../support/stored-checkpoints.js'

const PROJECT = 's3://bucket/out/net/'
const RANGE = 8 << 20
const at = (minute: number): string => new Date(Date.UTC(2026, 10, 23, 10, minute)).toISOString()

/** Counts what is asked for, and fails when told to. */
class CountedStore extends MemoryStore {
  readonly ranges: (readonly [number, number])[] = []
  inFlight = 0
  mostInFlight = 0
  failFrom = Infinity

  override async get(uri: string, options: Parameters<MemoryStore['get']>[1] = {}): Promise<Uint8Array> {
    const {range} = options
    if (!range) return super.get(uri, options)
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight)
    await new Promise(resolve => setImmediate(resolve))
    this.inFlight--
    if (range[0] >= this.failFrom) throw new Error('the network is gone')
    this.ranges.push(range)
    return super.get(uri, options)
  }

  get rangeBytes(): number {
    return this.ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  }
}

describe('a pull of checkpoints from a store', () => {
  let cwd: string
  let store: CountedStore
  let put: StoredCheckpoints
  let deps: FakeDeps
  beforeEach(async () => {
    cwd = await realpath(await mkdtemp(path.join(tmpdir(), 'runctl-pull-')))
    store = new CountedStore()
    put = new StoredCheckpoints(store, PROJECT)
    deps = new FakeDeps({state: 'terminated', tags: {[TAGS.output]: 's3://bucket/out'}})
    deps.provider.store = store
  })
  afterEach(() => rm(cwd, {recursive: true}))

  const pull = (over: Partial<CheckpointPullInput> = {}): Promise<CheckpointPullResult> =>
    pullCheckpoint({origin: {kind: 'store', uri: PROJECT}, wanted: 'latest', destination: null, cwd, configuredOutput: null, from: null, ...over}, [deps])
  const filesBelow = async (folder: string): Promise<readonly string[]> =>
    (await readdir(folder, {recursive: true, withFileTypes: true})).filter(one => one.isFile()).map(one => path.relative(folder, path.join(one.parentPath, one.name))).sort()

  it('brings the newest complete one, with its time, below runctl-checkpoints by run and project', async () => {
    await put.file(RUN_A, 'epoch_1.pt', 'one', {modified_at: at(1)})
    await put.file(RUN_A, 'sub/epoch_2.pt', 'two', {modified_at: at(2), epoch: 2})
    await put.file(RUN_A, 'epoch_3.pt', 'three', {modified_at: at(3), state: 'unverified'})
    const {checkpoints} = await pull()
    const local = path.join(cwd, 'runctl-checkpoints', RUN_A, 'net', 'sub', 'epoch_2.pt')
    expect(checkpoints).to.have.length(1)
    expect(checkpoints[0]).to.deep.include({local_path: local, from: `${PROJECT}${RUN_A}/checkpoints/sub/epoch_2.pt`, epoch: 2, what: 'copied', sha256: createHash('sha256').update('two').digest('hex')})
    expect(await readFile(local, 'utf8')).to.equal('two')
    expect((await stat(local)).mtime.toISOString()).to.equal(at(2))
    expect(deps.progress.warnings.join()).to.match(/epoch_3\.pt is passed over: it is unverified/)
  })

  it('finds those of a project and of a run by what instances name as their output, and by the configured place', async () => {
    await put.file(RUN_A, 'epoch_1.pt', 'a', {modified_at: at(1)})
    await put.file(RUN_B, 'epoch_1.pt', 'b', {modified_at: at(2)})
    await new StoredCheckpoints(store, 's3://bucket/elsewhere/net/').file(RUN_B, 'epoch_9.pt', 'c', {modified_at: at(9)})
    const from = async (over: Partial<CheckpointPullInput>): Promise<readonly string[]> => (await pull(over)).checkpoints.map(one => one.from.replace('s3://bucket/', ''))
    expect(await from({origin: {kind: 'project', project: 'net'}})).to.deep.equal([`out/net/${RUN_B}/checkpoints/epoch_1.pt`])
    expect(await from({origin: {kind: 'run', runId: RUN_A}})).to.deep.equal([`out/net/${RUN_A}/checkpoints/epoch_1.pt`])
    expect(await from({origin: {kind: 'project', project: 'net'}, configuredOutput: 's3://bucket/elsewhere/'})).to.deep.equal([`elsewhere/net/${RUN_B}/checkpoints/epoch_9.pt`])
    expect(await from({origin: {kind: 'run', runId: RUN_B}, from: 's3://bucket/elsewhere'})).to.deep.equal([`elsewhere/net/${RUN_B}/checkpoints/epoch_9.pt`])
    expect((await expectedFailure(pull({origin: {kind: 'project', project: 'ne'}}))).code).to.equal('not_found')
  })

  it('brings one by its URI or the end of its name to the destination, and all of several runs apart', async () => {
    const uri = await put.file(RUN_A, 'epoch_1.pt', 'a')
    await put.file(RUN_B, 'epoch_1.pt', 'b')
    await pull({origin: {kind: 'store', uri}, destination: 'named.pt'})
    await pull({wanted: `${RUN_B}/checkpoints/epoch_1.pt`, destination: 'folder/'})
    expect((await expectedFailure(pull({wanted: 'epoch_1.pt'}))).message).to.equal('epoch_1.pt names 2 checkpoints')
    await pull({wanted: 'all', destination: 'all'})
    expect(await filesBelow(cwd)).to.deep.equal([`all/${RUN_A}/epoch_1.pt`, `all/${RUN_B}/epoch_1.pt`, 'folder/epoch_1.pt', 'named.pt'])
    expect(await readFile(path.join(cwd, 'folder/epoch_1.pt'), 'utf8')).to.equal('b')
  })

  it('asks for a large one in ranges, several at once and never many, and not for what is here', async () => {
    const content = randomBytes(10 * RANGE + 12345)
    await put.file(RUN_A, 'big.pt', content)
    expect((await pull({destination: 'big.pt'})).bytes_copied).to.equal(content.length)
    expect((await readFile(path.join(cwd, 'big.pt'))).equals(content)).to.equal(true)
    expect(store.mostInFlight).to.be.within(2, 6)
    expect(store.ranges).to.have.length(11)
    const again = await pull({destination: 'big.pt'})
    expect(again.checkpoints[0]?.what).to.equal('unchanged')
    expect(store.ranges).to.have.length(11)
  })

  it('goes on where it was cut off, and has no file of the final name before', async () => {
    const content = randomBytes(5 * RANGE)
    await put.file(RUN_A, 'big.pt', content)
    await writeFile(path.join(cwd, 'big.pt'), 'an older one')
    store.failFrom = 2 * RANGE
    await pull({destination: 'big.pt'}).then(() => expect.fail('it succeeded'), () => undefined)
    expect(await readFile(path.join(cwd, 'big.pt'), 'utf8')).to.equal('an older one')
    store.failFrom = Infinity
    store.ranges.length = 0
    const result = await pull({destination: 'big.pt'})
    expect(result).to.deep.include({bytes_resumed: 2 * RANGE, bytes_copied: 3 * RANGE})
    expect(store.rangeBytes).to.equal(3 * RANGE)
    expect((await readFile(path.join(cwd, 'big.pt'))).equals(content)).to.equal(true)
    expect(await filesBelow(cwd)).to.deep.equal(['big.pt'])
  })

  it('fetches all of it anew where the part that is here was damaged', async () => {
    const content = randomBytes(3 * RANGE)
    await put.file(RUN_A, 'big.pt', content)
    store.failFrom = 2 * RANGE
    await pull({destination: 'big.pt'}).catch(() => undefined)
    const [part = ''] = await filesBelow(cwd)
    await writeFile(path.join(cwd, part), Buffer.alloc(2 * RANGE))
    store.failFrom = Infinity
    await pull({destination: 'big.pt'})
    expect((await readFile(path.join(cwd, 'big.pt'))).equals(content)).to.equal(true)
  })

  it('puts nothing in place where the object is another one than its manifest says, and says what to do', async () => {
    for (const content of ['ONE', 'o', 'something longer']) {
      const uri = await put.file(RUN_A, 'epoch_1.pt', 'one')
      await store.put(uri, Buffer.from(content))
      const error = await expectedFailure(pull({origin: {kind: 'store', uri}, destination: 'one.pt'}))
      expect(error, content).to.include({code: 'verification_failed'})
      expect(error.next.join()).to.contain('again')
      expect(await filesBelow(cwd)).to.deep.equal([])
    }
  })

  it('gives a folder its name when every file is here, and goes on with what is', async () => {
    const weights = randomBytes(2 * RANGE)
    await put.folder(RUN_A, 'checkpoint-400', {'config.json': '{}', 'deep/a.bin': 'a', 'deep/b.bin': 'b', 'model.safetensors': weights})
    store.failFrom = RANGE
    await pull({destination: 'c'}).catch(() => undefined)
    expect(await readdir(cwd)).to.satisfy((names: readonly string[]) => names.every(name => name.startsWith('.c-')))
    store.failFrom = Infinity
    store.ranges.length = 0
    const result = await pull({destination: 'c'})
    expect(store.rangeBytes).to.equal(RANGE)
    expect(result.bytes_resumed).to.equal(RANGE + 4)
    expect(await filesBelow(cwd)).to.deep.equal(['c/config.json', 'c/deep/a.bin', 'c/deep/b.bin', 'c/model.safetensors'])
    expect((await pull({destination: 'c'})).checkpoints[0]?.what).to.equal('unchanged')
  })

  it('leaves another folder, and a folder where a file should be, alone', async () => {
    const uri = await put.folder(RUN_A, 'checkpoint-400', {a: 'x'})
    await mkdir(path.join(cwd, 'mine'))
    await writeFile(path.join(cwd, 'mine', 'a'), 'y')
    expect((await expectedFailure(pull({origin: {kind: 'store', uri}, destination: 'mine'}))).code).to.equal('bad_input')
    expect(await filesBelow(cwd)).to.deep.equal(['mine/a'])
  })

  it('refuses a folder whose manifest contradicts itself', async () => {
    const uri = await put.folder(RUN_A, 'checkpoint-400', {a: 'x'}, {sha256: 'a'.repeat(64)})
    expect((await expectedFailure(pull({origin: {kind: 'store', uri}}))).code).to.equal('verification_failed')
  })

  it('never writes outside the destination, whatever keys and manifests say', async () => {
    const outside = path.join(cwd, '..', `evil-${path.basename(cwd)}`)
    await put.file(RUN_A, `../../../../evil-${path.basename(cwd)}`, 'x')
    expect((await expectedFailure(pull({wanted: 'all', destination: 'in'}))).code).to.equal('bad_input')
    const uri = await put.folder(RUN_B, 'trap', {a: 'x'}, {files: [{path: '../out', size: 1, sha256: createHash('sha256').update('x').digest('hex')}]})
    expect((await expectedFailure(pull({origin: {kind: 'store', uri}, destination: 'in/trap'}))).code).to.equal('not_found')
    expect(await stat(outside).catch(() => null)).to.equal(null)
    expect(await filesBelow(cwd)).to.deep.equal([])
  })

  it('begins nothing on a disk that is too small, keeps what is here, and says what to do', async () => {
    const file = await put.file(RUN_A, 'big.pt', randomBytes(2 * RANGE))
    const folder = await put.folder(RUN_A, 'checkpoint-400', {a: randomBytes(RANGE), b: 'x'})
    for (const uri of [file, folder]) {
      const manifest = await readManifest(uri, store, {})
      if (!manifest) throw new Error('there is no manifest')
      const error = await expectedFailure(fetchCheckpoint(manifest, {root: cwd, relative: 'x'}, {store, signal: deps.signal, freeBytes: async () => RANGE}))
      expect(error.code).to.equal('bad_input')
      expect(error.message).to.match(/has room for 8\.4 MB, and (17|8\.4) MB are to come/)
      expect(error.next[0]).to.contain('goes on where it was')
    }
    expect(store.ranges).to.deep.equal([])
    expect(await filesBelow(cwd)).to.deep.equal([])
  })
})
