import type {RunStatus} from '../agent/protocol.js'
import {costBetween} from '../model/cost.js'
import {segmentsOf} from '../model/cost-of-instance.js'
import type {Instance} from '../model/instance.js'
import {readLogMark} from '../model/log-steps.js'
import {hourlyPrice, knownPrices, spotPrices} from './instance-cost.js'
import type {RunRow} from './list-runs.js'
import {orUnknown} from './or-unknown.js'
import type {PlatformDeps} from './platform-deps.js'
import {readRuns} from './read-runs.js'

/** What a run has cost and what came of it, over all its attempts; the machine alone, for the time that the run took. Also its JSON form. */
export interface RunLedger {
  readonly attempts: number
  /** null where an earlier attempt was on another instance, or is not known any more. */
  readonly hours: number | null
  readonly lifecycle: 'on-demand' | 'spot'
  /** US dollars for an hour, on average over the attempts. */
  readonly usd_per_hour: number | null
  readonly cost_usd: number | null
  /** What the same hours would have cost more on demand; null where unknown, and for what is no spot machine. */
  readonly saved_usd: number | null
  /** Seconds of work that were done again: from the last checkpoint of each interrupted attempt to its end. */
  readonly redone_s: number | null
  /** How far it came, by its last checkpoint, else by its log. */
  readonly epochs: number | null
  readonly usd_per_epoch: number | null
}

/** A run with its ledger, so far. Also its JSON form. */
export interface RunWithLedger extends RunRow {
  readonly ledger: RunLedger
}

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>

/** So many runs of the instance are looked through for earlier attempts. */
const RUNS_BACK = 50

/** `instance`: where the run is, as the platform described it while it was there. What cannot be had is null: a ledger fails no run. */
export async function runLedger(run: RunStatus, instance: Instance, deps: Deps): Promise<RunLedger> {
  const [attempts, hourly, spot, onDemand] = await Promise.all([
    attemptsOf(run, instance, deps), hourlyPrice(instance, deps), spotPrices(instance, deps), instance.lifecycle === 'spot' ? onDemandPrice(instance, deps) : null,
  ])
  const now = deps.clock.now()
  const known = knownPrices({hourly, disks: {usdPerMonth: 0, gib: null}, ...spot})
  const segments = segmentsOf(instance, known, now).map(segment => ({...segment, storage_usd_per_month: 0}))
  const times = attempts?.map(attempt => timesOf(attempt, now)) ?? null
  const hours = times === null ? null : sum(times.map(([from, to]) => Math.max(0, to - from) / 3_600_000))
  const costs = times?.map(([from, to]) => costBetween(segments, new Date(from), new Date(to)).usd) ?? [null]
  const cost = costs.some(usd => usd === null) ? null : sum(costs.map(usd => usd ?? 0))
  const epochs = epochsOf(run)
  return {
    attempts: run.attempt,
    hours,
    lifecycle: instance.lifecycle,
    usd_per_hour: cost === null || !hours ? (hourly?.usdPerHour ?? null) : cost / hours,
    cost_usd: cost,
    saved_usd: cost === null || hours === null || onDemand === null ? null : onDemand * hours - cost,
    redone_s: attempts === null ? null : sum(attempts.slice(0, -1).map((attempt, at) => redone(attempt, attempts[at + 1], now))),
    epochs,
    usd_per_epoch: cost === null || epochs === null ? null : cost / epochs,
  }
}

/** Oldest first; null where one is not on this instance. */
async function attemptsOf(run: RunStatus, {id}: Instance, {agent, signal}: Deps): Promise<readonly RunStatus[] | null> {
  if (run.attempt <= 1 || run.parent_run_id === null) return [run]
  const runs = await orUnknown(() => readRuns(agent(id), RUNS_BACK, signal))
  if (runs === null) return null
  const chain = [run]
  for (let parent: string | null = run.parent_run_id; parent !== null && chain.length < run.attempt; ) {
    const found = runs.find(({run_id}) => run_id === parent)
    if (!found || chain.includes(found)) return null
    chain.unshift(found)
    parent = found.parent_run_id
  }
  return chain
}

const onDemandPrice = async (instance: Instance, {provider, signal}: Deps): Promise<number | null> =>
  (await orUnknown(() => provider.pricing?.onDemandPrice?.(instance, {signal})))?.usdPerHour ?? null

function timesOf(run: RunStatus, now: Date): readonly [from: number, to: number] {
  const from = Date.parse(run.started_at ?? run.created_at)
  return [from, run.ended_at === null ? now.getTime() : Date.parse(run.ended_at)]
}

/** What the next attempt had to do again of this one. */
function redone(attempt: RunStatus, next: RunStatus | undefined, now: Date): number {
  const [from, to] = timesOf(attempt, now)
  const kept = next?.resume_from === null || next === undefined ? null : attempt.last_checkpoint
  return Math.max(0, to - (kept === null ? from : Date.parse(kept.modified_at))) / 1000
}

/** Counted from 1, as far as names and logs tell; null where they tell nothing. */
function epochsOf({last_checkpoint, last_log_line}: RunStatus): number | null {
  const epoch = last_checkpoint?.epoch ?? readLogMark(last_log_line ?? '')?.epoch ?? null
  return epoch !== null && epoch > 0 ? epoch : null
}

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0)
