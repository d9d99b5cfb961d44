/** What was asked of the bench. */

import type {ServiceName} from './types.js'

export interface Call {
  readonly service: ServiceName
  readonly operation: string
  readonly requestBytes: number
  readonly responseBytes: number
  /** When it arrived, in milliseconds since the epoch, and how long it took. */
  readonly at: number
  readonly tookMs: number
  /** 0 where a fault closed the connection. */
  readonly status: number
  /** The instances that it named. */
  readonly ids: readonly string[]
  /** Of those under way when it arrived, itself included: 1 where nothing ran beside it. */
  readonly concurrent: number
}

export class Calls {
  readonly #calls: Call[] = []

  add(call: Call): void {
    this.#calls.push(call)
  }

  /** In the order of their ends. */
  list(): readonly Call[] {
    return [...this.#calls]
  }

  count(operation?: string): number {
    return operation === undefined ? this.#calls.length : this.#calls.filter((call) => call.operation === operation).length
  }

  /** `{DescribeInstances: 1, SendCommand: 1}`, for comparing at a glance. */
  byOperation(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const {operation} of this.#calls) counts[operation] = (counts[operation] ?? 0) + 1
    return counts
  }

  /** Bytes by operation, both ways. */
  bytes(): Record<string, {readonly sent: number; readonly received: number}> {
    const sums: Record<string, {sent: number; received: number}> = {}
    for (const call of this.#calls) {
      const sum = (sums[call.operation] ??= {sent: 0, received: 0})
      sum.sent += call.requestBytes
      sum.received += call.responseBytes
    }
    return sums
  }

  reset(): void {
    this.#calls.length = 0
  }
}
