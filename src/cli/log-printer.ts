import {LogText} from '../ui/log-text.js'
import {writeOut} from './write-out.js'

export interface LogPrinter {
  /** Resolves when the reader has taken it. */
  readonly write: (bytes: Uint8Array) => Promise<void>
  readonly end: () => Promise<void>
}

export interface LogPrinterOptions {
  readonly signal: AbortSignal
  /** Under --json, where stdout is one document. */
  readonly silent: boolean
  /** Stands before every line, where logs of several runs come at once. */
  readonly label?: string
}

/** Prints a run's log on stdout as safe text. */
export function logPrinter({label, signal, silent}: LogPrinterOptions): LogPrinter {
  const nothing = (): Promise<void> => Promise.resolve()
  if (silent) return {write: nothing, end: nothing}
  const text = new LogText()
  if (label === undefined) return {write: bytes => writeOut(text.push(bytes), signal), end: () => writeOut(text.end(), signal)}
  // Whole lines alone: an unfinished one would run into that of another run.
  const labelled = (lines: string): string => (lines === '' ? '' : lines.replace(/\n$/, '').split('\n').map(line => `${label}  ${line}\n`).join(''))
  return {write: bytes => writeOut(labelled(text.push(bytes)), signal), end: () => writeOut(labelled(text.end()), signal)}
}
