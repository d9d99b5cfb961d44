import {expect} from 'chai'

import {listAllResources, tagsOf, type ListAllInput} from '../../src/core/list-all-resources.js'
import type {ListedRow} from '../../src/core/list-holdings.js'
import {TAGS, type Instance} from '../../src/model/instance.js'
import type {Holding, InstanceQuery} from '../../src/providers/provider.js'
import {FakeDeps} from '../support/fake-deps.js'
import {sampleInstance} from '../support/memory-provider.js'

const INPUT: ListAllInput = {kinds: new Set(['instance']), states: [], tags: {}, filters: null, ask: false, sort: null, limit: null, pageSize: 10}

interface Account extends FakeDeps {
  /** How many instances were taken from the platform. */
  taken: number
  readonly queries: InstanceQuery[]
}

/** `count` instances that are made as they are asked for. */
function account(count: number, over: (index: number) => Partial<Instance> = () => ({})): Account {
  const deps = Object.assign(new FakeDeps(null), {taken: 0, queries: [] as InstanceQuery[]})
  deps.provider.describeInstances = async function* (query) {
    deps.queries.push(query)
    for (let index = 0; index < count; index++) {
      deps.taken++
      yield sampleInstance({id: `mem-${String(index).padStart(5, '0')}`, ...over(index)})
    }
  }
  return deps
}

async function all(input: Partial<ListAllInput>, ...deps: readonly FakeDeps[]): Promise<readonly ListedRow[]> {
  const rows: ListedRow[] = []
  for await (const page of listAllResources({...INPUT, ...input}, deps)) rows.push(...page)
  return rows
}

const ids = (rows: readonly ListedRow[]): readonly string[] => rows.map(({id}) => id)

const holding = (over: Partial<Holding>): Holding => ({
  id: 'vol-1', kind: 'volume', name: null, region: 'r', state: 'available', sizeGib: 100, type: 'gp3', createdAt: '2026-11-01T00:00:00Z', attachedTo: null,
  goesWithInstance: false, usdPerMonth: 8, priceSource: 'test', tags: {}, ...over,
})

function withHoldings(deps: FakeDeps, holdings: readonly Holding[]): FakeDeps {
  const list = async function* (kinds: readonly string[]): AsyncIterable<Holding> {
    for (const one of holdings) if (kinds.includes(one.kind)) yield one
  }
  Object.assign(deps.provider, {holdings: {list, delete: () => Promise.resolve()}})
  return deps
}

describe('the list of all resources', () => {
  it('takes no more from a platform than the page that is used and the next one', async () => {
    const deps = account(2000)
    let used = 0
    for await (const page of listAllResources(INPUT, [deps])) {
      used += page.length
      expect(page).to.have.length(10)
      expect(deps.taken).to.be.at.most(used + 20)
    }
    expect(used).to.equal(2000)
  })

  it('asks for nothing beyond the limit', async () => {
    const deps = account(2000)
    expect(await all({limit: 15, pageSize: 10}, deps)).to.have.length(15)
    expect(deps.taken).to.be.at.most(30)
  })

  it('looks at all places at once, and shows them in their order', async () => {
    const deps = [account(25), account(3), account(12)]
    const pages = listAllResources(INPUT, deps)
    await pages.next()
    expect(deps.map(({queries}) => queries.length)).to.deep.equal([1, 1, 1])
    await pages.return()
    expect((await all({}, ...deps)).map(({id}) => id)).to.deep.equal([25, 3, 12].flatMap(count => Array.from({length: count}, (_, at) => `mem-${String(at).padStart(5, '0')}`)))
  })

  it('has the oldest first within a page', async () => {
    expect(ids(await all({}, account(5, index => ({createdAt: `2026-11-0${5 - index}T00:00:00Z`}))))[0]).to.equal('mem-00004')
  })

  it('hands states, tags and filters to the platform', async () => {
    const deps = account(1)
    const tags = tagsOf({owner: 'ada', project: 'mnist', tags: {team: 'vision'}})
    await all({states: ['stopped'], tags, filters: {'instance-type': ['g5.*']}}, deps)
    await all({}, deps)
    expect(deps.queries[0]).to.deep.equal({states: ['stopped'], tags: {team: 'vision', [TAGS.project]: 'mnist', [TAGS.owner]: 'ada'}, filters: {'instance-type': ['g5.*']}})
    expect(deps.queries[1]).to.deep.equal({states: ['pending', 'running', 'stopping', 'stopped', 'shutting-down']})
  })

  it('sorts money from the most, what is not known last, and turns it round', async () => {
    const deps = account(4, index => ({instanceType: ['small', 'unknown', 'large', 'middle'][index] ?? null}))
    const prices: Readonly<Record<string, number>> = {small: 1, middle: 2, large: 3}
    deps.provider.pricing = {hourlyPrice: async ({instanceType}) => (prices[instanceType ?? ''] === undefined ? null : {usdPerHour: prices[instanceType ?? ''] ?? 0, source: 'test'})}
    expect(ids(await all({sort: {key: 'hourly', reversed: false}}, deps))).to.deep.equal(['mem-00002', 'mem-00003', 'mem-00000', 'mem-00001'])
    expect(ids(await all({sort: {key: 'hourly', reversed: true}}, deps))).to.deep.equal(['mem-00000', 'mem-00003', 'mem-00002', 'mem-00001'])
    expect(ids(await all({sort: {key: 'hourly', reversed: false}, limit: 1}, deps))).to.deep.equal(['mem-00002'])
  })

  it('sorts by age, name and state over all places, in pages', async () => {
    const deps = [account(25, index => ({createdAt: new Date(1e12 + index * 1000).toISOString(), name: `n${99 - index}`, state: index % 2 ? 'running' : 'stopped'})), account(1, () => ({id: 'mem-x', createdAt: null}))]
    const byAge = ids(await all({sort: {key: 'age', reversed: false}}, ...deps))
    expect([byAge[0], byAge[24], byAge[25]]).to.deep.equal(['mem-00000', 'mem-00024', 'mem-x'])
    expect(ids(await all({sort: {key: 'name', reversed: false}, limit: 2}, ...deps))).to.deep.equal(['mem-00024', 'mem-00023'])
    expect((await all({sort: {key: 'state', reversed: false}}, ...deps)).slice(0, 13).every(({state}) => state === 'running')).to.equal(true)
    for await (const page of listAllResources({...INPUT, sort: {key: 'age', reversed: false}}, deps)) expect(page.length).to.be.at.most(10)
  })

  it('has other things behind the instances, with what they cost a month and their own state', async () => {
    const mine = {[TAGS.project]: 'mnist', [TAGS.createdBy]: '0.1.0'}
    const deps = withHoldings(account(1), [holding({tags: mine, usdPerMonth: null}), holding({id: 'snap-1', kind: 'snapshot', state: 'completed'})])
    const rows = await all({kinds: new Set(['instance', 'volume', 'snapshot'])}, deps)
    expect(ids(rows)).to.deep.equal(['mem-00000', 'vol-1', 'snap-1'])
    expect(rows[1]).to.deep.include({kind: 'volume', state: 'available', disk_gib: 100, storage_usd_per_month: null, estimated_cost: null, cost_at_least: 0, made_by_runctl: true, project: 'mnist', holding_type: 'gp3', attached_to: null})
    expect(rows[2]).to.deep.include({kind: 'snapshot', made_by_runctl: false, storage_usd_per_month: 8})
    expect(ids(await all({kinds: new Set(['volume', 'snapshot']), tags: {[TAGS.project]: 'mnist'}}, deps))).to.deep.equal(['vol-1'])
    expect(ids(await all({kinds: new Set(['instance', 'snapshot']), sort: {key: 'cost', reversed: true}}, deps))).to.deep.equal(['mem-00000', 'snap-1'])
  })

  it('asks what runs for no longer than a list may take, and says what it did not ask', async () => {
    const deps = account(30, () => ({tags: {[TAGS.createdBy]: '0.1.0'}}))
    deps.scripted.handlers.status = () => {
      deps.clock.advance(1000)
      return {runs: [], boot_id: 'b', now: ''}
    }
    await all({ask: true}, deps)
    expect(deps.scripted.calls.length).to.be.at.least(10).and.below(30)
    expect(deps.progress.notes.join()).to.match(/^\d+ running instances were not asked/)
  })

  it('ends with the failure of a place, and with the abort of the command', async () => {
    const deps = account(3)
    deps.provider.describeInstances = async function* (_, options) {
      yield sampleInstance()
      deps.interrupt.abort(new Error('detached'))
      options?.signal?.throwIfAborted()
    }
    let failure: unknown
    await all({pageSize: 1}, deps).catch((error: unknown) => (failure = error))
    expect(failure).to.have.property('message', 'detached')
  })
})
