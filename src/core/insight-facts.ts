import type {ProcessesAnswer, RunStatus} from '../agent/protocol.js'
import {TAGS, type Instance} from '../model/instance.js'
import {hasLimits} from '../model/limits.js'
import type {DiskPrice, HourlyPrice} from '../providers/provider.js'
import {answersInTime} from './ask-in-time.js'
import {hourlyPrice} from './instance-cost.js'
import {orUnknown} from './or-unknown.js'
import type {PlatformDeps} from './platform-deps.js'

/** What was measured of one instance; null for what nobody could tell. */
export interface InsightFacts {
  readonly instance: Instance
  readonly now: Date
  readonly price: HourlyPrice | null
  readonly disk: DiskPrice | null
  readonly runs: readonly RunStatus[] | null
  /** It keeps limits by itself, of whatever kind. */
  readonly isLimited: boolean | null
  /** Machines of its platform can. */
  readonly canLimit: boolean
  /** Looks at its processors, oldest first. Empty where it did not answer. */
  readonly looks: readonly ProcessesAnswer[]
  /** What it costs on demand, and what it would have cost as a spot machine in the time that was looked at. */
  readonly spot: SpotFacts | null
}

export interface SpotFacts {
  readonly onDemandUsd: number
  /** Of the hours of the time that was looked at, the mean; and the most. */
  readonly meanUsd: number
  readonly mostUsd: number
  readonly days: number
}

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>

const SPOT_DAYS = 7
const DAY_MS = 86_400_000
/** Between two looks at what is busy: a moment says little. */
const BETWEEN_LOOKS_MS = 2000

/** All instances are asked beside each other, and what does not answer in time stays unknown. */
export async function gatherFacts(instances: readonly Instance[], now: Date, deps: Deps): Promise<readonly InsightFacts[]> {
  const running = instances.filter(({state, tags}) => state === 'running' && TAGS.createdBy in tags)
  const [prices, disks, answers] = await Promise.all([
    Promise.all(instances.map(async instance => [instance.id, await hourlyPrice(instance, deps)] as const)).then(pairs => new Map(pairs)),
    diskPrices(instances.filter(({state}) => state === 'stopped'), deps),
    ask(running, deps),
  ])
  return Promise.all(instances.map(async instance => {
    const answer = answers.get(instance.id)
    const runs = answer?.runs ?? null
    return {
      instance, now, runs,
      price: prices.get(instance.id) ?? null,
      disk: disks.get(instance.id) ?? null,
      isLimited: answer?.isLimited ?? null,
      canLimit: deps.provider.selfStop !== undefined,
      looks: answer?.looks ?? [],
      spot: runs?.some(({state}) => state === 'running') && instance.lifecycle === 'on-demand' ? await spotPrices(instance, now, deps) : null,
    }
  }))
}

interface Answer {
  readonly runs: readonly RunStatus[]
  readonly isLimited: boolean
  readonly looks: readonly ProcessesAnswer[]
}

async function ask(instances: readonly Instance[], deps: Deps): Promise<ReadonlyMap<string, Answer>> {
  const look = ({id}: Instance, signal: AbortSignal): Promise<ProcessesAnswer> => deps.agent(id).call('processes', {}, {signal})
  const [told, first] = await Promise.all([
    answersInTime(instances, async ({id}, signal) => {
      const agent = deps.agent(id)
      return agent.call('status', {all: true, limit: 20, max_bytes: agent.maxOutputBytes}, {signal})
    }, deps),
    answersInTime(instances, look, deps),
  ])
  // Only what looks unused is looked at again.
  const unused = instances.filter(({id}) => told.get(id)?.runs.some(({state}) => state === 'running') === true && first.has(id))
  if (unused.length > 0) await deps.clock.sleep(BETWEEN_LOOKS_MS, deps.signal)
  const second = await answersInTime(unused, look, deps)
  return new Map(instances.flatMap(({id}) => {
    const answer = told.get(id)
    if (answer === undefined) return []
    return [[id, {
      runs: answer.runs,
      isLimited: answer.guard ? hasLimits(answer.guard) : false,
      looks: [first, second].flatMap(looks => looks.get(id) ?? []),
    }] as const]
  }))
}

async function diskPrices(instances: readonly Instance[], {provider: {pricing}, signal}: Deps): Promise<ReadonlyMap<string, DiskPrice>> {
  if (pricing?.diskPrices === undefined || instances.length === 0) return new Map()
  return (await orUnknown(() => pricing.diskPrices?.(instances.map(({id}) => id), {signal}))) ?? new Map()
}

/** Only where the platform tells how spot prices went. */
async function spotPrices(instance: Instance, now: Date, {provider: {pricing}, signal}: Deps): Promise<SpotFacts | null> {
  if (pricing?.priceHistory === undefined || pricing.onDemandPrice === undefined) return null
  const from = new Date(now.getTime() - SPOT_DAYS * DAY_MS)
  const [onDemand, history] = await Promise.all([
    orUnknown(() => pricing.onDemandPrice?.(instance, {signal})),
    orUnknown(() => pricing.priceHistory?.({...instance, lifecycle: 'spot'}, from, now, {signal})),
  ])
  const [first] = history ?? []
  if (onDemand === null || history === null || first === undefined) return null
  const times = [...history.map(one => Math.max(Date.parse(one.from), from.getTime())), now.getTime()]
  const [begin = 0, end = 0] = [times[0], times.at(-1)]
  if (!(end > begin)) return null
  const sum = history.reduce((total, {usdPerHour}, at) => total + usdPerHour * Math.max(0, (times[at + 1] ?? end) - (times[at] ?? end)), 0)
  return {onDemandUsd: onDemand.usdPerHour, meanUsd: sum / (end - begin), mostUsd: Math.max(...history.map(one => one.usdPerHour)), days: Math.round((end - begin) / DAY_MS)}
}
