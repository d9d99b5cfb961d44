import {LogText} from '../ui/log-text.js'

export interface LogPrinter {
  readonly write: (bytes: Uint8Array) => void
  readonly end: () => void
}

/** Prints a run's log on stdout as safe text; silent under --json, where stdout is one document. */
export function logPrinter({silent}: {readonly silent: boolean}): LogPrinter {
  if (silent) return {write: () => undefined, end: () => undefined}
  const text = new LogText()
  return {
    write: bytes => void process.stdout.write(text.push(bytes)),
    end: () => void process.stdout.write(text.end()),
  }
}
