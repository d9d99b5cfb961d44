import {expect} from 'chai'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'

import {summarizeSpending, type SummarizeInput, type SpendingSummary} from '../../src/core/summarize-spending.js'
import {TAGS, type Instance} from '../../src/model/instance.js'
import type {Holding} from '../../src/providers/provider.js'
import {renderSummary} from '../../src/ui/summary-text.js'
import {FakeDeps} from '../support/fake-deps.js'
import {sampleInstance} from '../support/memory-provider.js'
import {rejection} from '../support/rejection.js'
import {TABLE, TEXT} from '../ui/samples.js'

const INPUT: SummarizeInput = {by: 'project', month: null, project: null}
const HOUR = 3_600_000

/** A dollar an hour, a disk of 30 dollars a month: a dollar a day in November. The clock says 2026-11-23 12:00. */
function scene(instances: readonly Partial<Instance>[], folder: string, holdings: readonly Holding[] = []): FakeDeps {
  const deps = new FakeDeps(null)
  deps.recordsDir = folder
  for (const [index, over] of instances.entries()) {
    deps.provider.put(sampleInstance({id: `mem-${index + 1}`, createdAt: '2026-11-23T10:00:00Z', launchedAt: '2026-11-23T10:00:00Z', tags: {[TAGS.project]: 'mnist'}, ...over}))
  }
  deps.provider.pricing = {
    hourlyPrice: async ({instanceType}) => (instanceType === 'odd' ? null : {usdPerHour: 1, source: 'test'}),
    diskPrices: async ids => new Map(ids.map(id => [id, {usdPerMonth: 30, gib: 300, source: 'test'}])),
  }
  const list = async function* (): AsyncIterable<Holding> {
    yield* holdings
  }
  Object.assign(deps.provider, {holdings: {list, delete: () => Promise.resolve()}})
  return deps
}

const summary = (deps: FakeDeps, over: Partial<SummarizeInput> = {}): Promise<SpendingSummary> => summarizeSpending({...INPUT, ...over}, deps.clock.now(), [deps])

describe('the summary of spending', () => {
  let folder: string
  beforeEach(async () => (folder = await mkdtemp(path.join(tmpdir(), 'runctl-summary-'))))
  afterEach(() => rm(folder, {recursive: true}))

  it('has today, the month so far, and its end if what runs runs on', async () => {
    const {groups, total} = await summary(scene([{}], folder))
    const twoHours = 2 + 2 / 24
    expect(groups).to.have.length(1)
    expect(groups[0]).to.deep.include({key: 'mnist', instances: 1, running: 1})
    expect(groups[0]?.today?.usd).to.be.closeTo(twoHours, 1e-6)
    expect(groups[0]?.month.usd).to.be.closeTo(twoHours, 1e-6)
    // Seven and a half days are left.
    expect(groups[0]?.projection.usd).to.be.closeTo(twoHours + 7.5 * 25, 1e-6)
    expect(total.projection).to.deep.equal(groups[0]?.projection)
  })

  it('counts on a stop by limits, after which the disks stay; a time that has passed tells nothing', async () => {
    const stops = (ms: number): Partial<Instance> => ({tags: {[TAGS.stopsAt]: new Date(Date.parse('2026-11-23T12:00:00Z') + ms).toISOString()}})
    const limited = await summary(scene([stops(12 * HOUR)], folder))
    expect(limited.total.projection.usd).to.be.closeTo(2 + 2 / 24 + 12 + 7.5, 1e-6)
    expect((await summary(scene([stops(-HOUR)], folder))).total.projection.usd).to.be.closeTo(2 + 2 / 24 + 7.5 * 25, 1e-6)
  })

  it('groups by what is wanted, the dearest first', async () => {
    const deps = scene([{tags: {[TAGS.owner]: 'ada'}}, {tags: {[TAGS.owner]: 'bob'}}, {tags: {[TAGS.owner]: 'bob'}}, {tags: {}}], folder)
    expect((await summary(deps, {by: 'owner'})).groups.map(({instances, key}) => [key, instances])).to.deep.equal([['bob', 2], [null, 1], ['ada', 1]])
    expect((await summary(deps, {by: 'type'})).groups.map(({key}) => key)).to.deep.equal(['small'])
    expect((await summary(deps, {by: 'platform'})).groups.map(({key}) => key)).to.deep.equal(['mem'])
  })

  it('shows what is not known beside what is', async () => {
    const deps = scene([{}, {instanceType: 'odd'}], folder)
    const value = await summary(deps)
    expect(value.total.month).to.deep.include({usd: null, unknown: 1})
    expect(value.unknown.map(({id}) => id)).to.deep.equal(['mem-2'])
    const text = renderSummary(value, TABLE)
    expect(text).to.match(/Total +\$2\.17 \+ unknown \(1\)/)
    expect(text).to.contain('mem-2: what ')
    for (const line of text.split('\n')) expect(line.length, line).to.be.at.most(80)
    expect(renderSummary(value, TEXT).split('\n').at(-1)).to.equal('Total\t-\t-\tunknown\tunknown\tunknown')
  })

  it('has volumes that are attached to nothing, snapshots and addresses on lines of their own', async () => {
    const base: Holding = {
      id: 'vol-1', kind: 'volume', name: null, region: null, state: 'available', sizeGib: 100, type: 'gp3', createdAt: '2026-10-01T00:00:00Z', attachedTo: null,
      goesWithInstance: false, usdPerMonth: 30, priceSource: 'test', tags: {},
    }
    const holdings: readonly Holding[] = [base, {...base, id: 'vol-2', attachedTo: 'mem-1'}, {...base, id: 'snap-1', kind: 'snapshot', usdPerMonth: null}]
    const value = await summary(scene([], folder, holdings))
    expect(value.others.map(({count, kind}) => [kind, count])).to.deep.equal([['snapshot', 1], ['volume', 1]])
    expect(value.others[1]?.month.usd).to.be.closeTo(22.5, 1e-6)
    expect(value.others[1]?.projection.usd).to.be.closeTo(30, 1e-6)
    expect(value.total.month).to.deep.include({usd: null, unknown: 1})
    expect(renderSummary(value, TABLE)).to.contain('1 loose volume').and.contain('without traffic, S3, taxes')
    expect((await summary(scene([], folder, holdings), {project: 'mnist'})).others).to.deep.equal([])
  })

  it('looks at a month that is over as a whole, without today and without a projection of its own', async () => {
    const deps = scene([{createdAt: '2026-10-30T00:00:00Z', launchedAt: '2026-10-30T00:00:00Z'}], folder)
    const value = await summary(deps, {month: '2026-10'})
    expect(value).to.deep.include({month: '2026-10', over: true})
    expect(value.total.today).to.equal(null)
    expect(value.total.month.usd).to.be.closeTo(48 + (2 * 30) / 31, 1e-6)
    expect(value.total.projection).to.deep.equal(value.total.month)
    expect(renderSummary(value, TABLE)).to.contain('October 2026, the whole month').and.not.contain('TODAY')
  })

  it('refuses what is no month, and one to come', async () => {
    const deps = scene([], folder)
    for (const month of ['2026-12', '2026-13', 'now']) expect(await rejection(summary(deps, {month}))).to.have.property('code', 'bad_input')
  })

  it('counts an instance once that two places tell of', async () => {
    const deps = scene([{}], folder)
    const {total} = await summarizeSpending(INPUT, deps.clock.now(), [deps, deps])
    expect(total.month.usd).to.be.closeTo(2 + 2 / 24, 1e-6)
  })
})
