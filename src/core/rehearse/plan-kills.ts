import type {KillKind} from './kill-kinds.js'
import {seededRandom} from './seeded-random.js'

export interface KillPlanInput {
  readonly seed: number
  readonly count: number
  /** Not empty. */
  readonly kinds: readonly KillKind[]
  /** How long the reference took, from the script's start to its end. */
  readonly durationMs: number
  /** When the reference wrote its last checkpoint, counted from the script's start. */
  readonly lastSaveMs: number
}

export interface PlannedKill {
  readonly kind: KillKind
  /** Where in the reference's course, in milliseconds from the script's start. */
  readonly atMs: number
}

/** At the very begin nothing has happened yet, and at the very end the moment would be missed. */
const FIRST = 0.05
const LAST = 0.9
/** What it may take to hear of a line of the log and to act on it: so long before the end at the latest, where the reference is longer than that. */
const REACTION_MS = 700

/** Every kind equally often, as far as the count allows, at moments spread by chance over the reference's course; in the order in which they come. */
export function planKills({count, durationMs, kinds, lastSaveMs, seed}: KillPlanInput): readonly PlannedKill[] {
  const random = seededRandom(seed)
  const chosen: KillKind[] = []
  while (chosen.length < count) chosen.push(...random.shuffled(kinds).slice(0, count - chosen.length))
  return chosen
    .map(kind => {
      const end = Math.max(durationMs * 0.3, Math.min(durationMs * LAST, durationMs - REACTION_MS))
      // What waits for a checkpoint to be written must begin to wait before the last one.
      const latest = kind === 'write' ? Math.max(0, Math.min(end, lastSaveMs * LAST)) : end
      const first = Math.min(durationMs * FIRST, latest)
      return {kind, atMs: Math.round(first + random.next() * (latest - first))}
    })
    .toSorted((a, b) => a.atMs - b.atMs)
}
