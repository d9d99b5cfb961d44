import {fitWidth} from './display-width.js'
import {paint} from './paint.js'
import type {ProgressMarks} from './progress-marks.js'

export type ProgressStream = NodeJS.WritableStream & {readonly isTTY?: boolean; readonly columns?: number}

const SHOW_CURSOR = '\x1b[?25h'
const SPINNER_INTERVAL_MS = 100

export interface LiveStepOptions {
  readonly stream: ProgressStream
  readonly color: boolean
  readonly marks: ProgressMarks
}

/**
 * One step on a terminal while it lasts: a spinner, its title and the newest lines that came with it, drawn by listr2. When it
 * is over, nothing of it is left on the screen; what should stay is printed by the caller.
 */
export class LiveStep {
  #finish: () => void = () => undefined
  readonly #finished = new Promise<void>(resolve => (this.#finish = resolve))
  #ended = false
  #show: ((line: string) => void) | undefined
  #lines: string[] = []
  readonly #title: string
  readonly #options: LiveStepOptions

  /** `title` is one line of safe text. */
  constructor(title: string, options: LiveStepOptions) {
    this.#title = title
    this.#options = options
  }

  /** A line of safe text to show below the title. */
  show(line: string): void {
    this.#lines.push(line)
    this.#show?.(line)
  }

  end(): void {
    this.#ended = true
    this.#finish()
  }

  /** Draws until {@link end}; resolves when the terminal is free again. A step that has ended by then is never drawn. */
  async draw(): Promise<void> {
    const {Listr, ListrDefaultRendererLogLevels: level, ListrLogger, ProcessOutput, Spinner} = await import('listr2')
    // Read after the import: end() may have come meanwhile.
    if (this.#isEnded()) return
    const {color, marks, stream} = this.#options
    const width = (stream.columns ?? 80) - 4
    // listr2 asks for a WriteStream, and uses write, columns and rows of it.
    const terminal = stream as unknown as NodeJS.WriteStream
    const logger = new ListrLogger({useIcons: true, processOutput: new ProcessOutput(terminal, terminal, {leaveEmptyLine: false})})
    class MarkSpinner extends Spinner {
      protected override readonly spinner = [...marks.spinner]
      override start(refresh?: () => void): void {
        super.start(refresh, SPINNER_INTERVAL_MS)
      }
    }
    const rendererOptions = {
      clearOutput: true,
      logger,
      spinner: new MarkSpinner(),
      icon: {[level.OUTPUT]: ' '},
      color: {[level.PENDING]: (text?: string) => paint(text ?? '', 'cyan', color), [level.OUTPUT]: (text?: string) => text ?? ''},
    }
    const list = new Listr(
      {
        title: fitWidth(this.#title, width),
        rendererOptions: {outputBar: 3},
        fallbackRendererOptions: {outputBar: 3},
        task: async (_context, task) => {
          this.#show = line => (task.output = fitWidth(line, width - 2))
          for (const line of this.#lines) this.#show(line)
          await this.#finished
        },
      },
      // Where standard output is a pipe, listr2 takes its fallback; the terminal meant here is another stream.
      {
        renderer: 'default',
        rendererOptions,
        fallbackRenderer: 'default',
        fallbackRendererOptions: rendererOptions,
        registerSignalListeners: false,
      },
    )
    const release = restoreCursorOnExit(stream)
    try {
      await list.run()
    } finally {
      release()
    }
  }

  #isEnded(): boolean {
    return this.#ended
  }
}

/** The cursor is hidden while a step is drawn; whatever ends the process meanwhile must show it again. */
function restoreCursorOnExit(stream: ProgressStream): () => void {
  // listr2 replaces the stream's write while it draws: this is the real one.
  const write: (text: string) => unknown = stream.write.bind(stream)
  const onExit = (): void => void write(`${SHOW_CURSOR}\n`)
  process.on('exit', onExit)
  return () => void process.off('exit', onExit)
}
