import type {Progress, ProgressEvent} from '../../src/core/progress.js'

/** Keeps what a use-case says while it works. */
export class RecordedProgress implements Progress {
  readonly events: ProgressEvent[] = []
  pauses = 0

  emit(event: ProgressEvent): void {
    this.events.push(event)
  }

  async pause(): Promise<void> {
    this.pauses++
  }

  get warnings(): readonly string[] {
    return this.events.flatMap(event => (event.type === 'warning' ? [event.message] : []))
  }

  get notes(): readonly string[] {
    return this.events.flatMap(event => (event.type === 'note' ? [event.message] : []))
  }

  /** The ends of steps: `save done`, `stop failed`. */
  get ends(): readonly string[] {
    return this.events.flatMap(event => (event.type === 'step-done' ? [`${event.id} done`] : event.type === 'step-failed' ? [`${event.id} failed`] : []))
  }
}
