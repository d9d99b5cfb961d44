/**
 * Steps and epochs as training scripts log them. The agent reads them by the same rules (log_steps.py); test/support/log-steps.json holds both
 * to it. A word like `step` counts only on its own and before a whole number, so that file names and settings are no progress.
 */
export interface LogMark {
  readonly step: number | null
  readonly epoch: number | null
}

/** `step 120`, `step=120`, `"step": 120`, `step [7/1000]`; at most 15 digits, and no fraction. */
const after = (word: string): RegExp => new RegExp(String.raw`(?<![\w-])${word}["']?\s*[:=#]?\s*\[?\s*(\d{1,15})(?![\d]|\.\d)`, 'i')
const GLOBAL_STEP = after('global[_ ]?step')
const STEP = after('step')
const EPOCH = after('epoch')
/** A bar of tqdm: `120/1000 [00:12<01:28, 9.99it/s]`. */
const BAR = /(?<![\w.])(\d{1,15})\/\d+ \[\d+:\d\d/

/** What a line of a log says of how far the training is; null where it says nothing. */
export function readLogMark(line: string): LogMark | null {
  const step = numberIn(GLOBAL_STEP, line) ?? numberIn(STEP, line) ?? numberIn(BAR, line)
  const epoch = numberIn(EPOCH, line)
  return step === null && epoch === null ? null : {step, epoch}
}

function numberIn(shape: RegExp, line: string): number | null {
  const found = shape.exec(line)?.[1]
  return found === undefined ? null : Number(found)
}
