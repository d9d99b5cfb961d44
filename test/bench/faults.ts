/** What goes wrong on purpose. */

import {EventEmitter} from 'node:events'

import type {Fault, WireRequest} from './types.js'

/** How long one request waits for another that is to come beside it. */
const BESIDE_MS = 15_000

interface Planned {
  readonly fault: Fault
  left: number
  /** The operations that have come since it was planned. */
  readonly come: string[]
}

export class Faults {
  readonly #planned: Planned[] = []
  readonly #arrivals = new EventEmitter().setMaxListeners(0)

  /** The function given back takes the fault away. */
  add(fault: Fault): () => void {
    const entry: Planned = {fault, left: fault.times ?? Infinity, come: []}
    this.#arrivals.on('come', (operation: string) => entry.come.push(operation))
    this.#planned.push(entry)
    return () => this.#remove(entry)
  }

  clear(): void {
    this.#planned.length = 0
  }

  /**
   * The faults that meet a request, in the order in which they were added; each counts as having happened. `held` resolves when nothing else has to
   * come before it is acted upon.
   */
  take(request: WireRequest): {readonly faults: readonly Fault[]; readonly held: Promise<unknown>} {
    this.#arrivals.emit('come', request.operation)
    const met = this.#planned.filter(({fault}) => concerns(fault, request))
    for (const entry of met) {
      entry.left -= 1
      if (entry.left <= 0) this.#remove(entry)
    }
    return {faults: met.map(({fault}) => fault), held: Promise.all(met.map((entry) => this.#company(entry)))}
  }

  async #company({come, fault: {kind, operation, other}}: Planned): Promise<void> {
    const hasCome = (): boolean => come.filter((one) => one === other).length >= (other === operation ? 2 : 1)
    if (kind !== 'beside' || hasCome()) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#arrivals.off('come', look)
        resolve()
      }
      const look = (): void => {
        if (hasCome()) done()
      }
      const timer = setTimeout(done, BESIDE_MS).unref()
      this.#arrivals.on('come', look)
    })
  }

  #remove(entry: {readonly fault: Fault}): void {
    const index = this.#planned.findIndex((other) => other === entry)
    if (index !== -1) this.#planned.splice(index, 1)
  }
}

function concerns(fault: Fault, request: WireRequest): boolean {
  return (fault.operation === '*' || fault.operation === request.operation) && (fault.when?.(request) ?? true)
}
