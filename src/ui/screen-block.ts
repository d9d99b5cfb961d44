/** The sums below a long list stay in sight. */
const TAIL_LINES = 4
const HOME = '\x1b[H'
const ERASE_LINE = '\x1b[K'
const ERASE_BELOW = '\x1b[J'
const WRAP_OFF = '\x1b[?7l'
const WRAP_ON = '\x1b[?7h'

/**
 * Text that takes the place of what a terminal shows, in one write and without clearing first, so that nothing flickers. What is too long for the
 * terminal is cut in the middle, what is too wide at the right. No more is held than a screen shows.
 */
export class ScreenBlock {
  private readonly head: string[] = []
  private tail: string[] = []
  private lines = 0
  private open = ''

  /** Of the terminal, in lines. */
  constructor(private readonly rows: number) {}

  push(text: string): void {
    const lines = (this.open + text).split('\n')
    this.open = lines.pop() ?? ''
    for (const line of lines) {
      this.lines++
      if (this.head.length < this.rows) this.head.push(line)
    }
    this.tail = [...this.tail, ...lines].slice(-TAIL_LINES)
  }

  render(): string {
    // The last line is the cursor's.
    const room = Math.max(TAIL_LINES + 3, this.rows - 1)
    const shown = this.lines <= room ? this.head : this.shortened(room)
    return `${WRAP_OFF}${HOME}${shown.map(line => `${line}${ERASE_LINE}\n`).join('')}${ERASE_BELOW}${WRAP_ON}`
  }

  private shortened(room: number): readonly string[] {
    const head = this.head.slice(0, room - TAIL_LINES - 1)
    return [...head, `… ${this.lines - head.length - TAIL_LINES} more lines: --limit shows fewer`, ...this.tail]
  }
}
