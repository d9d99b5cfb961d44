import type {Progress, ProgressEvent} from '../core/progress.js'
import {formatDuration} from './duration.js'
import {escapeControl, escapeLine} from './escape-control.js'
import {LiveStep, type ProgressStream} from './live-step.js'
import {paint} from './paint.js'
import {marksFor, type ProgressMarks} from './progress-marks.js'

// A step that is quicker than this needs no line that says it began.
const ANNOUNCE_AFTER_MS = 2000
// Below this, the time that a step took tells nothing.
const QUICK_MS = 100

export interface ProgressOptions {
  readonly stream: ProgressStream
  /** `tty`: a spinner while a step lasts, a line when it is over. `lines`: lines alone. `silent`: nothing. */
  readonly mode: 'lines' | 'silent' | 'tty'
  readonly color: boolean
  /** By the environment where absent. */
  readonly marks?: ProgressMarks
  /** Milliseconds, only for differences. */
  readonly now?: () => number
  readonly announceAfterMs?: number
}

export interface ProgressOutput extends Progress {
  /**
   * Leaves the terminal to someone else, such as a followed log: resolves when all lines are written and nothing is drawn any
   * more. Events still print lines; the next `step` draws again.
   */
  pause(): Promise<void>
  /** As {@link pause}, and steps that nobody ended are shown as interrupted. To be called before the result is printed. */
  stop(): Promise<void>
}

interface Step {
  readonly title: string
  readonly startedAt: number
  announcement: NodeJS.Timeout | undefined
  announced: boolean
}

export function createProgress(options: ProgressOptions): ProgressOutput {
  if (options.mode === 'silent') {
    return {emit: () => undefined, pause: () => Promise.resolve(), stop: () => Promise.resolve()}
  }
  return new PrintedProgress(options)
}

class PrintedProgress implements ProgressOutput {
  readonly #options: ProgressOptions
  readonly #marks: ProgressMarks
  readonly #now: () => number
  readonly #steps = new Map<string, Step>()
  #live: {readonly id: string; readonly view: LiveStep} | undefined
  // What is written and drawn happens one after another: a line waits until the drawing before it has left the screen.
  #written: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(options: ProgressOptions) {
    this.#options = options
    this.#marks = options.marks ?? marksFor(process.env, process.platform)
    this.#now = options.now ?? (() => performance.now())
  }

  emit(event: ProgressEvent): void {
    switch (event.type) {
      case 'note':
        return this.#print(escapeControl(event.message))
      case 'warning':
        return this.#print(`${paint('Warning:', 'yellow', this.#options.color)} ${escapeControl(event.message)}`)
      case 'step':
        return this.#begin(event.id, escapeLine(event.title))
      case 'step-done':
        return this.#end(event.id, paint(this.#marks.done, 'green', this.#options.color), event.detail)
      case 'step-failed':
        return this.#end(event.id, paint(this.#marks.failed, 'red', this.#options.color), event.detail)
    }
  }

  async pause(): Promise<void> {
    for (const step of this.#steps.values()) this.#announce(step)
    this.#endLive()
    await this.#written
  }

  async stop(): Promise<void> {
    for (const id of [...this.#steps.keys()]) this.emit({type: 'step-failed', id, detail: 'interrupted'})
    this.#endLive()
    await this.#written
  }

  #begin(id: string, title: string): void {
    const step: Step = {title, startedAt: this.#now(), announcement: undefined, announced: false}
    this.#steps.set(id, step)
    if (this.#options.mode === 'lines') {
      step.announcement = setTimeout(() => this.#announce(step), this.#options.announceAfterMs ?? ANNOUNCE_AFTER_MS).unref()
      return
    }
    // A step inside another is a line below the outer one.
    if (this.#live) return this.#live.view.show(`${this.#marks.started} ${title}`)
    const view = new LiveStep(title, {stream: this.#options.stream, color: this.#options.color, marks: this.#marks})
    this.#live = {id, view}
    this.#enqueue(() => view.draw())
  }

  #end(id: string, mark: string, detail: string | undefined): void {
    const step = this.#steps.get(id)
    if (!step) return
    clearTimeout(step.announcement)
    this.#steps.delete(id)
    const tookMs = this.#now() - step.startedAt
    const took = tookMs < QUICK_MS ? '' : ` ${paint(`(${formatDuration(tookMs)})`, 'dim', this.#options.color)}`
    const line = `${mark} ${step.title}${detail === undefined ? '' : `: ${escapeLine(detail)}`}${took}`
    if (this.#live?.id === id) this.#endLive()
    this.#print(line)
  }

  /** Says that a step began, where its end will not follow at once or other lines come between. */
  #announce(step: Step): void {
    clearTimeout(step.announcement)
    if (step.announced) return
    step.announced = true
    this.#write(`${this.#marks.started} ${step.title}`)
  }

  #print(line: string): void {
    if (this.#options.mode === 'lines') for (const step of this.#steps.values()) this.#announce(step)
    this.#live?.view.show(line)
    this.#write(line)
  }

  #endLive(): void {
    this.#live?.view.end()
    this.#live = undefined
  }

  #write(line: string): void {
    // At once where nothing is drawn, so that lines and what others write keep their order.
    if (this.#waiting === 0) this.#options.stream.write(`${line}\n`)
    else this.#enqueue(async () => void this.#options.stream.write(`${line}\n`))
  }

  #enqueue(task: () => Promise<void>): void {
    this.#waiting += 1
    this.#written = this.#written.then(task).finally(() => (this.#waiting -= 1))
  }
}
