import {expect} from 'chai'

import {listStoredBelow, listStoredRun, readStoredRun, storedRunPrefixes, type StoreDeps} from '../../src/core/stored-checkpoints.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {RunctlError} from '../../src/model/errors.js'
import {expectedFailure} from '../support/rejection.js'
import {layCheckpoint, layRunRecord, manifest, OUT, prefixOf, RUN_A, RUN_B} from '../support/stored-samples.js'
import {TimedStore} from '../support/timed-store.js'

const A = prefixOf(RUN_A)
const depsOf = (store: TimedStore): StoreDeps => ({store, signal: new AbortController().signal})
const states = (checkpoints: readonly Checkpoint[]): Readonly<Record<string, string>> => Object.fromEntries(checkpoints.map(({path, state}) => [path, state]))

describe('the checkpoints in a store', () => {
  let store: TimedStore
  beforeEach(() => (store = new TimedStore()))

  it('are read from names and one run.json: 5,000 of them in a few list calls, and nothing else for each', async () => {
    const names = Array.from({length: 5000}, (_, at) => `step_${String(at).padStart(5, '0')}.pt`)
    for (const name of names) layCheckpoint(store, RUN_A, name)
    layRunRecord(store, RUN_A, names)
    const {checkpoints, warnings} = await listStoredBelow(A, depsOf(store))
    expect(checkpoints).to.have.length(5000)
    expect(new Set(checkpoints.map(({state}) => state))).to.deep.equal(new Set(['complete']))
    expect(warnings).to.deep.equal([])
    expect(store.count('list')).to.equal(11)
    expect([store.count('get'), store.count('head')]).to.deep.equal([1, 1])
  })

  it('that run.json does not have yet are read from their manifests, and no others', async () => {
    for (const name of ['step_1.pt', 'step_2.pt']) layCheckpoint(store, RUN_A, name)
    layRunRecord(store, RUN_A, ['step_1.pt', 'step_2.pt'])
    layCheckpoint(store, RUN_A, 'step_3.pt', {metrics: {eval_loss: 0.1, bad: 'x'}})
    // Written again since: the record speaks of the one before.
    layCheckpoint(store, RUN_A, 'step_1.pt', {step: 10})
    const {checkpoints} = await listStoredRun(A, depsOf(store))
    expect(checkpoints.map(({path, step}) => [path, step])).to.have.deep.members([['checkpoints/step_1.pt', 10], ['checkpoints/step_2.pt', 2], ['checkpoints/step_3.pt', 3]])
    expect(checkpoints.find(({step}) => step === 3)).to.deep.include({
      metrics: {eval_loss: 0.1}, run_id: RUN_A, attempt: 1,
      places: [{kind: 's3', where: 'bucket', path: `out/mnist/${RUN_A}/checkpoints/step_3.pt`, verified_at: '2026-11-23T11:30:00Z'}],
    })
    expect(store.count('get')).to.equal(3)
  })

  it('are read at most two hundred manifests deep: the rest is listed and not believed', async () => {
    for (let at = 0; at < 203; at++) layCheckpoint(store, RUN_A, `step_${at}.pt`)
    const {checkpoints, stored, warnings} = await listStoredRun(A, depsOf(store))
    expect(checkpoints).to.have.length(203)
    expect(stored).to.have.length(200)
    expect(checkpoints.filter(({state}) => state === 'unverified')).to.have.length(3)
    expect(warnings.join()).to.contain('3 older manifests were not read')
    expect(store.count('get')).to.equal(200)
  })

  it('without a manifest are uploads that are not finished, files and folders', async () => {
    layCheckpoint(store, RUN_A, 'step_1.pt')
    store.lay(`${A}checkpoints/step_2.pt`, Buffer.from('da'))
    store.lay(`${A}checkpoints/checkpoint-30/model.safetensors`, Buffer.from('data'))
    store.lay(`${A}checkpoints/checkpoint-30/trainer_state.json`, Buffer.from('data'))
    const {checkpoints, stored} = await listStoredRun(A, depsOf(store))
    expect(states(checkpoints)).to.deep.equal({'checkpoints/step_1.pt': 'complete', 'checkpoints/step_2.pt': 'partial', 'checkpoints/checkpoint-30': 'partial'})
    expect(stored).to.have.length(1)
    expect(checkpoints.find(({path}) => path === 'checkpoints/checkpoint-30')).to.deep.include({step: 30, size_bytes: 8, sha256: null})
  })

  it('that their own manifest contradicts are no complete ones: cut off, gone, or written again after it', async () => {
    layCheckpoint(store, RUN_A, 'step_1.pt', {size_bytes: 5})
    store.lay(`${A}checkpoints/step_2.pt.manifest.json`, manifest(RUN_A, 'step_2.pt'))
    layCheckpoint(store, RUN_A, 'best.pt')
    store.lay(`${A}checkpoints/best.pt`, Buffer.from('DATA'))
    const {checkpoints, stored} = await listStoredRun(A, depsOf(store))
    expect(new Set(checkpoints.map(({state}) => state))).to.deep.equal(new Set(['partial']))
    expect(checkpoints.map(({state_detail}) => state_detail).join()).to.contain('4 bytes are there of 5').and.contain('its content is not').and.contain('written again after its manifest')
    expect(stored).to.deep.equal([])
  })

  it('as folders count whole, also where files of an earlier version are left', async () => {
    const folder = `${A}checkpoints/checkpoint-40`
    for (const name of ['model.safetensors', 'old.bin']) store.lay(`${folder}/${name}`, Buffer.from('data'))
    store.lay(`${folder}.manifest.json`, manifest(RUN_A, 'checkpoint-40', {kind: 'folder', files: [{path: 'a', size: 1, sha256: 'a'.repeat(64)}]}))
    expect(states((await listStoredRun(A, depsOf(store))).checkpoints)).to.deep.equal({'checkpoints/checkpoint-40': 'complete'})
    store.objects.delete(`${folder}/model.safetensors`)
    store.objects.delete(`${folder}/old.bin`)
    store.lay(`${folder}/old.bin`, Buffer.from('d'), '2026-11-23T12:00:00Z')
    expect(states((await listStoredRun(A, depsOf(store))).checkpoints)).to.deep.equal({'checkpoints/checkpoint-40': 'partial'})
  })

  it('bear the tags that people gave them', async () => {
    layCheckpoint(store, RUN_A, 'step_1.pt')
    for (const name of ['paper', 'best-v1', '\x1b[31m', '../x']) store.lay(`${A}checkpoints/step_1.pt.tag.${name}`, Buffer.alloc(0))
    store.lay(`${A}checkpoints/step_9.pt.tag.lost`, Buffer.alloc(0))
    const {checkpoints} = await listStoredRun(A, depsOf(store))
    const found = checkpoints.find(({path}) => path === 'checkpoints/step_1.pt')
    expect(found?.tags).to.deep.equal(['best-v1', 'paper'])
  })

  it('are never what is misshapen: it is told, and leads nowhere', async () => {
    const broken: Record<string, Record<string, unknown>> = {
      'step_1.pt': {path: '../../etc/passwd'}, 'step_2.pt': {path: 'checkpoints/step_3.pt'}, 'step_4.pt': {sha256: 'x'}, 'step_5.pt': {size_bytes: -1},
      'step_6.pt': {run_id: RUN_B}, 'step_7.pt': {state: 'perfect'}, 'step_8.pt': {kind: 'link'}, 'step_9.pt': {modified_at: 'now'}, 'a/../step_10.pt': {},
    }
    for (const [name, over] of Object.entries(broken)) layCheckpoint(store, RUN_A, name, over)
    store.lay(`${A}checkpoints/step_11.pt`, Buffer.from('data'))
    store.lay(`${A}checkpoints/step_11.pt.manifest.json`, Buffer.from('{"kind":'))
    store.lay(`${A}run.json`, {run: {run_id: RUN_A}, checkpoints: 7})
    const {checkpoints, stored, warnings} = await listStoredRun(A, depsOf(store))
    expect(stored).to.deep.equal([])
    expect(warnings).to.have.length(10)
    expect(new Set(checkpoints.map(({state}) => state))).to.deep.equal(new Set(['unverified']))
    expect(await readStoredRun(A, depsOf(store))).to.equal(null)
  })

  it('are never those that a record names outside of its own run', async () => {
    layRunRecord(store, RUN_A, [])
    const record = JSON.parse(Buffer.from(store.objects.get(`${A}run.json`) ?? []).toString()) as Record<string, unknown>
    const foreign = {...manifest(RUN_A, 'step_1.pt'), uri: `${prefixOf(RUN_B)}checkpoints/step_1.pt`}
    store.lay(`${A}run.json`, {...record, checkpoints: [foreign, null, 'x', {...foreign, uri: `${A}checkpoints/../../x`}]})
    expect((await readStoredRun(A, depsOf(store)))?.checkpoints.size).to.equal(0)
  })

  it('in a plain prefix are unverified, and only what has the ending of one', async () => {
    for (const name of ['model.pt', 'notes.txt', 'config.json', 'sub/weights.safetensors']) store.lay(`s3://bucket/models/${name}`, Buffer.from('data'))
    store.lay('s3://bucket/models-old/other.pt', Buffer.from('data'))
    const {checkpoints} = await listStoredBelow('s3://bucket/models', depsOf(store))
    expect(states(checkpoints)).to.deep.equal({'model.pt': 'unverified', 'sub/weights.safetensors': 'unverified'})
  })

  it('are those of every run below a project, and neither logs nor outputs', async () => {
    layCheckpoint(store, RUN_A, 'step_1.pt')
    layCheckpoint(store, RUN_B, 'step_2.pt')
    for (const name of ['log/000001.log', 'outputs/final.pt']) store.lay(prefixOf(RUN_B) + name, Buffer.from('data'))
    const {checkpoints} = await listStoredBelow(`${OUT}/mnist/`, depsOf(store))
    expect(checkpoints.map(({path, run_id}) => [path, run_id])).to.deep.equal([['checkpoints/step_1.pt', RUN_A], ['checkpoints/step_2.pt', RUN_B]])
  })

  it('can be asked for one alone, which others that begin so are not', async () => {
    for (const name of ['step_1.pt', 'step_1.pth']) layCheckpoint(store, RUN_A, name)
    const {checkpoints} = await listStoredBelow(`${A}checkpoints/step_1.pt`, depsOf(store))
    expect(checkpoints.map(({path}) => path)).to.deep.equal(['checkpoints/step_1.pt'])
  })

  it('reject where the store does', async () => {
    layCheckpoint(store, RUN_A, 'step_1.pt')
    store.failures.get = new RunctlError('platform_failed', 'access denied')
    expect((await expectedFailure(listStoredRun(A, depsOf(store)))).message).to.equal('access denied')
  })

  it('have runs, newest first, found without looking into them; also in a store that names no folders', async () => {
    for (const id of [RUN_A, RUN_B]) layCheckpoint(store, id, 'step_1.pt')
    store.lay(`${OUT}/mnist/other/x`, Buffer.from('x'))
    expect(await storedRunPrefixes(`${OUT}/`, 'mnist', depsOf(store))).to.deep.equal([prefixOf(RUN_B), A])
    expect(store.calls).to.deep.equal([`folders ${OUT}/mnist/`])
    Object.assign(store, {folders: undefined})
    expect(await storedRunPrefixes(OUT, 'mnist', depsOf(store))).to.deep.equal([prefixOf(RUN_B), A])
  })
})
