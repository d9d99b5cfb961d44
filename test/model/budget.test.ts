import {expect} from 'chai'
import fc from 'fast-check'

import {budgetWindow, forecastBudget, type BudgetForecast, type Ongoing, type Wanted} from '../../src/model/budget.js'
import type {Cost} from '../../src/model/cost.js'

const NOON = new Date('2026-11-23T12:00:00Z')
const spent = (usd: number): Cost => ({usd, known_usd: usd, unknown: []})
const machine = (usdPerHour: number | null, over: Partial<Ongoing> = {}): Ongoing => ({usdPerHour, storageUsdPerMonth: 0, stopsAt: null, ...over})
const wanted = (usdPerHour: number | null, over: Partial<Wanted> = {}): Wanted => ({count: 1, usdPerHour, maxHours: null, maxUsd: null, ...over})

interface Case {
  readonly what: string
  readonly period?: 'day' | 'month'
  readonly now?: string
  readonly amount?: number
  readonly warnAt?: number
  readonly spent?: Cost
  readonly ongoing?: readonly Ongoing[]
  readonly granted?: readonly Wanted[]
  readonly wanted?: Wanted
  readonly is: Partial<BudgetForecast>
}

/** Noon: twelve hours of the day are left, and of a November 7.5 days = 180 h. */
const CASES: readonly Case[] = [
  {what: 'counts what is asked for until the end of the day', wanted: wanted(1), is: {asked_usd: 12, total_usd: 12, verdict: 'fits', ends_at: '2026-11-24T00:00:00.000Z'}},
  {what: 'counts it until the end of the month', period: 'month', wanted: wanted(0.1), is: {asked_usd: 18, ends_at: '2026-12-01T00:00:00.000Z'}},
  {what: 'counts it to its limit in hours where that is sooner', wanted: wanted(1, {maxHours: 3}), is: {asked_usd: 3}},
  {what: 'does not count hours beyond the end', wanted: wanted(1, {maxHours: 100}), is: {asked_usd: 12}},
  {what: 'counts it to its limit in dollars where that is sooner', wanted: wanted(1, {maxUsd: 2.5}), is: {asked_usd: 2.5}},
  {what: 'takes the sooner of two limits', wanted: wanted(1, {maxUsd: 2.5, maxHours: 2}), is: {asked_usd: 2}},
  {what: 'counts each of several', wanted: wanted(1, {count: 3, maxUsd: 2.5}), is: {asked_usd: 7.5}},
  {what: 'adds what was spent and what runs on', spent: spent(5), ongoing: [machine(1)], wanted: wanted(1), is: {spent_usd: 5, ongoing_usd: 12, total_usd: 29}},
  {what: 'adds what was granted before, to its own limits', granted: [wanted(1, {count: 2, maxHours: 3}), wanted(2)], is: {ongoing_usd: 30, asked_usd: 12}},
  {what: 'says that the price of what was granted before is missing', granted: [wanted(null)], is: {ongoing_usd: 0, at_least: true}},
  {what: 'counts what runs until it stops itself', ongoing: [machine(1, {stopsAt: '2026-11-23T14:30:00Z'})], is: {ongoing_usd: 2.5}},
  {what: 'counts what runs to the end where it stops itself later', ongoing: [machine(1, {stopsAt: '2026-11-25T00:00:00Z'})], is: {ongoing_usd: 12}},
  {what: 'takes a time to stop that is past for none', ongoing: [machine(1, {stopsAt: '2026-11-23T11:00:00Z'})], is: {ongoing_usd: 12}},
  {what: 'takes a time to stop that is none for none', ongoing: [machine(1, {stopsAt: 'soon'})], is: {ongoing_usd: 12}},
  {what: 'counts disks whether their machine runs or not', ongoing: [machine(0, {storageUsdPerMonth: 60}), machine(1, {storageUsdPerMonth: 60, stopsAt: '2026-11-23T13:00:00Z'})], is: {ongoing_usd: 3}},
  {what: 'counts disks by the length of the month', now: '2026-02-27T12:00:00Z', period: 'month', ongoing: [machine(0, {storageUsdPerMonth: 28})], is: {ongoing_usd: 1.5}},
  {what: 'is over above the amount', amount: 11.99, is: {verdict: 'over'}},
  {what: 'is not over at the amount itself', amount: 12, is: {verdict: 'warn'}},
  {what: 'is not over by a fraction that only sums have', amount: 0.3, spent: spent(0.1), wanted: wanted(0.2, {maxHours: 1}), is: {verdict: 'warn'}},
  {what: 'warns from the part on that is set', amount: 15, is: {verdict: 'warn'}},
  {what: 'does not warn below it', amount: 15.01, is: {verdict: 'fits'}},
  {what: 'warns at another part', amount: 100, warnAt: 0.12, is: {verdict: 'warn'}},
  {what: 'warns always at 0', amount: 1e6, warnAt: 0, is: {verdict: 'warn'}},
  {what: 'warns at the whole amount alone at 1', amount: 12.01, warnAt: 1, is: {verdict: 'fits'}},
  {what: 'refuses all that costs at an amount of 0', amount: 0, wanted: wanted(0.001), is: {verdict: 'over', fitting_hours: null}},
  {what: 'says with how many hours it would fit', amount: 10, spent: spent(2.5), wanted: wanted(1), is: {verdict: 'over', fitting_hours: 7.5}},
  {what: 'rounds these down, to tenths', amount: 10, spent: spent(2), wanted: wanted(0.9), is: {fitting_hours: 8.8}},
  {what: 'rounds less than an hour to hundredths', amount: 10, spent: spent(9.5), wanted: wanted(0.9), is: {fitting_hours: 0.55}},
  {what: 'shares these among several', amount: 10, wanted: wanted(1, {count: 4}), is: {fitting_hours: 2.5}},
  {what: 'names no hours where only minutes are left', amount: 10, spent: spent(9.99), is: {verdict: 'over', fitting_hours: null}},
  {what: 'names no hours where it is over already', amount: 10, spent: spent(12), is: {verdict: 'over', fitting_hours: null}},
  {what: 'names no hours where it fits', is: {fitting_hours: null, verdict: 'fits'}},
  {what: 'says that an unknown part of the past is missing', spent: {usd: null, known_usd: 3, unknown: ['x']}, is: {spent_usd: 3, at_least: true, total_usd: 15}},
  {what: 'says that the price of what runs is missing', ongoing: [machine(null)], is: {ongoing_usd: 0, at_least: true}},
  {what: 'says that the price of disks is missing', ongoing: [machine(1, {storageUsdPerMonth: null})], is: {ongoing_usd: 12, at_least: true}},
  {what: 'cannot say where the price of what is asked for is unknown', spent: spent(3), wanted: wanted(null), is: {asked_usd: null, total_usd: 3, at_least: true, verdict: 'unknown', fitting_hours: null}},
  {what: 'asks for nothing where all is there already', amount: 1, spent: spent(3), wanted: wanted(null, {count: 0}), is: {asked_usd: 0, verdict: 'warn'}},
  {what: 'misses nothing where all is known', ongoing: [machine(1)], is: {at_least: false}},
]

describe('the arithmetic of budgets', () => {
  for (const {amount = 100, granted = [], now = NOON.toISOString(), ongoing = [], period = 'day', warnAt = 0.8, ...one} of CASES) {
    it(one.what, () => {
      const forecast = forecastBudget({period, amountUsd: amount, warnAt}, {now: new Date(now), spent: one.spent ?? spent(0), ongoing, granted, wanted: one.wanted ?? wanted(1)})
      for (const [name, value] of Object.entries(one.is)) {
        const found = forecast[name as keyof BudgetForecast]
        if (typeof value === 'number') expect(found, name).to.be.closeTo(value, 1e-9)
        else expect(found, name).to.equal(value)
      }
    })
  }

  it('always fits, and to the last cent but one step, with the hours that it names', () => {
    const usd = fc.double({min: 0, max: 50, noNaN: true})
    const price = fc.double({min: 0.001, max: 100, noNaN: true})
    fc.assert(fc.property(usd, usd, price, fc.integer({min: 1, max: 5}), (amountUsd, gone, usdPerHour, count) => {
      const ask = (maxHours: number | null): BudgetForecast =>
        forecastBudget({period: 'day', amountUsd, warnAt: 1}, {now: NOON, spent: spent(gone), ongoing: [], granted: [], wanted: wanted(usdPerHour, {count, maxHours})})
      const {fitting_hours: hours, verdict} = ask(null)
      if (hours === null) return
      expect(verdict).to.equal('over')
      expect(ask(hours).verdict).not.to.equal('over')
      expect(ask(hours + 0.11).verdict).to.equal('over')
    }))
  })

  for (const [now, day, month] of [
    ['2026-11-23T12:00:00Z', ['2026-11-23', '2026-11-24'], ['2026-11-01', '2026-12-01']],
    ['2026-12-31T23:59:59.999Z', ['2026-12-31', '2027-01-01'], ['2026-12-01', '2027-01-01']],
    ['2027-01-01T00:00:00Z', ['2027-01-01', '2027-01-02'], ['2027-01-01', '2027-02-01']],
    ['2028-02-29T05:00:00+14:00', ['2028-02-28', '2028-02-29'], ['2028-02-01', '2028-03-01']],
    ['2026-03-29T01:30:00+02:00', ['2026-03-28', '2026-03-29'], ['2026-03-01', '2026-04-01']],
  ] as const) {
    it(`knows the day and the month, in UTC, of ${now}`, () => {
      const dates = (period: 'day' | 'month'): readonly string[] => Object.values(budgetWindow(period, new Date(now))).map((date: Date) => date.toISOString())
      expect(dates('day')).to.deep.equal(day.map(date => `${date}T00:00:00.000Z`))
      expect(dates('month')).to.deep.equal(month.map(date => `${date}T00:00:00.000Z`))
    })
  }
})
