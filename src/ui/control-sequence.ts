// A sequence longer than this is none: a log that was cut in the middle of one must not swallow what follows.
const MAX_LENGTH = 4096

type State = 'control' | 'escape' | 'escape-intermediate' | 'none' | 'string' | 'string-escape'

/** Recognises escape sequences (ECMA-48: CSI, OSC, DCS, SOS, PM, APC and the short ones) in text that comes in pieces. */
export class ControlSequence {
  #state: State = 'none'
  #length = 0

  get active(): boolean {
    return this.#state !== 'none'
  }

  /** After an ESC. */
  start(): void {
    this.#state = 'escape'
    this.#length = 0
  }

  /** Consumes the sequence's characters from `at` on; answers with the first index that is not of it, or the text's end. */
  skip(text: string, at: number): number {
    let index = at
    while (this.active && index < text.length) {
      if (!this.#accept(text.charCodeAt(index))) {
        this.#state = 'none'
        return index
      }
      index += 1
    }
    return index
  }

  /** Takes one character; false where it does not belong to the sequence, which then is over. */
  #accept(code: number): boolean {
    this.#length += 1
    if (this.#length > MAX_LENGTH) return false
    switch (this.#state) {
      case 'escape':
        return this.#acceptFirst(code)
      case 'escape-intermediate':
        if (isBetween(code, 0x20, 0x2f)) return true
        return this.#endIf(isBetween(code, 0x30, 0x7e))
      case 'control':
        if (isBetween(code, 0x20, 0x3f)) return true
        return this.#endIf(isBetween(code, 0x40, 0x7e))
      case 'string':
        return this.#acceptInString(code)
      case 'string-escape':
        // ESC \ ends a string; any other sequence ends it too and begins here.
        if (code === 0x5c) return this.#endIf(true)
        this.start()
        return this.#acceptFirst(code)
      case 'none':
        return false
    }
  }

  #acceptFirst(code: number): boolean {
    if (code === 0x5b) this.#state = 'control'
    else if (code === 0x5d || code === 0x50 || code === 0x58 || code === 0x5e || code === 0x5f) this.#state = 'string'
    else if (isBetween(code, 0x20, 0x2f)) this.#state = 'escape-intermediate'
    else if (code === 0x1b) this.start()
    else return this.#endIf(isBetween(code, 0x30, 0x7e))
    return true
  }

  #acceptInString(code: number): boolean {
    // BEL or the 8-bit ST end it. CAN, SUB and the end of a line too: a string that nobody closed must not hide the log.
    if (code === 0x07 || code === 0x9c || code === 0x18 || code === 0x1a) return this.#endIf(true)
    if (code === 0x0a || code === 0x0d) return false
    if (code === 0x1b) this.#state = 'string-escape'
    return true
  }

  #endIf(belongs: boolean): boolean {
    if (belongs) this.#state = 'none'
    return belongs
  }
}

function isBetween(code: number, first: number, last: number): boolean {
  return code >= first && code <= last
}
