import type {Clock} from '../../src/core/clock.js'

/** A clock that stands still until it is slept on: a sleep moves it and resolves at once. */
export class HandClock implements Clock {
  readonly slept: number[] = []
  /** Called before each sleep: the place for what happens meanwhile. */
  onSleep: (ms: number) => void = () => undefined
  #time = Date.parse('2026-11-23T12:00:00Z')

  now(): Date {
    return new Date(this.#time)
  }

  advance(ms: number): void {
    this.#time += ms
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.slept.push(ms)
    this.advance(ms)
    this.onSleep(ms)
    signal?.throwIfAborted()
  }
}
