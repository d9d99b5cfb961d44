/** What a command has left running or changed so far. Shown when it fails or is interrupted, so that nothing is forgotten. */
export interface Trace {
  /** `instance local-1a2b3c4d is running ($0.00/h)` */
  readonly stillRunning: string
  readonly next: readonly string[]
}

export class Footprint {
  private readonly traces = new Map<string, Trace>()

  /** Replaces what was noted under the key. */
  note(key: string, trace: Trace): void {
    this.traces.set(key, trace)
  }

  forget(key: string): void {
    this.traces.delete(key)
  }

  get all(): readonly Trace[] {
    return [...this.traces.values()]
  }
}
