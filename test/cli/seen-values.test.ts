import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {SeenByCommand} from '../../src/cli/seen-values.js'
import type {KnownValues} from '../../src/model/known-values.js'
import {MemoryProvider} from '../support/memory-provider.js'

describe('what a command sees', () => {
  let folder: string
  beforeEach(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'runctl-seen-'))))
  afterEach(() => rm(folder, {recursive: true}))

  it('of instances is kept for completion when it ends', async () => {
    const seen = new SeenByCommand()
    const provider = seen.provider(new MemoryProvider())
    const {id} = await provider.createInstance({requestId: 'req-1', tags: {}})
    await seen.save(folder)
    const known = JSON.parse(await readFile(path.join(folder, 'completion', `${provider.name}.json`), 'utf8')) as KnownValues
    expect(known.instances.map(one => one.id)).to.deep.equal([id])
    // A part of what there is: it does not count as refreshed.
    expect(Date.parse(known.refreshAfter)).to.equal(0)
  })

  it('never fails the command, whatever stands in the place of the cache', async () => {
    await writeFile(path.join(folder, 'file'), '')
    const seen = new SeenByCommand()
    await seen.provider(new MemoryProvider()).createInstance({requestId: 'req-1', tags: {}})
    await seen.save(path.join(folder, 'file'))
  })
})
