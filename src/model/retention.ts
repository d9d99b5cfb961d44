/** Which checkpoints a clean-up keeps, and why: a pure decision over those of one project in one place. */
import type {CheckpointState} from './checkpoint.js'

export interface RetentionPolicy {
  /** The newest so many complete ones; null: not asked for. */
  readonly keepLast: number | null
  /** The best so many by `metric`; null: not asked for. */
  readonly keepBest: number | null
  readonly metric: MetricChoice | null
  /** Those whose step (else epoch) is a multiple of it: the same ones however often it is asked. null: not asked for. */
  readonly keepEvery: number | null
}

export interface MetricChoice {
  readonly name: string
  /** Which end of it is the better one. */
  readonly mode: 'max' | 'min'
}

/** What the decision looks at. */
export interface RetentionCandidate {
  readonly path: string
  readonly state: CheckpointState
  readonly step: number | null
  readonly epoch: number | null
  readonly metrics: Readonly<Record<string, number>>
  readonly modified_at: string
  readonly run_id: string | null
  readonly tags: readonly string[]
  /** A verified copy elsewhere is counted on: neither a tag nor a run that resumed from it holds this one. */
  readonly spare: boolean
}

/** What of a run matters here. */
export interface RunTrace {
  readonly run_id: string
  /** It may still write. */
  readonly active: boolean
  /** Path of the checkpoint that it resumed from, and the run that wrote that; null where it began anew or nobody knows. */
  readonly resume_from: string | null
  readonly parent_run_id: string | null
}

export interface Verdict<C> {
  readonly checkpoint: C
  /** Every reason to keep it: `newest complete`, `tagged gold`. Empty: it may go. */
  readonly reasons: readonly string[]
}

/**
 * In the order given. Kept whatever the policy says: the newest complete one, all that is not complete, what is tagged, what a run resumed
 * from, and what an active run may write again.
 */
export function judgeRetention<C extends RetentionCandidate>(checkpoints: readonly C[], runs: readonly RunTrace[], policy: RetentionPolicy): readonly Verdict<C>[] {
  const newestFirst = checkpoints.filter(({state}) => state === 'complete').toSorted(byNewest)
  const last = new Set(newestFirst.slice(0, policy.keepLast ?? 0))
  const best = new Set(bestFirst(newestFirst, policy.metric).slice(0, policy.keepBest ?? 0))
  return checkpoints.map(checkpoint => ({
    checkpoint,
    reasons: checkpoint.state === 'complete'
      ? [
          ...(checkpoint === newestFirst[0] ? ['newest complete'] : []),
          ...(last.has(checkpoint) ? [`among the last ${policy.keepLast ?? 0}`] : []),
          ...(best.has(checkpoint) ? [`among the best ${policy.keepBest ?? 0} by ${policy.metric?.name ?? ''}`] : []),
          ...everyReason(checkpoint, policy.keepEvery),
          ...(checkpoint.spare ? [] : checkpoint.tags.map(tag => `tagged ${tag}`)),
          ...runs.flatMap(run => runReason(checkpoint, run)),
        ]
      : [`${checkpoint.state}: only complete ones are removed`],
  }))
}

/** `eval_loss`, `eval_loss:max`. What is not said is taken from the name: the higher the better for accuracies, scores and their like. */
export function parseMetric(text: string): MetricChoice {
  const [, name = text, mode] = /^(.+):(min|max)$/.exec(text) ?? []
  if (mode === 'min' || mode === 'max') return {name, mode}
  return {name, mode: /acc|auc|f1|bleu|map|score|precision|recall/i.test(name) ? 'max' : 'min'}
}

const byNewest = (a: RetentionCandidate, b: RetentionCandidate): number => Date.parse(b.modified_at) - Date.parse(a.modified_at) || Number(a.path < b.path) - Number(a.path > b.path)

/** Of equal ones the newer comes first: sorting is stable. */
function bestFirst<C extends RetentionCandidate>(newestFirst: readonly C[], metric: MetricChoice | null): readonly C[] {
  if (metric === null) return []
  const value = ({metrics}: C): number => (Object.hasOwn(metrics, metric.name) ? (metrics[metric.name] ?? NaN) : NaN)
  const sign = metric.mode === 'min' ? 1 : -1
  return newestFirst.filter(one => Number.isFinite(value(one))).toSorted((a, b) => sign * (value(a) - value(b)))
}

function everyReason({epoch, step}: RetentionCandidate, every: number | null): readonly string[] {
  const counted = step ?? epoch
  if (every === null || counted === null || counted % every !== 0) return []
  return [`${step === null ? 'epoch' : 'step'} ${counted} is a multiple of ${every}`]
}

function runReason(checkpoint: RetentionCandidate, run: RunTrace): readonly string[] {
  const reasons: string[] = []
  if (isParent(checkpoint, run) && (run.active || !checkpoint.spare)) reasons.push(`${run.run_id} resumed from it`)
  // A name with a number is written once; `best.pt` may be written again at any moment.
  if (run.active && run.run_id === checkpoint.run_id && !/\d/.test(checkpoint.path.split('/').at(-1) ?? '')) reasons.push(`${run.run_id} may write it again`)
  return reasons
}

/** The same path and, where both runs are known, of the run that it names. A copy that was fetched elsewhere has the same name at its end. */
function isParent({path, run_id}: RetentionCandidate, {parent_run_id, resume_from}: RunTrace): boolean {
  if (resume_from === null) return false
  const fits = run_id === null || parent_run_id === null || run_id === parent_run_id
  return fits && (resume_from === path || (run_id !== null && run_id === parent_run_id && resume_from.endsWith(`/${path.split('/').at(-1) ?? path}`)))
}
