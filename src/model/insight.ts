export const INSIGHT_KINDS = ['idle', 'no-limit', 'oversized', 'spot-missed', 'stopped-long', 'unattached', 'unsynced'] as const
export type InsightKind = (typeof INSIGHT_KINDS)[number]

/** Something that was measured and could be mended. Also its JSON form. */
export interface Insight {
  readonly kind: InsightKind
  /** Of the instance, or of the disk, snapshot or address. */
  readonly id: string
  readonly name: string | null
  readonly platform: string
  readonly region: string | null
  readonly project: string | null
  readonly owner: string | null
  /** What was measured, and over which time: a sentence. Data from tags may stand in it: escape before display. */
  readonly finding: string
  /** US dollars that a month would cost less; null: unknown, or nothing that can be reckoned by the month. */
  readonly usd_per_month: number | null
  /** US dollars that it would cost to do again what would be gone with the machine; null: unknown, or nothing is at stake. */
  readonly at_risk_usd: number | null
  /** What mends it; null where that is not runctl's to do, because runctl did not make it. */
  readonly command: string | null
}

export interface Saving {
  /** US dollars a month. */
  readonly usd: number
  /** How many things are in it. */
  readonly of: number
}

/** What all together would save: of each thing the most that one finding would, because it can be stopped only once. */
export function savingOf(insights: readonly Insight[]): Saving {
  const most = new Map<string, number>()
  for (const {id, usd_per_month: usd} of insights) if (usd !== null) most.set(id, Math.max(usd, most.get(id) ?? 0))
  return {usd: [...most.values()].reduce((sum, usd) => sum + usd, 0), of: most.size}
}

/** The dearest first; what has no price comes last, what risks most before the rest. */
export const byDollars = (a: Insight, b: Insight): number =>
  (b.usd_per_month ?? -1) - (a.usd_per_month ?? -1) || (b.at_risk_usd ?? -1) - (a.at_risk_usd ?? -1) || a.kind.localeCompare(b.kind) || a.id.localeCompare(b.id)
