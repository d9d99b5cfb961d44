import {mkdtemp, readdir, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {KnownValuesStore} from '../../src/state/known-values-store.js'
import {takeRefreshLock} from '../../src/state/refresh-lock.js'

describe('what completion knows', () => {
  let folder: string
  beforeEach(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'runctl-known-'))))
  afterEach(() => rm(folder, {recursive: true}))

  it('is one file a platform, for the user alone, and nothing is left beside it', async () => {
    const store = new KnownValuesStore(path.join(folder, 'completion'))
    await store.change('local', known => ({...known, suggestions: {type: [{value: 'big'}]}}))
    expect((await store.read('local')).suggestions).to.deep.equal({type: [{value: 'big'}]})
    expect(await readdir(path.join(folder, 'completion'))).to.deep.equal(['local.json'])
    expect((await stat(path.join(folder, 'completion', 'local.json'))).mode & 0o777).to.equal(0o600)
  })

  it('is nothing where the file is anything else', async () => {
    const store = new KnownValuesStore(folder)
    for (const text of ['', '{', 'null', '[]', '{"version":2}', '{"version":1,"instances":7}']) {
      await writeFile(path.join(folder, 'local.json'), text)
      expect(await store.read('local')).to.deep.include({instances: [], runs: [], refreshAfter: '1970-01-01T00:00:00.000Z'})
    }
  })

  it('is bounded', async () => {
    const store = new KnownValuesStore(folder)
    await store.change('local', known => ({...known, runs: Array.from({length: 900}, (_, n) => ({id: `${n}`, instance: 'i', state: null, script: null, project: null}))}))
    expect((await store.read('local')).runs).to.have.lengthOf(500)
  })
})

describe('the lock of a refresh', () => {
  let folder: string
  beforeEach(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'runctl-lock-'))))
  afterEach(() => rm(folder, {recursive: true}))

  it('is held by one at a time, and given back', async () => {
    const release = await takeRefreshLock(folder)
    expect(await takeRefreshLock(folder)).to.equal(null)
    await release?.()
    expect(await takeRefreshLock(folder)).to.not.equal(null)
  })

  it('of a process that died does not count, nor what is no lock', async () => {
    await takeRefreshLock(folder, {pid: 2 ** 30, startedAt: '1'})
    expect(await takeRefreshLock(folder)).to.not.equal(null)
    await writeFile(path.join(folder, 'refresh-lock'), '?')
    expect(await takeRefreshLock(folder)).to.not.equal(null)
  })
})
