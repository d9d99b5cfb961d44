import {LogText} from '../ui/log-text.js'
import {writeOut} from './write-out.js'

export interface LogPrinter {
  /** Resolves when the reader has taken it. */
  readonly write: (bytes: Uint8Array) => Promise<void>
  readonly end: () => Promise<void>
}

/** Prints a run's log on stdout as safe text; silent under --json, where stdout is one document. */
export function logPrinter({signal, silent}: {readonly signal: AbortSignal; readonly silent: boolean}): LogPrinter {
  const nothing = (): Promise<void> => Promise.resolve()
  if (silent) return {write: nothing, end: nothing}
  const text = new LogText()
  return {write: bytes => writeOut(text.push(bytes), signal), end: () => writeOut(text.end(), signal)}
}
