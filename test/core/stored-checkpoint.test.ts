import {expect} from 'chai'

import {readManifest} from '../../src/core/object-manifest.js'
import {findStoredCheckpoint, isStoredCheckpoint, storedBelow} from '../../src/core/stored-checkpoint.js'
import {MemoryStore} from '../support/memory-store.js'
import {expectedFailure} from '../support/rejection.js'

const BASE = 's3://bucket/runs/p/run-1/checkpoints'
const SHA = 'ab'.repeat(32)
const {signal} = new AbortController()

async function storeWith(objects: Readonly<Record<string, string>>): Promise<MemoryStore> {
  const store = new MemoryStore()
  for (const [name, text] of Object.entries(objects)) await store.put(`${BASE}/${name}`, Buffer.from(text))
  return store
}

const manifest = (over: object = {}): string => JSON.stringify({version: 1, kind: 'file', path: 'checkpoints/a.pt', sha256: SHA, size_bytes: 4, step: 7, files: [], ...over})

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
      'c-4.manifest.json': manifest({kind: 'folder', files}),
    })
    for (const uri of [`${BASE}/c-4`, `${BASE}/c-4/`]) {
      const found = await findStoredCheckpoint(uri, {store, signal})
      expect(found.files.map(({path}) => path)).to.deep.equal(['m.safetensors', 'sub/o.pt'])
      expect(found.lacking).to.deep.equal(['sub/o.pt has 3 bytes, the manifest says 2', 'gone.json is not there'])
    }
  })

  it('refuses what is not there, and a manifest alone', async () => {
    const store = await storeWith({'b.pt.manifest.json': manifest()})
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

describe('readManifest', () => {
  const read = (text: string) => readManifest(Buffer.from(text), 's3://b/x')

  it('takes what is not said for not known, and an older one of a folder for a folder', () => {
    expect(read(JSON.stringify({path: 'p', sha256: SHA, files: [{path: 'a', size: 3, sha256: SHA}]}))).to.deep.include({
      kind: 'folder', size_bytes: 3, step: null, metrics: {}, attempt: null,
    })
    expect(read(manifest({step: 'seven', metrics: {loss: 0.5, text: 'x', nested: {}}}))).to.deep.include({step: null, metrics: {loss: 0.5}})
  })

  it('refuses what is no manifest, and paths that lead out of the folder', () => {
    const file = (path: string): string => manifest({kind: 'folder', files: [{path, size: 1, sha256: SHA}]})
    for (const text of ['', '[]', '{}', manifest({sha256: 'x'}), file('../x'), file('/x'), file('a//b'), manifest({files: [7]})]) {
      expect(() => read(text), text).to.throw(/not the manifest/).with.property('code', 'verification_failed')
    }
  })
})
