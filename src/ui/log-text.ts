import {formatBytes} from './bytes.js'
import {ControlSequence} from './control-sequence.js'
import {escapeControl} from './escape-control.js'

const DEFAULT_MAX_LINE_BYTES = 16 * 1024
// Tabs and C1 are text here (escapeControl makes the latter visible): in one run with what surrounds them.
const PLAIN_RUN = /[^\0-\x08\x0a-\x1f\x7f]+/y

/**
 * Turns log bytes, which may be anything, into text that is safe to print, line by line. How the bytes are cut into chunks
 * changes nothing in the output, and memory is bounded by the longest line that is shown.
 *
 * - what is no UTF-8 becomes U+FFFD, escape sequences go, other control characters become visible
 * - `\r\n` is a line feed; a line rewritten after `\r` (progress bars) shows its last state alone
 * - a line longer than `maxLineBytes` is cut, and says how long it was
 */
export class LogText {
  readonly #maxLineBytes: number
  readonly #decoder = new TextDecoder('utf-8')
  readonly #sequence = new ControlSequence()
  #line = ''
  #lineBytes = 0
  #sourceBytes = 0
  #cut = false
  #returned = false

  constructor(options: {readonly maxLineBytes?: number} = {}) {
    this.#maxLineBytes = options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES
  }

  /** The unfinished last line as it would be shown now: for a terminal that may draw it and take it away again. */
  get pending(): string {
    return this.#shownLine()
  }

  /** The lines that these bytes finished, each with its line feed; empty where they finished none. */
  push(bytes: Uint8Array): string {
    return this.#consume(this.#decoder.decode(bytes, {stream: true}))
  }

  /** What is left: an unfinished last line, without a line feed. */
  end(): string {
    const text = this.#consume(this.#decoder.decode()) + this.#shownLine()
    this.#clearLine()
    return text
  }

  #consume(text: string): string {
    let finished = ''
    let at = 0
    while (at < text.length) {
      if (this.#sequence.active) {
        at = this.#sequence.skip(text, at)
        continue
      }
      PLAIN_RUN.lastIndex = at
      const run = PLAIN_RUN.exec(text)?.[0]
      if (run !== undefined) {
        this.#append(run)
        at += run.length
        continue
      }
      const char = text.charAt(at)
      at += 1
      if (char === '\n') {
        finished += `${this.#shownLine()}\n`
        this.#clearLine()
      } else if (char === '\r') this.#returned = true
      else if (char === '\x1b') this.#sequence.start()
      else this.#append(char)
    }
    return finished
  }

  #append(run: string): void {
    if (this.#returned) this.#clearLine()
    this.#sourceBytes += Buffer.byteLength(run)
    if (this.#cut) return
    const safe = escapeControl(run)
    const bytes = Buffer.byteLength(safe)
    if (this.#lineBytes + bytes <= this.#maxLineBytes) {
      this.#line += safe
      this.#lineBytes += bytes
    } else this.#fill(run)
  }

  // Character by character, so that the place of the cut does not depend on the chunks.
  #fill(run: string): void {
    for (const char of run) {
      const safe = escapeControl(char)
      const bytes = Buffer.byteLength(safe)
      if (this.#lineBytes + bytes > this.#maxLineBytes) break
      this.#line += safe
      this.#lineBytes += bytes
    }
    this.#cut = true
  }

  #shownLine(): string {
    return this.#cut ? `${this.#line}… [line of ${formatBytes(this.#sourceBytes)} cut]` : this.#line
  }

  #clearLine(): void {
    this.#line = ''
    this.#lineBytes = 0
    this.#sourceBytes = 0
    this.#cut = false
    this.#returned = false
  }
}

/** The lines of a text. The last one may lack its line feed; nothing follows the last one that has it. */
export function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
