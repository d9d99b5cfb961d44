import {expect} from 'chai'

import type {InspectAnswer, InspectRequest} from '../../src/agent/checkpoint-protocol.js'
import type {CheckpointAddress} from '../../src/core/inspect-checkpoint.js'
import {notGood, verifyCheckpoints, type VerifiedCheckpoint} from '../../src/core/verify-checkpoints.js'
import {RunctlError} from '../../src/model/errors.js'
import {answerOf, fakeInspector} from '../support/inspect-answers.js'
import {MemoryStore} from '../support/memory-store.js'
import {RecordedProgress} from '../support/recorded-progress.js'

const {signal} = new AbortController()
const SHA = 'ab'.repeat(32)
const OTHER = 'cd'.repeat(32)

const manifest = (name: string, over: object): Buffer => Buffer.from(JSON.stringify({
  version: 1, kind: 'file', path: `checkpoints/${name}`, state: 'complete', format: null, step: null, epoch: null, metrics: {}, modified_at: '2026-11-23T10:00:00Z', verified_at: '2026-11-23T10:00:05Z',
  run_id: 'run-20261123-100000-0000000a', attempt: 1, files: [], ...over,
}))

describe('verifyCheckpoints', () => {
  const progress = new RecordedProgress()

  async function verify(
    address: CheckpointAddress,
    answer: (request: InspectRequest) => InspectAnswer,
    {full = false, store = null}: {full?: boolean; store?: MemoryStore | null} = {},
  ): Promise<{readonly one: VerifiedCheckpoint; readonly asked: readonly InspectRequest[]}> {
    const {asked, inspectHere} = fakeInspector(answer)
    const [one] = await verifyCheckpoints({targets: [{name: 'x', address}], full}, {inspectHere, storeOf: () => Promise.resolve(store), progress, signal})
    if (!one) throw new Error('nothing was verified')
    return {one, asked}
  }

  const here: CheckpointAddress = {kind: 'here', path: '/tmp/a.pt'}

  it('reads every byte of what is not in a store', async () => {
    const {asked, one} = await verify(here, () => answerOf({sha256: SHA}))
    expect(asked[0]).to.include({full: true, path: '/tmp/a.pt'})
    expect(one).to.deep.include({ok: true, why: null, read: 'bytes', sha256: SHA, compared: []})
  })

  it('holds each known digest against what was read', async () => {
    const known_digests = [{by: 'recorded by run-1', sha256: SHA}, {by: 'read before', sha256: OTHER}]
    const {one} = await verify(here, () => answerOf({sha256: SHA}, {known_digests}))
    expect(one.compared.map(({same}) => same)).to.deep.equal([true, false])
    expect(one).to.include({ok: false, why: 'its digest is not the one of read before'})
  })

  it('compares with the manifest of a copy in a store', async () => {
    const store = new MemoryStore()
    await store.put('s3://bucket/k/a.pt.manifest.json', manifest('a.pt', {sha256: OTHER, size_bytes: 1}))
    const places = [{kind: 's3', where: 'bucket', path: 'k/a.pt', verified_at: null} as const]
    const {one} = await verify(here, () => answerOf({sha256: SHA, places}), {store})
    expect(one).to.include({ok: false, why: 'its digest is not the one of the manifest of s3://bucket/k/a.pt'})
    expect((await verify(here, () => answerOf({sha256: OTHER, places}), {store})).one.ok).to.equal(true)
  })

  it('says so when the copy cannot be asked, and goes by what it knows', async () => {
    const store = new MemoryStore()
    store.get = () => Promise.reject(new RunctlError('platform_failed', 'no right to read'))
    const places = [{kind: 's3', where: 'bucket', path: 'k/a.pt', verified_at: null} as const]
    expect((await verify(here, () => answerOf({places}), {store})).one.ok).to.equal(true)
    expect(progress.events.some(event => event.type === 'warning' && event.message.includes('no right to read'))).to.equal(true)
  })

  it('takes a format that cannot be checked for good only by its digest', async () => {
    const unverified = {state: 'unverified', state_detail: 'this format cannot be checked', sha256: SHA} as const
    expect((await verify(here, () => answerOf(unverified))).one).to.include({ok: false, why: 'this format cannot be checked, and no digest of it is known'})
    expect((await verify(here, () => answerOf(unverified, {known_digests: [{by: 'read before', sha256: SHA}]}))).one.ok).to.equal(true)
  })

  it('takes nothing damaged for good, whatever the digest', async () => {
    const known_digests = [{by: 'read before', sha256: SHA}]
    for (const state of ['corrupt', 'partial'] as const) {
      expect((await verify(here, () => answerOf({state, state_detail: 'cut off', sha256: SHA}, {known_digests}))).one).to.include({ok: false, why: `${state}: cut off`})
    }
  })

  describe('in a store', () => {
    const uri = 's3://bucket/k/a.pkl'
    async function stored(mark: string | undefined): Promise<MemoryStore> {
      const store = new MemoryStore()
      await store.put(uri, Buffer.from('abcd'))
      await store.put(`${uri}.manifest.json`, manifest(uri.slice(uri.lastIndexOf('/') + 1), {sha256: SHA, size_bytes: 4}))
      const head = store.head.bind(store)
      store.head = async (...args) => {
        const info = await head(...args)
        return info && mark !== undefined ? {...info, sha256: mark} : info
      }
      return store
    }
    const unverified = () => answerOf({state: 'unverified', state_detail: 'this format cannot be checked', sha256: null})

    it('reads tables alone, and compares the manifest with what the store tells', async () => {
      const store = await stored(SHA)
      const {asked, one} = await verify({kind: 'stored', uri, store}, unverified, {store})
      expect(asked[0]?.full).to.equal(false)
      expect(one).to.deep.include({ok: true, kind: 's3', where: 'bucket', read: 'tables', sha256: null, compared: [{with: 'its manifest', sha256: SHA, same: true}]})
      const other = await stored(OTHER)
      expect((await verify({kind: 'stored', uri, store: other}, unverified, {store: other})).one).to.include({ok: false, why: 'its digest is not the one of its manifest'})
      const silent = await stored(undefined)
      expect((await verify({kind: 'stored', uri, store: silent}, unverified, {store: silent})).one.ok).to.equal(false)
    })

    it('reads all of it with --full', async () => {
      const store = await stored(SHA)
      const {asked, one} = await verify({kind: 'stored', uri, store}, () => answerOf({state: 'unverified', sha256: OTHER}), {store, full: true})
      expect(asked[0]?.full).to.equal(true)
      expect(one).to.deep.include({ok: false, read: 'bytes', compared: [{with: 'its manifest', sha256: SHA, same: false}]})
    })

    it('compares each file of a folder', async () => {
      const folder = async (marks: Readonly<Record<string, string>>) => {
        const store = new MemoryStore()
        const files = ['a', 'b'].map(path => ({path, size: 1, sha256: SHA}))
        for (const {path} of files) await store.put(`s3://bucket/c-1/${path}`, Buffer.from('x'))
        await store.put('s3://bucket/c-1.manifest.json', manifest('c-1', {kind: 'folder', sha256: OTHER, size_bytes: 2, files}))
        const head = store.head.bind(store)
        store.head = async (...args) => {
          const info = await head(...args)
          const mark = marks[args[0].slice(-1)]
          return info && mark !== undefined ? {...info, sha256: mark} : info
        }
        return (await verify({kind: 'stored', uri: 's3://bucket/c-1', store}, () => answerOf({sha256: null}), {store})).one
      }
      expect((await folder({a: SHA, b: SHA})).compared).to.deep.equal([{with: 'its manifest', sha256: OTHER, same: true}])
      expect((await folder({a: SHA, b: OTHER})).ok).to.equal(false)
      expect((await folder({a: SHA})).compared).to.deep.equal([])
    })
  })

  it('goes on with the others where one is not there', async () => {
    const {inspectHere} = fakeInspector(({path}) => {
      if (path === '/gone') throw new RunctlError('not_found', 'there is no /gone')
      return answerOf()
    })
    const targets = ['/gone', '/a'].map(path => ({name: path, address: {kind: 'here', path} as const}))
    const verified = await verifyCheckpoints({targets, full: false}, {inspectHere, storeOf: () => Promise.resolve(null), progress, signal})
    expect(verified.map(({ok, why}) => [ok, why])).to.deep.equal([[false, 'there is no /gone'], [true, null]])
    expect(notGood(verified)[0]).to.include({code: 'verification_failed', exitCode: 12})
    expect(notGood(verified.slice(1))).to.deep.equal([])
  })
})
