import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {createInstance} from '../../src/core/create-instance.js'
import {endInstance} from '../../src/core/end-instance.js'
import {listResources} from '../../src/core/list-resources.js'
import {mergeSpendings, spendingBetween} from '../../src/core/spending.js'
import {startInstance} from '../../src/core/start-instance.js'
import {TAGS} from '../../src/model/instance.js'
import {BilledCloud, type BillingEvent} from '../support/billed-cloud.js'
import {FakeDeps} from '../support/fake-deps.js'

const BEGIN = Date.UTC(2026, 9, 27)
const END = Date.UTC(2026, 10, 30, 12)
const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Deterministic, so that a failure can be had again. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

class Region {
  readonly deps: FakeDeps
  readonly cloud: BilledCloud

  constructor(name: string, recordsDir: string) {
    this.deps = new FakeDeps(null)
    this.cloud = new BilledCloud(name, this.deps.clock)
    Object.assign(this.deps, {provider: this.cloud, recordsDir})
    this.deps.scripted.handlers.status = () => ({runs: [], boot_id: 'b', now: ''})
    this.deps.lifecycle.answers['prestop-checkpoint'] = () => [{ok: true, why: null, reports: [], only_here: [], last: null}]
  }

  async create(type: string, spot: boolean, disk: number): Promise<string> {
    const {instance} = await createInstance({
      requestId: 'req', name: null, instanceType: type, options: {spot, disk}, project: 'p', owner: 'eva', version: '1', wait: false, timeoutMs: 1000,
    }, this.deps)
    return instance.id
  }

  start = (id: string): Promise<unknown> => startInstance({instanceId: id, wait: false, timeoutMs: 60_000}, this.deps)
  end = (id: string, kind: 'stop' | 'terminate'): Promise<unknown> =>
    endInstance({instanceId: id, kind, graceMs: 1000, force: kind === 'terminate', requestId: 'r', timeoutMs: 60_000}, this.deps)
}

/** What the cloud's published rules make of its log, minute after minute, or second after second where a machine ran for less: no segment, no window. */
function bill(region: BilledCloud, prices: readonly {readonly at: number; readonly type: string; readonly usd: number}[], from: number, to: number): Map<string, number> {
  const bills = new Map<string, number>()
  // October, November.
  const daysOf = (at: number): number => (at < Date.UTC(2026, 10, 1) ? 31 : 30)
  const priceAt = (type: string, at: number): number => prices.filter(price => price.type === type && price.at <= at).at(-1)?.usd ?? Number.NaN
  for (const id of new Set(region.log.map(event => event.id))) {
    const events: readonly BillingEvent[] = region.log.filter(event => event.id === id)
    let usd = 0
    for (const [index, event] of events.entries()) {
      const until = events[index + 1]?.at ?? END
      if (event.what === 'terminated') continue
      const perGib = event.diskGib * region.gibMonth
      for (let at = event.at; at < until; at += MINUTE) {
        const share = Math.min(MINUTE, until - at)
        if (at >= from && at < to) usd += (perGib / daysOf(at) / 24 / 60) * (share / MINUTE)
      }
      if (event.what !== 'running') continue
      const billedUntil = Math.max(until, event.at + MINUTE)
      let price = priceAt(event.lifecycle === 'spot' ? `spot ${event.type}` : event.type, event.at)
      for (let at = event.at; at < billedUntil; at += MINUTE) {
        if (event.lifecycle === 'spot' && (at - event.at) % HOUR === 0) price = priceAt(`spot ${event.type}`, at)
        if (at >= from && at < to) usd += (Math.min(MINUTE, billedUntil - at) / HOUR) * price
      }
    }
    bills.set(id, usd)
  }
  return bills
}

const within1Percent = (said: number | null, billed: number, what: string): void => {
  expect(said, what).to.be.a('number')
  expect(Math.abs((said ?? 0) - billed), `${what}: ${said} said, ${billed} billed`).to.be.at.most(Math.max(billed * 0.01, 0.001))
}

describe('a month of machines', () => {
  let recordsDir: string
  before(async () => {
    recordsDir = await mkdtemp(path.join(tmpdir(), 'runctl-month-'))
  })
  after(() => rm(recordsDir, {recursive: true}))

  it('costs what the cloud would bill, each machine and in all, over stops, starts, price changes, type changes and ends, in two regions', async () => {
    const regions = ['north', 'south'].map(name => new Region(name, recordsDir))
    const prices = regions.map(() => [] as {at: number; type: string; usd: number}[])
    const roll = dice(20_261_130)
    const types = ['g5.xlarge', 't3.large', 'p3.2xlarge'] as const
    const clockTo = (at: number): void => regions.forEach(({deps}) => deps.clock.advance(at - deps.clock.now().getTime()))
    /** Since they were created nobody has written down of these what they are, and at which price. */
    const unwritten = new Set<string>()
    const reprice = (index: number, at: number): void => {
      const region = regions[index]
      if (!region) return
      for (const [which, type] of types.entries()) {
        const usd = 0.2 + which * 0.7 + roll() * 0.6
        region.cloud.spotChanges.push({at, type, usd})
        prices[index]?.push({at, type: `spot ${type}`, usd})
        // Once in a while also what is on demand. What is written down stays as it is.
        if (region.cloud.onDemand[type] !== undefined && (roll() > 0.1 || [...unwritten].some(id => region.cloud.instances.get(id)?.instanceType === type))) continue
        region.cloud.onDemand[type] = 1 + which + roll() * 0.2
        prices[index]?.push({at, type, usd: region.cloud.onDemand[type]})
      }
    }
    clockTo(BEGIN)
    regions.forEach((_, index) => reprice(index, BEGIN))
    let terminated = 0
    let selfStops = 0
    for (let at = BEGIN; at < END; at += Math.round((5 + roll() * 80) * 60) * 1000) {
      clockTo(at)
      const index = roll() < 0.5 ? 0 : 1
      const region = regions[index]
      if (!region) continue
      if (roll() < 0.3) reprice(index, at)
      const {cloud} = region
      const all = [...cloud.instances.values()].filter(({state}) => state !== 'terminated')
      const some = all[Math.floor(roll() * all.length)]
      const act = roll()
      if (!some || (all.length < 5 && act < 0.3)) unwritten.add(await region.create(types[Math.floor(roll() * 3)] ?? 't3.large', roll() < 0.4, 20 + Math.floor(roll() * 400)))
      else if (some.state === 'running' && act < 0.45) {
        await region.end(some.id, 'stop')
        unwritten.delete(some.id)
      } else if (some.state === 'running' && act < 0.55) cloud.outside(some.id, 'stopped')
      else if (some.state === 'running' && act < 0.62) {
        // By itself: the cloud tells no time, the machine's guard does.
        cloud.tellsStops = false
        cloud.outside(some.id, 'stopped', {tags: {...some.tags, [TAGS.guard]: `stopped itself at ${new Date(at).toISOString()}: 8 hours were over`}})
        cloud.tellsStops = true
        selfStops++
      } else if (some.state === 'stopped' && act < 0.8) {
        if (some.lifecycle === 'on-demand' && !unwritten.has(some.id) && roll() < 0.3) cloud.setType(some.id, types[Math.floor(roll() * 3)] ?? 't3.large')
        await region.start(some.id)
        unwritten.delete(some.id)
        // Not long enough for the minute that is billed.
        if (roll() < 0.15) {
          clockTo(at + 20_000)
          await region.end(some.id, 'stop')
        }
      } else if (act > 0.97) {
        await region.end(some.id, 'terminate')
        unwritten.delete(some.id)
        terminated++
      }
    }
    clockTo(END)
    expect(terminated).to.be.greaterThan(3)
    expect(selfStops).to.be.greaterThan(3)
    for (const list of prices) expect(list.filter(({type}) => !type.startsWith('spot ')).length).to.be.greaterThan(types.length)

    for (const [index, {cloud, deps}] of regions.entries()) {
      const billed = bill(cloud, prices[index] ?? [], -Infinity, Infinity)
      const rows = await listResources({states: []}, deps)
      expect(rows.length).to.be.greaterThan(2)
      for (const row of rows) {
        expect(row.cost_unknown, row.id).to.deep.equal([])
        within1Percent(row.estimated_cost, billed.get(row.id) ?? Number.NaN, row.id)
      }
    }
    const november = Date.UTC(2026, 10, 1)
    for (const [from, to] of [[BEGIN, END], [november, END], [Date.UTC(2026, 10, 10), Date.UTC(2026, 10, 11)]] as const) {
      // Those that are gone are gone from the platform too: only their records are left.
      const reports = await Promise.all(regions.map(async ({cloud, deps}) => {
        for (const [id, {state}] of cloud.instances) if (state === 'terminated') cloud.instances.delete(id)
        return spendingBetween({from: new Date(from), to: new Date(to), project: 'p'}, deps)
      }))
      const {incomplete, spendings} = mergeSpendings(reports)
      expect(incomplete).to.deep.equal([])
      const said = spendings.reduce((sum, {cost}) => sum + (cost.usd ?? Number.NaN), 0)
      const billed = regions.flatMap(({cloud}, index) => [...bill(cloud, prices[index] ?? [], from, to).values()])
      within1Percent(said, billed.reduce((sum, usd) => sum + usd, 0), `${new Date(from).toISOString()} to ${new Date(to).toISOString()}`)
      if (from === BEGIN) expect(spendings.filter(({gone}) => gone)).to.have.length(terminated)
    }
  })
})
