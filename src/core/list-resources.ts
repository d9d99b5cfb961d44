import type {CheckpointTag} from '../model/checkpoint.js'
import {TAGS, type Instance, type InstanceState, type InstanceStateReason} from '../model/instance.js'
import {storageInTags} from '../model/cost-of-instance.js'
import {allPrices, costSoFar, instancePrices, type InstancePrices} from './instance-cost.js'
import {stopsAtOf} from '../model/limits.js'
import type {PlatformDeps} from './platform-deps.js'

/** One instance with what it costs; also its JSON form. What else is billed: list-holdings.ts. Money in US dollars, null where unknown. */
export interface ResourceRow {
  readonly kind: 'instance'
  readonly id: string
  readonly name: string | null
  readonly platform: string
  readonly region: string | null
  readonly state: InstanceState
  readonly state_reason: InstanceStateReason | null
  readonly instance_type: string | null
  readonly lifecycle: 'on-demand' | 'spot'
  readonly created_at: string | null
  readonly launched_at: string | null
  /** When it last began to stop; null while it runs, and where the platform does not tell. */
  readonly stopped_at: string | null
  /** While running; what a stopped one's disk costs is not in it. */
  readonly cost_per_hour: number | null
  /** All that it has cost since it was created: machine and disks, every start, at the prices of the time. null where a part of that is unknown. */
  readonly estimated_cost: number | null
  /** The parts of `estimated_cost` that are known. */
  readonly cost_at_least: number
  /** What is not known of its cost, a sentence each. */
  readonly cost_unknown: readonly string[]
  readonly price_source: string | null
  /** What its disks cost a month, running or not. */
  readonly storage_usd_per_month: number | null
  readonly disk_gib: number | null
  readonly project: string | null
  readonly owner: string | null
  readonly run: string | null
  readonly last_checkpoint: {readonly path: string; readonly epoch: number | null; readonly step: number | null; readonly at: string} | null
  /** What the work costs that would be gone with the machine now; null where nothing runs, where it was not asked, and where it is not known. */
  readonly at_risk_usd: number | null
  /** When it stops itself at the latest, by its limits; null where nothing does that, or where it does not run. */
  readonly stops_at: string | null
  /** It bears the tag of what runctl creates: nothing else is ever changed by a clean-up. */
  readonly made_by_runctl: boolean
  /** The instance that a disk or an address is attached to; null for instances and for what is attached to none. */
  readonly attached_to: string | null
  /** Its project's budget was gone over on purpose for it: by whom and when; null: it was not. */
  readonly over_budget: string | null
}

export interface ListResourcesInput {
  /** Empty: all but terminated ones. */
  readonly states: readonly InstanceState[]
}

type Deps = Pick<PlatformDeps, 'clock' | 'provider' | 'signal'>

/** The instances of one platform, oldest first. Asks the platform alone. */
export async function listResources(input: ListResourcesInput, deps: Deps): Promise<readonly ResourceRow[]> {
  return resourceRows(await listInstances(input.states, deps), deps)
}

/** In one look, oldest first. No states: all but terminated ones. */
export async function listInstances(states: readonly InstanceState[], {provider, signal}: Pick<PlatformDeps, 'provider' | 'signal'>): Promise<readonly Instance[]> {
  const wanted: readonly InstanceState[] = states.length > 0 ? states : ['pending', 'running', 'stopping', 'stopped', 'shutting-down']
  const instances: Instance[] = []
  for await (const instance of provider.describeInstances({states: wanted}, {signal})) instances.push(instance)
  return instances.sort((a, b) => (a.createdAt ?? '').localeCompare(b.createdAt ?? '') || a.id.localeCompare(b.id))
}

/** All prices are asked for at once, those of the disks in one question. */
export async function resourceRows(instances: readonly Instance[], deps: Deps): Promise<readonly ResourceRow[]> {
  const prices = await allPrices(instances, deps)
  const now = deps.clock.now()
  return instances.map(instance => rowOf(instance, prices.get(instance.id) ?? {hourly: null, disks: null}, now))
}

/** `known`: its prices, where they were looked up already. */
export async function resourceRow(instance: Instance, deps: Deps, known?: InstancePrices): Promise<ResourceRow> {
  return rowOf(instance, known ?? (await instancePrices(instance, deps)), deps.clock.now())
}

function rowOf(instance: Instance, prices: InstancePrices, now: Date): ResourceRow {
  const {disks, hourly} = prices
  const cost = costSoFar(instance, prices, now)
  const isGone = instance.state === 'terminated'
  return {
    kind: 'instance',
    id: instance.id,
    name: instance.name,
    platform: instance.platform,
    region: instance.region,
    state: instance.state,
    state_reason: instance.stateReason,
    instance_type: instance.instanceType,
    lifecycle: instance.lifecycle,
    created_at: instance.createdAt,
    launched_at: instance.launchedAt,
    stopped_at: instance.stoppedAt ?? null,
    cost_per_hour: hourly?.usdPerHour ?? null,
    estimated_cost: cost.usd,
    cost_at_least: cost.known_usd,
    cost_unknown: cost.unknown,
    price_source: hourly?.source ?? null,
    storage_usd_per_month: isGone ? 0 : (disks?.usdPerMonth ?? storageInTags(instance)),
    disk_gib: isGone ? null : (disks?.gib ?? null),
    project: instance.tags[TAGS.project] ?? null,
    owner: instance.tags[TAGS.owner] ?? null,
    run: instance.tags[TAGS.lastRun] ?? null,
    last_checkpoint: summarize(readCheckpointTag(instance.tags[TAGS.lastCheckpoint])),
    at_risk_usd: null,
    stops_at: instance.state === 'running' || instance.state === 'pending' ? stopsAtOf(instance.tags[TAGS.stopsAt]) : null,
    made_by_runctl: TAGS.createdBy in instance.tags,
    attached_to: null,
    over_budget: instance.tags[TAGS.overBudget] ?? null,
  }
}

/** A tag can be written by anyone: what is not of the expected shape is treated as absent. */
export function readCheckpointTag(value: string | undefined): CheckpointTag | null {
  try {
    const tag = JSON.parse(value ?? 'null') as Partial<CheckpointTag> | null
    if (tag === null || typeof tag.path !== 'string' || typeof tag.at !== 'string' || Number.isNaN(Date.parse(tag.at))) return null
    const number = (field: unknown): number | null => (typeof field === 'number' && Number.isFinite(field) ? field : null)
    const sha = typeof tag.sha === 'string' ? tag.sha : ''
    return {path: tag.path, at: tag.at, epoch: number(tag.epoch), step: number(tag.step), size: number(tag.size) ?? 0, sha}
  } catch {
    return null
  }
}

const summarize = (tag: CheckpointTag | null): ResourceRow['last_checkpoint'] => tag && {path: tag.path, epoch: tag.epoch, step: tag.step, at: tag.at}
