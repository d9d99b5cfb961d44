/** One listing out of all places where a checkpoint may be. */
import type {RunStatus} from '../agent/protocol.js'
import type {Checkpoint, CheckpointPlace} from '../model/checkpoint.js'
import {isRunctlError} from '../model/errors.js'
import type {WorkAtRisk} from '../model/work-at-risk.js'
import type {CheckpointListing} from './list-checkpoints.js'
import {mapConcurrently} from './sync/map-concurrently.js'
import {byAge, listStoredRun, type StoreDeps, type StoredListing} from './stored-checkpoints.js'

export interface PlacedListing {
  /** Oldest first. */
  readonly checkpoints: readonly Checkpoint[]
  readonly latest_good: Checkpoint | null
  readonly latest_good_skipped: CheckpointListing['latest_good_skipped']
  /** What the listing cannot know, a sentence each. */
  readonly notes: readonly string[]
  readonly warnings: readonly string[]
  /** Of the active run that these checkpoints are of; null where there is none. */
  readonly at_risk: WorkAtRisk | null
  /** Good ones of a run with an output that are not in the store yet; null where there are none. */
  readonly waiting: {readonly count: number; readonly size_bytes: number; readonly since: string | null} | null
}

/** The places of one and the same checkpoint together: same run, path and content. What only one side has stays as it is. */
export function mergeCheckpoints(...lists: readonly (readonly Checkpoint[])[]): readonly Checkpoint[] {
  const merged = new Map<string, Checkpoint>()
  for (const one of lists.flat()) {
    // Without a digest there is no knowing whether it is the same.
    const key = one.sha256 === null ? JSON.stringify([one.run_id, one.path, one.places]) : JSON.stringify([one.run_id, one.path, one.sha256])
    const before = merged.get(key)
    merged.set(key, before ? {...before, tags: [...new Set([...before.tags, ...one.tags])].sort(), places: mergePlaces(before.places, one.places)} : one)
  }
  return [...merged.values()].sort(byAge)
}

function mergePlaces(...lists: readonly (readonly CheckpointPlace[])[]): readonly CheckpointPlace[] {
  const places = new Map<string, CheckpointPlace>()
  for (const place of lists.flat()) {
    const key = JSON.stringify([place.kind, place.where, place.path])
    const before = places.get(key)
    // The later proof counts.
    if (!before || (place.verified_at ?? '') > (before.verified_at ?? '')) places.set(key, place)
  }
  return [...places.values()]
}

/** The newest that is complete; only where none is, the newest of a format that cannot be judged. */
export function latestGood(checkpoints: readonly Checkpoint[]): Checkpoint | null {
  return checkpoints.findLast(({state}) => state === 'complete') ?? checkpoints.findLast(({sha256, state}) => state === 'unverified' && sha256 !== null) ?? null
}

/** What of these runs with an output is not in the store, though it is whole. */
export function waitingFor(checkpoints: readonly Checkpoint[], runs: readonly RunStatus[]): PlacedListing['waiting'] {
  const uploading = new Map(runs.filter(({output_uri}) => output_uri !== null).map(run => [run.run_id, run]))
  const waiting = checkpoints.filter(({places, run_id, state}) =>
    uploading.has(run_id ?? '') && (state === 'complete' || state === 'unverified') && !places.some(({kind, verified_at}) => kind === 's3' && verified_at !== null))
  if (waiting.length === 0) return null
  const told = [...uploading.values()].flatMap(({upload}) => upload?.behind_since ?? []).sort()
  return {count: waiting.length, size_bytes: waiting.reduce((sum, one) => sum + one.size_bytes, 0), since: told[0] ?? waiting[0]?.modified_at ?? null}
}

/** So many runs are looked up in the store at most, the newest ones. */
export const MOST_STORED_RUNS = 50

/** What lies below these runs' prefixes. A store that cannot be read leaves the listing without it: that is a warning. */
export async function storedOfRuns(prefixes: readonly string[], deps: StoreDeps): Promise<StoredListing> {
  try {
    const listings = await mapConcurrently([...new Set(prefixes)].slice(0, MOST_STORED_RUNS), 8, prefix => listStoredRun(prefix, deps))
    const of = <K extends keyof StoredListing>(key: K) => listings.flatMap(listing => listing[key] as readonly unknown[]) as unknown as StoredListing[K]
    return {checkpoints: of('checkpoints'), stored: of('stored'), warnings: of('warnings')}
  } catch (error) {
    if (!isRunctlError(error)) throw error
    return {checkpoints: [], stored: [], warnings: [`what is in the store is not in this list: ${error.message}`]}
  }
}
