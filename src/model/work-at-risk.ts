import {timeWords} from './amount-words.js'
import type {Checkpoint} from './checkpoint.js'
import type {RunState} from './run.js'

/** What of a run's work would be gone if its machine went away now. Also its JSON form. */
export interface WorkAtRisk {
  readonly run_id: string
  /** From here on the work would have to be done again: the last checkpoint that counts, or the start of the script. ISO 8601. */
  readonly since: string
  readonly seconds: number
  /** What the machine costs for so long, in US dollars; null where its price is unknown. */
  readonly usd: number | null
  /** The last one that counts; null before the first. */
  readonly checkpoint: {readonly path: string; readonly step: number | null; readonly epoch: number | null; readonly at: string} | null
  /** The run has an output: what is in the store counts, because that is what a lost machine leaves. Else what is on the disk. */
  readonly in_store: boolean
}

/** The part of a run's status that this is reckoned from. */
export interface RunAtWork {
  readonly run_id: string
  readonly state: RunState
  readonly started_at: string | null
  readonly output_uri: string | null
  readonly last_checkpoint: Checkpoint | null
  readonly last_stored_checkpoint: Checkpoint | null
}

/** null where nothing is at risk: the run has ended, or its script has not begun. */
export function workAtRisk(run: RunAtWork, usdPerHour: number | null, now: Date): WorkAtRisk | null {
  if (run.state === 'stopped' || run.started_at === null) return null
  const in_store = run.output_uri !== null
  const last = in_store ? run.last_stored_checkpoint : run.last_checkpoint
  const started = Date.parse(run.started_at)
  const saved = last === null ? Number.NaN : Date.parse(last.modified_at)
  // A file that is older than the run holds none of its work.
  const since = Number.isNaN(saved) ? started : Number.isNaN(started) ? saved : Math.max(saved, started)
  if (Number.isNaN(since)) return null
  const seconds = Math.max(0, (now.getTime() - since) / 1000)
  return {
    run_id: run.run_id,
    since: new Date(since).toISOString(),
    seconds: Math.round(seconds),
    usd: usdPerHour === null ? null : (usdPerHour * seconds) / 3600,
    checkpoint: last && {path: last.path, step: last.step, epoch: last.epoch, at: last.modified_at},
    in_store,
  }
}

/** Of a machine: its hour is paid once, however many runs share it, so the longest time counts. */
export function machineAtRisk(runs: readonly RunAtWork[], usdPerHour: number | null, now: Date): WorkAtRisk | null {
  const all = runs.flatMap(run => workAtRisk(run, usdPerHour, now) ?? [])
  return all.reduce<WorkAtRisk | null>((most, one) => (most === null || one.seconds > most.seconds ? one : most), null)
}

/** `last verified checkpoint 12 min ago (step 4,200): $2.61 of work at risk` */
export function atRiskWords({checkpoint, in_store, seconds, usd}: WorkAtRisk): string {
  // What costs nothing is still work.
  const work = usd === null || usd === 0 ? timeWords(seconds) : dollars(usd)
  const priced = usd === null ? ' (price unknown)' : ''
  if (checkpoint === null) return `no verified checkpoint ${in_store ? 'in the store ' : ''}yet: ${work} of work since the start at risk${priced}`
  const facts = [
    checkpoint.step === null ? (checkpoint.epoch === null ? [] : [`epoch ${checkpoint.epoch}`]) : [`step ${checkpoint.step.toLocaleString('en-US')}`],
    in_store ? ['in the store'] : [],
  ].flat()
  return `last verified checkpoint ${timeWords(seconds)} ago${facts.length === 0 ? '' : ` (${facts.join(', ')})`}: ${work} of work at risk${priced}`
}

const dollars = (usd: number): string => (usd < 0.005 ? '<$0.01' : `$${usd.toFixed(2)}`)
