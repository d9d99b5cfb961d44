import {sizeWords, timeWords} from './amount-words.js'

/** EC2 gives a spot instance two minutes between the notice and the end. */
export const SPOT_NOTICE_S = 120

/** Whether a save, upload included, is over before the machine is. Also its JSON form; null is what is not known. */
export interface SaveFit {
  /** The save on request as it was measured last, and the last checkpoint at the speed that uploads had. */
  readonly needed_s: number | null
  readonly window_s: number
  /** What ends the machine after so long. */
  readonly window: 'spot-notice' | 'stop-grace'
  readonly fits: boolean | null
  /** Of checkpoints, where the machine may be taken away: by Young and Daly, the square root of 2 · needed · mean time between interruptions. */
  readonly advised_interval_s: number | null
  readonly size_bytes: number | null
  readonly bytes_per_s: number | null
}

export interface SaveFacts {
  readonly interruptible: boolean
  /** Of the last checkpoint; null before the first. */
  readonly sizeBytes: number | null
  /** The checkpoint must be in a store to outlive the machine. */
  readonly uploads: boolean
  readonly bytesPerS: number | null
  readonly saveTookS: number | null
  readonly graceS: number
  readonly meanTimeToInterruptionS: number
}

export function saveFit(facts: SaveFacts): SaveFit {
  const {bytesPerS, graceS, interruptible, meanTimeToInterruptionS, saveTookS, sizeBytes} = facts
  const upload = facts.uploads ? (sizeBytes === null || bytesPerS === null || bytesPerS <= 0 ? null : sizeBytes / bytesPerS) : 0
  // Without an upload, what was never measured is not known.
  const needed = upload === null || (!facts.uploads && saveTookS === null) ? null : upload + (saveTookS ?? 0)
  const window_s = interruptible ? SPOT_NOTICE_S : graceS
  return {
    needed_s: needed,
    window_s,
    window: interruptible ? 'spot-notice' : 'stop-grace',
    fits: needed === null ? null : needed <= window_s,
    advised_interval_s: needed === null || !interruptible ? null : Math.round(Math.sqrt(2 * needed * meanTimeToInterruptionS)),
    size_bytes: facts.uploads ? sizeBytes : null,
    bytes_per_s: facts.uploads ? bytesPerS : null,
  }
}

/** null where nothing is known. */
export function saveFitWords(fit: SaveFit): string | null {
  if (fit.needed_s === null) return null
  const how = fit.size_bytes === null || fit.bytes_per_s === null ? '' : ` (${sizeWords(fit.size_bytes)} at ${sizeWords(fit.bytes_per_s)}/s)`
  const window = fit.window === 'spot-notice' ? `a spot notice gives ${fit.window_s} s` : `a stop gives ${fit.window_s} s (stop.grace)`
  const needed = `a save needs ${Math.ceil(fit.needed_s)} s${how} and ${window}`
  if (fit.fits === true) return `${needed}: it fits`
  const remedy = fit.advised_interval_s === null
    ? 'give more (stop --grace), or make checkpoints smaller'
    : `save every ${timeWords(fit.advised_interval_s)} (Young/Daly), so that little is lost, or make checkpoints smaller`
  return `${needed}: the last one would be lost; ${remedy}`
}
