/** What is billed besides instances. */
export const HOLDING_KINDS = ['address', 'snapshot', 'volume'] as const
export type HoldingKind = (typeof HOLDING_KINDS)[number]
