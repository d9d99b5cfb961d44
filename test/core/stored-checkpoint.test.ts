import {expect} from 'chai'

import {asManifest} from '../../src/core/checkpoint-manifest.js'
import {findStoredCheckpoint, isStoredCheckpoint, storedBelow} from '../../src/core/stored-checkpoint.js'
import {MemoryStore} from '../support/memory-store.js'
import {expectedFailure} from '../support/rejection.js'

const RUN = 'run-20261123-100000-0000000a'
const BASE = `s3://bucket/runs/p/${RUN}/checkpoints`
const AT = '2026-11-23T10:00:00Z'
const SHA = 'ab'.repeat(32)
const {signal} = new AbortController()

async function storeWith(objects: Readonly<Record<string, string>>): Promise<MemoryStore> {
  const store = new MemoryStore()
  for (const [name, text] of Object.entries(objects)) await store.put(`${BASE}/${name}`, Buffer.from(text))
  return store
}

const manifest = (over: object = {}): string => JSON.stringify({
  version: 1, kind: 'file', path: 'checkpoints/a.pt', state: 'complete', format: null, sha256: SHA, size_bytes: 4, step: 7, epoch: null, metrics: {}, modified_at: AT, verified_at: AT, run_id: RUN, attempt: 1,
  files: [], ...over,
})

describe('findStoredCheckpoint', () => {
  it('finds a file and what its manifest says of it', async () => {
    const store = await storeWith({'a.pt': 'abcd', 'a.pt.manifest.json': manifest()})
    const found = await findStoredCheckpoint(`${BASE}/a.pt`, {store, signal})
    expect(found).to.deep.include({kind: 'file', lacking: []})
    expect(found.files.map(({path, sizeBytes}) => [path, sizeBytes])).to.deep.equal([['', 4]])
    expect(found.manifest).to.deep.include({step: 7, sha256: SHA})
  })

  it('takes an object without a manifest for what it is', async () => {
    const found = await findStoredCheckpoint(`${BASE}/a.pt`, {store: await storeWith({'a.pt': 'abcd'}), signal})
    expect(found).to.deep.include({kind: 'file', manifest: null, lacking: []})
  })

  it('says that a file has another size than its manifest tells', async () => {
    const store = await storeWith({'a.pt': 'abc', 'a.pt.manifest.json': manifest()})
    expect((await findStoredCheckpoint(`${BASE}/a.pt`, {store, signal})).lacking).to.deep.equal(['it has 3 bytes, its manifest says 4'])
  })

  it('takes of a folder what its manifest names, and says what of it lacks', async () => {
    const files = [{path: 'm.safetensors', size: 4, sha256: SHA}, {path: 'sub/o.pt', size: 2, sha256: SHA}, {path: 'gone.json', size: 2, sha256: SHA}]
    const store = await storeWith({
      'c-4/m.safetensors': 'abcd', 'c-4/sub/o.pt': 'abc', 'c-4/old.json': '{}', 'c-44/m.safetensors': 'x',
      'c-4.manifest.json': manifest({kind: 'folder', path: 'checkpoints/c-4', files}),
    })
    for (const uri of [`${BASE}/c-4`, `${BASE}/c-4/`]) {
      const found = await findStoredCheckpoint(uri, {store, signal})
      expect(found.files.map(({path}) => path)).to.deep.equal(['m.safetensors', 'sub/o.pt'])
      expect(found.lacking).to.deep.equal(['sub/o.pt has 3 bytes, the manifest says 2', 'gone.json is not there'])
    }
  })

  it('refuses what is not there, and a manifest alone', async () => {
    const store = await storeWith({'b.pt.manifest.json': manifest({path: 'checkpoints/b.pt'})})
    expect((await expectedFailure(findStoredCheckpoint(`${BASE}/a.pt`, {store, signal}))).code).to.equal('not_found')
    expect((await expectedFailure(findStoredCheckpoint(`${BASE}/b.pt`, {store, signal}))).message).to.include('nothing but its manifest')
  })

  it('tells checkpoints below a prefix by their manifests', async () => {
    const store = await storeWith({'a.pt': 'abcd', 'a.pt.manifest.json': manifest(), 'half.pt': 'ab'})
    expect(await storedBelow(BASE, {store, signal})).to.deep.equal([`${BASE}/a.pt`])
    expect(await isStoredCheckpoint(`${BASE}/half.pt`, {store, signal})).to.equal(true)
    expect(await isStoredCheckpoint(BASE, {store, signal})).to.equal(false)
  })
})

describe('asManifest', () => {
  const read = (text: string) => asManifest(`${BASE}/a.pt`, text === '' ? undefined : JSON.parse(text))

  it('takes what it says, and what is no figure for not known', () => {
    expect(read(manifest({step: 'seven', metrics: {loss: 0.5, text: 'x', nested: {}}}))).to.deep.include({step: null, metrics: {loss: 0.5}, kind: 'file', run_id: RUN})
  })

  it('says what is no manifest of this checkpoint, and why', () => {
    const file = (path: string): string => manifest({kind: 'folder', files: [{path, size: 1, sha256: SHA}]})
    const wrong = [
      '', '[]', '{}', manifest({version: 2}), manifest({sha256: 'x'}), manifest({path: 'checkpoints/b.pt'}), manifest({run_id: 'run-20261123-100000-0000000b'}),
      file('../x'), file('/x'), file('a//b'), manifest({files: [7]}), manifest({kind: 'folder'}),
    ]
    for (const text of wrong) expect(read(text), text).to.be.a('string')
  })
})
