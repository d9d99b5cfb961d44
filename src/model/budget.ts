/**
 * The arithmetic of budgets: what a project has cost on a day or in a month, what its machines will have cost by the end of it, and whether
 * another machine still fits. Days and months are those of UTC, as on the bill.
 */
import {monthsBetween, type Cost} from './cost.js'

export const BUDGET_PERIODS = ['day', 'month'] as const
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number]

/** What a project may cost, in US dollars; null: no such limit. */
export interface Budget {
  readonly day: number | null
  readonly month: number | null
  /** From this part of an amount on it is warned: 0 to 1. */
  readonly warnAt: number
}

export interface BudgetWindow {
  readonly from: Date
  readonly to: Date
}

/** Something that is there already and goes on costing. */
export interface Ongoing {
  /** US dollars for an hour of the machine; 0 where it does not run; null where unknown. */
  readonly usdPerHour: number | null
  /** Its disks, which cost also while it is stopped; null where unknown. */
  readonly storageUsdPerMonth: number | null
  /** ISO 8601: when it stops itself at the latest; null where nothing does that. */
  readonly stopsAt: string | null
}

/** What a command is about to make or start. */
export interface Wanted {
  readonly count: number
  /** US dollars for an hour of one of them; null where unknown. */
  readonly usdPerHour: number | null
  /** The limits that each will have; null: none. */
  readonly maxHours: number | null
  readonly maxUsd: number | null
}

export interface BudgetSituation {
  readonly now: Date
  readonly spent: Cost
  readonly ongoing: readonly Ongoing[]
  /** What the same command has been let make or start before; it is not among `ongoing`. */
  readonly granted: readonly Wanted[]
  readonly wanted: Wanted
}

/** Where a budget stands with what is asked for. Also its JSON form; money in US dollars. */
export interface BudgetForecast {
  readonly period: BudgetPeriod
  /** ISO 8601, UTC: the end of the day or month. */
  readonly ends_at: string
  readonly budget_usd: number
  /** Up to now. */
  readonly spent_usd: number
  /** What is there already, from now to the end or until it stops itself. */
  readonly ongoing_usd: number
  /** What is asked for, from now to the end or to its own limit; null where its price is unknown. */
  readonly asked_usd: number | null
  readonly total_usd: number
  /** A part has no known price: `total_usd` is without it. */
  readonly at_least: boolean
  /** `unknown`: the price of what is asked for is, so nobody can say. Only `fits` and `warn` are let through. */
  readonly verdict: 'fits' | 'over' | 'unknown' | 'warn'
  /** With how many hours as a limit of each machine it would fit; null where it fits, and where no useful time would. */
  readonly fitting_hours: number | null
}

const HOUR_MS = 3_600_000
/** Sums of fractions: what differs by less than this is the same amount. */
const EPSILON_USD = 1e-9
/** Three minutes: less is no advice. */
const LEAST_HOURS = 0.05

/** The day or month (UTC) that `now` is in: from its first moment to the first of the next. */
export function budgetWindow(period: BudgetPeriod, now: Date): BudgetWindow {
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  if (period === 'day') return {from: new Date(Date.UTC(year, month, day)), to: new Date(Date.UTC(year, month, day + 1))}
  return {from: new Date(Date.UTC(year, month)), to: new Date(Date.UTC(year, month + 1))}
}

/** `now` lies within the window. */
export function forecastBudget(
  {amountUsd, period, warnAt}: {readonly period: BudgetPeriod; readonly amountUsd: number; readonly warnAt: number},
  {granted, now, ongoing, spent, wanted}: BudgetSituation,
): BudgetForecast {
  const {to} = budgetWindow(period, now)
  const hours = hoursBetween(now, to)
  const costs = [
    ...ongoing.map(one => costUntil(one, now, to)),
    ...granted.map(one => ({known: costOf(one, hours) ?? 0, whole: one.usdPerHour !== null})),
  ]
  const ongoingUsd = costs.reduce((sum, {known}) => sum + known, 0)
  const asked = costOf(wanted, hours)
  const total = spent.known_usd + ongoingUsd + (asked ?? 0)
  const over = asked !== null && asked > 0 && total > amountUsd + EPSILON_USD
  return {
    period,
    ends_at: to.toISOString(),
    budget_usd: amountUsd,
    spent_usd: spent.known_usd,
    ongoing_usd: ongoingUsd,
    asked_usd: asked,
    total_usd: total,
    at_least: asked === null || spent.usd === null || costs.some(({whole}) => !whole),
    verdict: over ? 'over' : asked === null ? 'unknown' : total >= warnAt * amountUsd - EPSILON_USD ? 'warn' : 'fits',
    fitting_hours: over ? fittingHours((amountUsd - spent.known_usd - ongoingUsd) / ((wanted.usdPerHour ?? 0) * wanted.count)) : null,
  }
}

function costOf({count, maxHours, maxUsd, usdPerHour}: Wanted, hours: number): number | null {
  if (count === 0) return 0
  return usdPerHour === null ? null : count * Math.min(usdPerHour * Math.min(hours, maxHours ?? Infinity), maxUsd ?? Infinity)
}

/** Rounded down, to what one would type; null for nothing of use. */
function fittingHours(hours: number): number | null {
  const rounded = hours < 1 ? Math.floor(hours * 100) / 100 : Math.floor(hours * 10) / 10
  return rounded >= LEAST_HOURS ? rounded : null
}

/** What is known of it, and whether that is all. */
function costUntil({stopsAt, storageUsdPerMonth, usdPerHour}: Ongoing, now: Date, to: Date): {readonly known: number; readonly whole: boolean} {
  const stop = Date.parse(stopsAt ?? '')
  // A time that is past has not stopped it, and anybody can write a tag: it counts as none.
  const runsUntil = stop > now.getTime() ? new Date(Math.min(stop, to.getTime())) : to
  const machine = (usdPerHour ?? 0) * hoursBetween(now, runsUntil)
  const disks = (storageUsdPerMonth ?? 0) * monthsBetween(now.getTime(), to.getTime())
  return {known: machine + disks, whole: usdPerHour !== null && storageUsdPerMonth !== null}
}

const hoursBetween = (from: Date, to: Date): number => Math.max(0, to.getTime() - from.getTime()) / HOUR_MS
