import {expect} from 'chai'

import {cleanUpCheckpoints, type CleanupInput, type CleanupResult} from '../../src/core/cleanup-checkpoints.js'
import {cleanupPlacesInStore, removeStored} from '../../src/core/cleanup-store.js'
import {listStored} from '../../src/core/list-stored.js'
import {parseMetric} from '../../src/model/retention.js'
import {MemoryStore} from '../support/memory-store.js'
import {RecordedProgress} from '../support/recorded-progress.js'
import {expectedFailure, rejection} from '../support/rejection.js'
import {RUN_A, RUN_B, StoredCheckpoints} from '../support/stored-checkpoints.js'

const PROJECT = 's3://bucket/out/net/'
const KEEP_ONE: CleanupInput['policy'] = {keepLast: 1, keepBest: null, metric: null, keepEvery: null}
const at = (minute: number): string => new Date(Date.UTC(2026, 10, 23, 10, minute)).toISOString()

describe('a clean-up of a store', () => {
  let store: MemoryStore
  let put: StoredCheckpoints
  beforeEach(async () => {
    store = new MemoryStore()
    put = new StoredCheckpoints(store, PROJECT)
    await put.run(RUN_A)
  })
  const pricing = {hourlyPrice: () => Promise.resolve(null), storePrice: () => Promise.resolve({usdPerGbMonth: 0.02, source: 'test'})}
  const epochs = async (count: number, runId = RUN_A): Promise<readonly string[]> =>
    Promise.all(Array.from({length: count}, (_, index) => put.file(runId, `epoch_${index + 1}.pt`, `content ${index}`, {epoch: index + 1, modified_at: at(index)})))
  const places = (prefix = PROJECT, runId: string | null = null) => cleanupPlacesInStore({prefix, runId}, {store, pricing})
  const cleanUp = async (over: Partial<CleanupInput> = {}): Promise<CleanupResult> =>
    cleanUpCheckpoints({policy: KEEP_ONE, dryRun: false, places: await places(), ...over}, {progress: new RecordedProgress()})
  const keys = (): readonly string[] => [...store.objects.keys()].map(uri => uri.replace(`${PROJECT}${RUN_A}/`, '')).sort()
  const namesOf = ({checkpoints}: CleanupResult, what: string): readonly string[] => checkpoints.filter(one => one.what === what).map(({path}) => path.split('/').at(-1) ?? '')

  it('removes manifest and objects, of folders every file, and nothing else', async () => {
    await epochs(2)
    await put.folder(RUN_A, 'checkpoint-400', {'model.safetensors': 'abc', 'deep/optimizer.pt': 'defg'}, {modified_at: at(-1)})
    await store.put(`${PROJECT}${RUN_A}/outputs/figure.png`, Buffer.from('x'))
    await store.put('s3://bucket/out/netting/other.pt', Buffer.from('x'))
    const result = await cleanUp()
    expect(keys()).to.deep.equal(['checkpoints/epoch_2.pt', 'checkpoints/epoch_2.pt.manifest.json', 'outputs/figure.png', 'run.json', 's3://bucket/out/netting/other.pt'])
    expect(result).to.deep.include({removed: 2, removed_bytes: 16, kept: 1, kept_bytes: 9, dry_run: false})
    expect(result.usd_per_month_less).to.be.closeTo(16 * 0.02 / 1e9, 1e-15)
    expect(result.places[0]).to.deep.include({kind: 's3', where: 'bucket', dir: PROJECT, price_source: 'test'})
  })

  it('changes nothing in a dry run, and shows what it would', async () => {
    await epochs(3)
    const before = keys()
    const result = await cleanUp({dryRun: true})
    expect(keys()).to.deep.equal(before)
    expect(namesOf(result, 'would-remove')).to.deep.equal(['epoch_1.pt', 'epoch_2.pt'])
    expect(result.checkpoints[2]).to.deep.include({what: 'kept', why: ['newest complete', 'among the last 1']})
  })

  it('takes an unknown price for unknown, never for nothing', async () => {
    await epochs(2)
    const result = await cleanUp({dryRun: true, places: await cleanupPlacesInStore({prefix: PROJECT, runId: null}, {store, pricing: undefined})})
    expect(result.usd_per_month_less).to.equal(null)
  })

  it('keeps what another run of the project resumed from, also where that run is outside the prefix', async () => {
    await epochs(3)
    await put.run(RUN_B, {resume_from: 'checkpoints/epoch_1.pt', parent_run_id: RUN_A})
    const result = await cleanUp({places: await places(`${PROJECT}${RUN_A}`)})
    expect(namesOf(result, 'removed')).to.deep.equal(['epoch_2.pt'])
  })

  it('keeps what is tagged, and takes a name with dots for one', async () => {
    const [first = ''] = await epochs(3)
    await store.put(`${first}.tag.v1.0`, new Uint8Array())
    const result = await cleanUp()
    expect(result.checkpoints[0]).to.deep.include({what: 'kept', tags: ['v1.0'], why: ['tagged v1.0']})
  })

  it('keeps best.pt of a run whose record does not say that it is complete', async () => {
    await put.file(RUN_B, 'best.pt', 'b', {modified_at: at(-5)})
    await epochs(2)
    expect(namesOf(await cleanUp({dryRun: true}), 'would-remove')).to.deep.equal(['epoch_1.pt'])
    await put.run(RUN_B)
    expect(namesOf(await cleanUp({dryRun: true}), 'would-remove')).to.deep.equal(['best.pt', 'epoch_1.pt'])
  })

  it('leaves alone what has no manifest, or one that names another run or leads out, and says how much it is', async () => {
    await epochs(2)
    await store.put(`${PROJECT}${RUN_A}/checkpoints/half.pt`, Buffer.alloc(1000))
    await put.file(RUN_A, 'stolen.pt', 'x', {run_id: RUN_B})
    await put.folder(RUN_A, 'trap', {a: 'x'}, {files: [{path: '../../../other/key', size: 1, sha256: 'a'.repeat(64)}]})
    await store.put(`${PROJECT}${RUN_A}/checkpoints/odd.pt.manifest.json`, Buffer.from('{'))
    const result = await cleanUp()
    expect(namesOf(result, 'removed')).to.deep.equal(['epoch_1.pt'])
    expect(result.checkpoints.filter(({why}) => why[0]?.startsWith('unverified')).map(({path}) => path.split('/').at(-1))).to.have.members(['stolen.pt', 'trap', 'odd.pt'])
    expect(keys()).to.include.members(['checkpoints/half.pt', 'checkpoints/stolen.pt', 'checkpoints/trap/a', 'checkpoints/odd.pt.manifest.json'])
    expect(result.places[0]?.notes.join()).to.match(/^1 upload\(s\) without a manifest, 1 kB, are no checkpoints.*stolen\.pt\.manifest\.json is passed over: it belongs to another run/)
  })

  it('counts no manifest whose content is not there as the newest complete one, and leaves it alone', async () => {
    const [, , third = ''] = await epochs(4)
    await store.put(third, Buffer.from('cut'))
    await put.folder(RUN_A, 'checkpoint-400', {a: 'x', b: 'y'}, {modified_at: at(8)})
    await store.delete([`${PROJECT}${RUN_A}/checkpoints/epoch_4.pt`, `${PROJECT}${RUN_A}/checkpoints/checkpoint-400/b`])
    const result = await cleanUp()
    expect(namesOf(result, 'removed')).to.deep.equal(['epoch_1.pt'])
    expect(result.checkpoints.map(({why}) => why[0] ?? '-')).to.deep.equal(['-', 'newest complete', ...Array<string>(3).fill('partial: only complete ones are removed')])
  })

  it('keeps what was written anew, tagged or removed between the look and the deed, and says so', async () => {
    const [first = '', second = '', third = ''] = await epochs(5)
    const listed = await places()
    await put.file(RUN_A, 'epoch_1.pt', 'something new')
    await store.put(`${second}.tag.gold`, new Uint8Array())
    await store.delete([`${third}.manifest.json`])
    const result = await cleanUp({places: listed})
    expect(namesOf(result, 'removed')).to.deep.equal(['epoch_4.pt'])
    expect(result.checkpoints.filter(({what}) => what === 'kept').map(({why}) => why[0])).to.deep.equal([
      'it was written anew meanwhile', 'tagged gold meanwhile', 'its manifest is gone or was damaged meanwhile', 'newest complete',
    ])
    expect(store.objects.has(first)).to.equal(true)
  })

  it('killed at any of its deletes leaves no manifest without its objects', async () => {
    for (const deletes of [1, 2]) {
      await epochs(4)
      await put.folder(RUN_A, 'checkpoint-400', {a: 'x', b: 'y'}, {modified_at: at(-1)})
      const [place] = await places()
      let left = deletes
      const dying = Object.assign(Object.create(store) as MemoryStore, {
        delete: async (uris: readonly string[]) => {
          // Killed with half of the keys gone.
          if (--left > 0) return store.delete(uris)
          await store.delete(uris.filter((_, index) => index % 2 === 0))
          throw new Error('killed')
        },
      })
      const chosen = place?.checkpoints.filter(({path}) => !path.endsWith('epoch_4.pt')) ?? []
      expect(await rejection(removeStored(chosen, dying, {}))).to.be.an('error')
      for (const {id} of (await places())[0]?.checkpoints ?? []) {
        const there = id.endsWith('checkpoint-400') ? ['/a', '/b'].map(name => store.objects.has(id + name)) : [store.objects.has(id)]
        expect(there, `${id} after ${deletes}`).to.not.include(false)
      }
    }
  })

  it('judges each project below a prefix by itself', async () => {
    await epochs(2)
    const other = new StoredCheckpoints(store, 's3://bucket/out/other/')
    await other.run(RUN_B)
    await other.file(RUN_B, 'epoch_1.pt', 'x')
    const result = await cleanUp({dryRun: true, places: await places('s3://bucket/out')})
    expect(result.places.map(({dir, kept, removed}) => [dir, kept, removed])).to.deep.equal([[PROJECT, 1, 1], ['s3://bucket/out/other/', 1, 0]])
  })

  it('refuses to keep the best by a metric that nobody tells, and removes nothing', async () => {
    await epochs(3)
    await put.file(RUN_A, 'epoch_9.pt', 'x', {metrics: {eval_loss: 1}})
    const before = keys()
    const error = await expectedFailure(cleanUp({policy: {...KEEP_ONE, keepLast: null, keepBest: 1, metric: parseMetric('evalloss')}}))
    expect(error).to.include({code: 'bad_input'})
    expect(error.next.join()).to.contain('--metric eval_loss')
    expect(keys()).to.deep.equal(before)
  })

  it('lists 2000 checkpoints without a look at each object', async () => {
    let heads = 0
    store.head = async uri => {
      heads++
      return {uri, sizeBytes: 1, modifiedAt: at(0), etag: 'x'}
    }
    await epochs(2000)
    heads = 0
    store.list = async function* (prefix: string) {
      for (const uri of [...store.objects.keys()].sort()) if (uri.startsWith(prefix)) yield {uri, sizeBytes: 1, modifiedAt: at(0), etag: 'x'}
    }
    expect((await listStored(PROJECT, store, {})).checkpoints).to.have.length(2000)
    // Of the record of the one run, not of what it wrote.
    expect(heads).to.be.at.most(2)
  })
})
