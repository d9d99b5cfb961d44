import {mkdtemp, readdir, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {recordCost} from '../../src/core/cost-records.js'
import {spendingBetween} from '../../src/core/spending.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {sampleInstance} from '../support/memory-provider.js'
import {MemoryStore} from '../support/memory-store.js'

const PRICES = {hourly: {usdPerHour: 2, source: 'test'}, disks: {usdPerMonth: 0, gib: null}}
/** From the end of October to the second of November: 24 hours of each month. */
const OLD = sampleInstance({id: 'mem-old', createdAt: '2026-10-31T00:00:00Z', launchedAt: '2026-10-31T00:00:00Z', tags: {[TAGS.project]: 'p'}})
const ENDED = new Date('2026-11-02T00:00:00Z')

describe('what was spent', () => {
  let recordsDir: string
  beforeEach(async () => {
    recordsDir = await mkdtemp(path.join(tmpdir(), 'runctl-records-'))
  })
  afterEach(() => rm(recordsDir, {recursive: true}))

  function scene(store?: MemoryStore): FakeDeps {
    const deps = new FakeDeps(null)
    deps.recordsDir = recordsDir
    if (store) deps.provider.store = Object.assign(store, {records: 's3://bucket/runctl/'})
    return deps
  }
  const november = {from: new Date('2026-11-01T00:00:00Z'), to: new Date('2026-12-01T00:00:00Z'), project: null}

  it('has what is gone, once, in the months that it touched, from the store', async () => {
    const store = new MemoryStore()
    const deps = scene(store)
    await recordCost(OLD, PRICES, ENDED, deps)
    expect([...store.objects.keys()]).to.deep.equal(['s3://bucket/runctl/costs/2026-10/mem-old.json', 's3://bucket/runctl/costs/2026-11/mem-old.json'])
    expect(await readdir(recordsDir)).to.deep.equal([])
    const {incomplete, spendings} = await spendingBetween(november, deps)
    expect(incomplete).to.deep.equal([])
    expect(spendings.map(({cost, gone, id, project}) => ({id, gone, project, usd: cost.usd}))).to.deep.equal([{id: 'mem-old', gone: true, project: 'p', usd: 48}])
    const both = await spendingBetween({...november, from: new Date('2026-10-01T00:00:00Z')}, deps)
    expect(both.spendings.map(({cost}) => cost.usd)).to.deep.equal([96])
    expect((await spendingBetween({...november, project: 'other'}, deps)).spendings).to.deep.equal([])
  })

  it('keeps it on this machine where the platform has no place for records, and nothing of what costs nothing', async () => {
    const deps = scene()
    await recordCost(OLD, PRICES, ENDED, deps)
    await recordCost({...OLD, id: 'free'}, {hourly: {usdPerHour: 0, source: 'local'}, disks: {usdPerMonth: 0, gib: null}}, ENDED, deps)
    expect((await readdir(recordsDir, {recursive: true})).filter(name => name.endsWith('.json')).sort()).to.deep.equal(['mem/2026-10/mem-old.json', 'mem/2026-11/mem-old.json'])
    expect((await spendingBetween(november, deps)).spendings.map(({cost}) => cost.usd)).to.deep.equal([48])
  })

  it('takes the living from the platform, up to now, and the record of what the platform still shows as gone', async () => {
    const deps = scene()
    deps.provider.put(sampleInstance({id: 'mem-now', createdAt: '2026-11-23T11:00:00Z', launchedAt: '2026-11-23T11:00:00Z', tags: {[TAGS.project]: 'p'}}))
    deps.provider.put({...OLD, state: 'terminated'})
    await recordCost(OLD, PRICES, ENDED, deps)
    const {spendings} = await spendingBetween({...november, project: 'p'}, deps)
    expect(spendings.map(({cost, gone, id}) => ({id, gone, usd: cost.usd}))).to.deep.equal([{id: 'mem-now', gone: false, usd: 1.006}, {id: 'mem-old', gone: true, usd: 48}])
  })

  it('says what could not be read, and counts the rest', async () => {
    const store = new MemoryStore()
    const deps = scene(store)
    await recordCost(OLD, PRICES, ENDED, deps)
    await store.put('s3://bucket/runctl/costs/2026-11/other.json', Buffer.from('{"version":1,"id":"x","segments":[{}]}'))
    const {incomplete, spendings} = await spendingBetween(november, deps)
    expect(spendings).to.have.length(1)
    expect(incomplete).to.deep.equal(['a record of what an instance cost cannot be read, and is not counted'])
    store.list = () => {
      throw new RunctlError('platform_failed', 'no access to the bucket')
    }
    expect((await spendingBetween(november, deps)).incomplete).to.deep.equal(['what terminated instances cost is not known: no access to the bucket'])
  })

  it('ends nothing less where a record cannot be written: that is a warning', async () => {
    const deps = scene()
    deps.recordsDir = path.join(recordsDir, 'file')
    await writeFile(deps.recordsDir, '')
    await recordCost(OLD, PRICES, ENDED, deps)
    expect(deps.progress.warnings.join()).to.match(/what mem-old has cost will not be in later summaries: /)
  })
})
