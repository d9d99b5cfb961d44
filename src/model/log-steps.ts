/**
 * Steps and epochs as training scripts log them. The agent reads them by the same rules (log_steps.py says them in words); the cases in
 * test/support/log-steps.json hold both to it.
 */
export interface LogMark {
  readonly step: number | null
  readonly epoch: number | null
}

/** What makes a number another figure than where the training is. */
const NOT_THIS = /(?:\b|_)(?:max|min|total|num|number of|of|per|every|each|warm-?up|save|saving|eval|log|logging|best|last|previous|prev|until)[\s_:-]*$/i
/** `step 120`, `step=120`, `"step": 1,200`, `step [120/1000]`. */
const counted = (words: string, fraction = ''): RegExp => new RegExp(
  String.raw`(?<![A-Za-z0-9_.-])(?:${words})["']?\s*[:=#]?\s*[\[(]?\s*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})${fraction}(?![0-9]|[.,][0-9]|[A-Za-z%_])(?:\s*(?:/|of)\s*([0-9]{1,12}))?`, 'gi',
)
const GLOBAL_STEP = counted('global[_ ]?step')
const STEP = counted('step|iteration|iter')
const EPOCH = counted('epoch', String.raw`(?:\.[0-9]+)?`)
/** A bar of tqdm or Keras, with nothing before it but its percents: `120/1000 [`. */
const BAR = /^\s*(?:(?:train|training|step|steps)\s*:?\s*)?(?:[0-9]{1,3}%\|[^|]*\|\s*)?([0-9]{1,12})\/[0-9]{1,12}\s*\[/i
/** Longer lines are data, not words. */
const MOST_CHARACTERS = 2000

/** What a line of a log says of how far the training is; null where it says nothing. */
export function readLogMark(whole: string): LogMark | null {
  const line = whole.slice(0, MOST_CHARACTERS)
  const epoch = find(EPOCH, line)?.value ?? null
  const step = stepIn(line, epoch)
  return step === null && epoch === null ? null : {step, epoch}
}

function stepIn(line: string, epoch: number | null): number | null {
  const found = find(GLOBAL_STEP, line)
  if (found) return found.value
  const step = find(STEP, line)
  // `step 10/120` beside an epoch counts within that epoch, and so does a bar.
  if (step) return step.hasTotal && epoch !== null ? null : step.value
  const bar = epoch === null ? BAR.exec(line)?.[1] : undefined
  return bar === undefined ? null : Number(bar)
}

function find(shape: RegExp, line: string): {readonly value: number; readonly hasTotal: boolean} | null {
  for (const {1: digits = '', 2: total, index} of line.matchAll(shape)) {
    if (!NOT_THIS.test(line.slice(0, index))) return {value: Number(digits.replaceAll(',', '')), hasTotal: total !== undefined}
  }
  return null
}
