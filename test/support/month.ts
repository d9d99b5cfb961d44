import {expect} from 'chai'

import {createInstance} from '../../src/core/create-instance.js'
import {endInstance} from '../../src/core/end-instance.js'
import {listResources} from '../../src/core/list-resources.js'
import type {PlatformDeps} from '../../src/core/platform-deps.js'
import {mergeSpendings, spendingBetween} from '../../src/core/spending.js'
import {startInstance} from '../../src/core/start-instance.js'

/** A change that the cloud has seen, with the moment that it happened at. */
export interface BillingEvent {
  readonly at: number
  readonly id: string
  readonly what: 'running' | 'stopped' | 'terminated'
  readonly type: string
  readonly lifecycle: 'on-demand' | 'spot'
  /** Where spot prices differ by it. */
  readonly zone?: string
  readonly diskGib: number
}

/** A price from a moment on. */
export interface ListedPrice {
  readonly at: number
  /** `t3.large`, `spot t3.large`, `spot t3.large us-east-1b` */
  readonly what: string
  /** US dollars an hour. */
  readonly usd: number
}

export interface MonthMachine {
  readonly id: string
  readonly state: string
  readonly type: string
  readonly lifecycle: 'on-demand' | 'spot'
  /** It can only be terminated. */
  readonly endsOnly: boolean
}

/** A region of a cloud that bills, with its prices and what happened there. What runctl does goes through the use-cases; the rest is done behind its back. */
export interface MonthRegion {
  /** For one command. */
  deps(): PlatformDeps
  readonly log: readonly BillingEvent[]
  readonly prices: readonly ListedPrice[]
  /** US dollars for a GiB and month. */
  readonly gibMonth: number
  /** Those that are not terminated. */
  machines(): readonly MonthMachine[]
  /** The options that make an instance so; null: not by runctl, but by the region itself. */
  options(spot: boolean, diskGib: number): Readonly<Record<string, number | boolean>> | null
  /** Made by somebody else, with runctl's tags. */
  adopt?(type: string, diskGib: number): Promise<string>
  stopOutside(id: string): void
  /** The machine powers itself off. */
  stopItself(id: string): void
  setType(id: string, type: string): void
  setSpotPrice(type: string, usd: number, at: number): void
  /** Absent: prices on demand stay. */
  setOnDemandPrice?(type: string, usd: number, at: number): void
  /** When nothing is under way any more. */
  settled?(): Promise<void>
}

export const BEGIN = Date.UTC(2026, 9, 27)
export const END = Date.UTC(2026, 10, 30, 12)
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const TYPES = ['g5.xlarge', 't3.large', 'g4dn.xlarge'] as const

/** Deterministic, so that a failure can be had again. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export interface MonthPlan {
  readonly seed: number
  /** Sets the clock of everything. */
  readonly clockTo: (at: number) => void
  /** From one event to the next, in minutes. */
  readonly minutes: readonly [least: number, most: number]
}

/** How often what happened. */
export interface Happened {
  terminated: number
  selfStops: number
  typeChanges: number
  shortStarts: number
}

async function create(type: string, spot: boolean, diskGib: number, region: MonthRegion): Promise<string> {
  const options = region.options(spot, diskGib)
  if (options === null) return region.adopt?.(type, diskGib) ?? expect.fail('nobody makes it')
  const {instance} = await createInstance({
    requestId: `req-${region.log.length}-${diskGib}`, name: null, instanceType: type, options, project: 'p', owner: 'eva', version: '1', wait: false, timeoutMs: 1000,
  }, region.deps())
  return instance.id
}

const start = (id: string, region: MonthRegion): Promise<unknown> => startInstance({instanceId: id, wait: false, timeoutMs: 60_000}, region.deps())
const end = (id: string, kind: 'stop' | 'terminate', region: MonthRegion): Promise<unknown> =>
  endInstance({instanceId: id, kind, graceMs: 1000, force: kind === 'terminate', requestId: 'r', timeoutMs: 60_000}, region.deps())

/** From BEGIN to END machines are made, stopped, started and ended in regions with their own prices, by runctl and by others. */
export async function playMonth(regions: readonly MonthRegion[], {clockTo, minutes: [least, most], seed}: MonthPlan): Promise<Happened> {
  const roll = dice(seed)
  const happened: Happened = {terminated: 0, selfStops: 0, typeChanges: 0, shortStarts: 0}
  /** Since they were created nobody has written down of these what they are, and at which price. */
  const unwritten = new Set<string>()
  const anyType = (): string => TYPES[Math.floor(roll() * 3)] ?? 't3.large'
  const reprice = (region: MonthRegion, at: number): void => {
    for (const [which, type] of TYPES.entries()) {
      region.setSpotPrice(type, 0.2 + which * 0.7 + roll() * 0.6, at)
      // Once in a while also what is on demand. What is written down stays as it is.
      const isListed = region.prices.some(({what}) => what === type)
      if (!region.setOnDemandPrice || (isListed && (roll() > 0.1 || region.machines().some(machine => machine.type === type && unwritten.has(machine.id))))) continue
      region.setOnDemandPrice(type, 1 + which + roll() * 0.2, at)
    }
  }
  clockTo(BEGIN)
  for (const region of regions) reprice(region, BEGIN)
  for (let at = BEGIN; at < END; at += Math.round((least + roll() * (most - least)) * 60) * 1000) {
    clockTo(at)
    const region = regions[Math.floor(roll() * regions.length)]
    if (!region) continue
    if (roll() < 0.3) reprice(region, at)
    const all = region.machines()
    const some = all[Math.floor(roll() * all.length)]
    const act = roll()
    if (!some || (all.length < 5 && act < 0.3)) unwritten.add(await create(anyType(), roll() < 0.4, 100 + Math.floor(roll() * 400), region))
    else if (some.state === 'running' && !some.endsOnly && act < 0.62) {
      if (act < 0.45) {
        await end(some.id, 'stop', region)
        unwritten.delete(some.id)
      } else if (act < 0.55) region.stopOutside(some.id)
      else {
        region.stopItself(some.id)
        happened.selfStops++
      }
    } else if (some.state === 'stopped' && act < 0.8) {
      if (some.lifecycle === 'on-demand' && !unwritten.has(some.id) && roll() < 0.3) {
        region.setType(some.id, anyType())
        happened.typeChanges++
      }
      await start(some.id, region)
      unwritten.delete(some.id)
      // Not long enough for the minute that is billed.
      if (roll() < 0.15) {
        await region.settled?.()
        clockTo(at + 20_000)
        await end(some.id, 'stop', region)
        happened.shortStarts++
      }
    } else if (act > (some.endsOnly ? 0.8 : 0.95)) {
      await end(some.id, 'terminate', region)
      unwritten.delete(some.id)
      happened.terminated++
    }
    await region.settled?.()
  }
  clockTo(END)
  return happened
}

/** What the cloud's published rules make of its log, minute after minute, or second after second where a machine ran for less: no segment, no window. */
function bill({gibMonth, log, prices}: MonthRegion, from: number, to: number): Map<string, number> {
  const bills = new Map<string, number>()
  // October, November.
  const daysOf = (at: number): number => (at < Date.UTC(2026, 10, 1) ? 31 : 30)
  const priceAt = (what: string, at: number): number => prices.filter(price => price.what === what && price.at <= at).at(-1)?.usd ?? Number.NaN
  for (const id of new Set(log.map(event => event.id))) {
    const events = log.filter(event => event.id === id)
    let usd = 0
    for (const [index, event] of events.entries()) {
      const until = events[index + 1]?.at ?? END
      if (event.what === 'terminated') continue
      const perGib = event.diskGib * gibMonth
      for (let at = event.at; at < until; at += MINUTE) {
        const share = Math.min(MINUTE, until - at)
        if (at >= from && at < to) usd += (perGib / daysOf(at) / 24 / 60) * (share / MINUTE)
      }
      if (event.what !== 'running') continue
      const billedUntil = Math.max(until, event.at + MINUTE)
      const what = event.lifecycle === 'spot' ? ['spot', event.type, ...(event.zone === undefined ? [] : [event.zone])].join(' ') : event.type
      let price = priceAt(what, event.at)
      for (let at = event.at; at < billedUntil; at += MINUTE) {
        if (event.lifecycle === 'spot' && (at - event.at) % HOUR === 0) price = priceAt(what, at)
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

/** Each machine that is there costs in a list what the cloud would bill. */
export async function expectRowsAsBilled(region: MonthRegion): Promise<void> {
  const billed = bill(region, -Infinity, Infinity)
  const rows = await listResources({states: []}, region.deps())
  expect(rows.map(({id}) => id)).to.have.members(region.machines().map(({id}) => id))
  expect(rows.length).to.be.greaterThan(2)
  for (const row of rows) {
    expect(row.cost_unknown, row.id).to.deep.equal([])
    within1Percent(row.estimated_cost, billed.get(row.id) ?? Number.NaN, row.id)
  }
}

/** So do all together, those that are gone too: over all the time, the last month, and a day. */
export async function expectSumsAsBilled(regions: readonly MonthRegion[], {terminated}: Happened): Promise<void> {
  for (const [from, to] of [[BEGIN, END], [Date.UTC(2026, 10, 1), END], [Date.UTC(2026, 10, 10), Date.UTC(2026, 10, 11)]] as const) {
    const reports = await Promise.all(regions.map(region => spendingBetween({from: new Date(from), to: new Date(to), project: 'p'}, region.deps())))
    const {incomplete, spendings} = mergeSpendings(reports)
    expect(incomplete).to.deep.equal([])
    const said = spendings.reduce((sum, {cost}) => sum + (cost.usd ?? Number.NaN), 0)
    const billed = regions.flatMap(region => [...bill(region, from, to).values()])
    within1Percent(said, billed.reduce((sum, usd) => sum + usd, 0), `${new Date(from).toISOString()} to ${new Date(to).toISOString()}`)
    if (from === BEGIN) expect(spendings.filter(({gone}) => gone)).to.have.length(terminated)
  }
}
