import {RunctlError} from '../model/errors.js'
import {judgeRetention, type RetentionCandidate, type RetentionPolicy, type RunTrace, type Verdict} from '../model/retention.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'

/** A checkpoint in one place, as a clean-up sees it. */
export interface CleanupCandidate extends RetentionCandidate {
  /** Names it in its place: a path, or a URI. */
  readonly id: string
  readonly size_bytes: number
  readonly sha256: string | null
}

/** The checkpoints of one project on one disk, in a folder here, or below one prefix of a store: each is cleaned up by itself. */
export interface CleanupPlace {
  readonly kind: 'client' | 'instance' | 's3'
  /** The instance id, the host name of this machine, or the bucket. */
  readonly where: string
  /** The folder or prefix; of an instance absolute there. */
  readonly dir: string
  readonly checkpoints: readonly CleanupCandidate[]
  readonly runs: readonly RunTrace[]
  /** What keeping 10^9 bytes there costs a month; 0 where less in it costs no less. null: unknown. */
  readonly price: {readonly usdPerGbMonth: number; readonly source: string} | null
  /** What else is to be said of it: objects of broken uploads. */
  readonly notes: readonly string[]
  /** Removes those whose content is still the one that was listed; asks again just before. */
  remove(chosen: readonly CleanupCandidate[]): Promise<RemovalReport>
}

export interface RemovalReport {
  readonly removed: readonly {readonly id: string; readonly freed_bytes: number}[]
  readonly kept: readonly {readonly id: string; readonly why: string}[]
}

export interface CleanedCheckpoint {
  readonly kind: CleanupPlace['kind']
  readonly where: string
  /** As the place names it: a path, or a URI. */
  readonly path: string
  readonly run_id: string | null
  readonly state: RetentionCandidate['state']
  readonly step: number | null
  readonly epoch: number | null
  readonly modified_at: string
  readonly size_bytes: number
  readonly tags: readonly string[]
  /** `would-remove`: this was a dry run. */
  readonly what: 'kept' | 'removed' | 'would-remove'
  /** Of what is kept, each reason; else empty. */
  readonly why: readonly string[]
}

export interface CleanedPlace {
  readonly kind: CleanupPlace['kind']
  readonly where: string
  readonly dir: string
  readonly removed: number
  readonly removed_bytes: number
  readonly kept: number
  readonly kept_bytes: number
  /** US dollars a month that what is removed (or would be) no longer costs; 0 where the price stays the same. null: unknown. */
  readonly usd_per_month_less: number | null
  readonly price_source: string | null
  readonly notes: readonly string[]
}

/** Also its JSON form. */
export interface CleanupResult {
  readonly dry_run: boolean
  readonly removed: number
  readonly removed_bytes: number
  readonly kept: number
  readonly kept_bytes: number
  /** Of all places; null where one of them is unknown. */
  readonly usd_per_month_less: number | null
  readonly places: readonly CleanedPlace[]
  readonly checkpoints: readonly CleanedCheckpoint[]
}

export interface CleanupInput {
  readonly policy: RetentionPolicy
  readonly dryRun: boolean
  readonly places: readonly CleanupPlace[]
}

/** Judges every place before anything is removed anywhere. Rejects with `bad_input` where the best are to be kept and nobody knows which they are. */
export async function cleanUpCheckpoints({dryRun, places, policy}: CleanupInput, {progress}: Pick<PlatformDeps, 'progress'>): Promise<CleanupResult> {
  const judged = places.map(place => ({place, verdicts: judgeRetention(place.checkpoints, place.runs, policy)}))
  for (const {place, verdicts} of judged) requireMetric(place, verdicts, policy)
  const cleaned: {readonly place: CleanedPlace; readonly checkpoints: readonly CleanedCheckpoint[]}[] = []
  for (const {place, verdicts} of judged) {
    const chosen = verdicts.filter(({reasons}) => reasons.length === 0).map(({checkpoint}) => checkpoint)
    const report = dryRun || chosen.length === 0
      ? null
      : await step(progress, `cleanup ${place.where}`, `Remove ${chosen.length} of ${verdicts.length} checkpoints in ${place.dir}`, () => place.remove(chosen), ({kept, removed}) => `${removed.length} removed${kept.length > 0 ? `, ${kept.length} kept after all` : ''}`)
    cleaned.push(describe(place, verdicts, report))
  }
  const all = cleaned.map(one => one.place)
  const less = all.map(place => place.usd_per_month_less)
  return {
    dry_run: dryRun,
    removed: sum(all, place => place.removed),
    removed_bytes: sum(all, place => place.removed_bytes),
    kept: sum(all, place => place.kept),
    kept_bytes: sum(all, place => place.kept_bytes),
    usd_per_month_less: less.some(usd => usd === null) ? null : sum(less, usd => usd ?? 0),
    places: all,
    checkpoints: cleaned.flatMap(one => one.checkpoints),
  }
}

/** To remove all because a name was misspelt would be a clean-up that nobody asked for. */
function requireMetric({checkpoints, dir}: CleanupPlace, verdicts: readonly Verdict<CleanupCandidate>[], {keepBest, metric}: RetentionPolicy): void {
  if (keepBest === null || metric === null || verdicts.every(({reasons}) => reasons.length > 0)) return
  const known = [...new Set(checkpoints.flatMap(({metrics}) => Object.keys(metrics)))].sort()
  if (known.includes(metric.name)) return
  throw new RunctlError('bad_input', `no checkpoint in ${dir} tells ${JSON.stringify(metric.name)}, so none can be kept for being the best by it; nothing was removed`, {
    next: known.length > 0 ? [`--metric ${known.slice(0, 5).join(', or --metric ')}`] : ['use --keep-last or --keep-every: these checkpoints tell no metrics'],
    details: {metric: metric.name, known},
  })
}

function describe(place: CleanupPlace, verdicts: readonly Verdict<CleanupCandidate>[], report: RemovalReport | null): {readonly place: CleanedPlace; readonly checkpoints: readonly CleanedCheckpoint[]} {
  const {dir, kind, notes, price, where} = place
  const removed = new Map(report?.removed.map(one => [one.id, one.freed_bytes]))
  const keptAfterAll = new Map(report?.kept.map(one => [one.id, one.why]))
  const checkpoints = verdicts.map(({checkpoint, reasons}): CleanedCheckpoint => {
    const {epoch, id, modified_at, run_id, size_bytes, state, step: steps, tags} = checkpoint
    const kept = reasons.length > 0 ? reasons : report === null || removed.has(id) ? [] : [keptAfterAll.get(id) ?? 'it was not removed']
    return {
      kind, where, path: id, run_id, state, step: steps, epoch, modified_at, size_bytes, tags,
      what: kept.length > 0 ? 'kept' : report === null ? 'would-remove' : 'removed', why: kept,
    }
  })
  const gone = checkpoints.filter(({what}) => what !== 'kept')
  const held = checkpoints.filter(({what}) => what === 'kept')
  const removed_bytes = sum(gone, ({path, size_bytes}) => removed.get(path) ?? size_bytes)
  return {
    checkpoints,
    place: {
      kind, where, dir, removed: gone.length, removed_bytes, kept: held.length, kept_bytes: sum(held, ({size_bytes}) => size_bytes),
      usd_per_month_less: price === null ? null : (price.usdPerGbMonth * removed_bytes) / 1e9, price_source: price?.source ?? null, notes,
    },
  }
}

const sum = <T>(items: readonly T[], figure: (item: T) => number): number => items.reduce((total, item) => total + figure(item), 0)
