import {TAGS} from '../model/instance.js'
import type {Holding, HoldingKind} from '../providers/provider.js'
import {inPages} from './in-order.js'
import type {ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'

/** Something besides an instance that is billed; also its JSON form. It has the fields of an instance, null where they say nothing of it. */
export interface HoldingRow extends Omit<ResourceRow, 'kind' | 'lifecycle' | 'state'> {
  readonly kind: HoldingKind
  /** The platform's own word: `available`, `in-use`, `completed`, `associated`. */
  readonly state: string
  readonly lifecycle: null
  /** The platform's own word: `gp3`. */
  readonly holding_type: string | null
  /** It goes when the instance does that it is attached to. */
  readonly goes_with_instance: boolean
}

export type ListedRow = HoldingRow | ResourceRow

export const isInstanceRow = (row: ListedRow): row is ResourceRow => row.kind === 'instance'

export interface ListHoldingsInput {
  readonly kinds: readonly HoldingKind[]
  /** Every one must match exactly. */
  readonly tags: Readonly<Record<string, string>>
  readonly pageSize: number
}

/** Page by page, as the platform lists them. None where the platform has no such things. */
export async function* listHoldings(input: ListHoldingsInput, deps: Pick<PlatformDeps, 'provider' | 'signal'>): AsyncGenerator<readonly HoldingRow[], void, undefined> {
  const {provider, signal} = deps
  if (!provider.holdings || input.kinds.length === 0) return
  const wanted = Object.entries(input.tags)
  const fitting = async function* (all: AsyncIterable<Holding>): AsyncIterable<HoldingRow> {
    for await (const holding of all) if (wanted.every(([key, value]) => holding.tags[key] === value)) yield holdingRow(holding, provider.name)
  }
  yield* inPages(fitting(provider.holdings.list(input.kinds, {signal})), input.pageSize)
}

export function holdingRow(holding: Holding, platform: string): HoldingRow {
  return {
    kind: holding.kind,
    id: holding.id,
    name: holding.name,
    platform,
    region: holding.region,
    state: holding.state,
    state_reason: null,
    instance_type: null,
    lifecycle: null,
    created_at: holding.createdAt,
    launched_at: null,
    stopped_at: null,
    cost_per_hour: null,
    estimated_cost: null,
    cost_at_least: 0,
    cost_unknown: ['what it has cost so far is not recorded, only what it costs a month now'],
    price_source: holding.priceSource,
    storage_usd_per_month: holding.usdPerMonth,
    disk_gib: holding.sizeGib,
    project: holding.tags[TAGS.project] ?? null,
    owner: holding.tags[TAGS.owner] ?? null,
    run: null,
    last_checkpoint: null,
    at_risk_usd: null,
    stops_at: null,
    made_by_runctl: TAGS.createdBy in holding.tags,
    attached_to: holding.attachedTo,
    over_budget: null,
    holding_type: holding.type,
    goes_with_instance: holding.goesWithInstance,
  }
}
