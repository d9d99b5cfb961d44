/** What goes wrong on purpose. */

import type {Fault, WireRequest} from './types.js'

export class Faults {
  readonly #planned: {readonly fault: Fault; left: number}[] = []

  /** The function given back takes the fault away. */
  add(fault: Fault): () => void {
    const entry = {fault, left: fault.times ?? Infinity}
    this.#planned.push(entry)
    return () => this.#remove(entry)
  }

  clear(): void {
    this.#planned.length = 0
  }

  /** The faults that meet a request, in the order in which they were added; each counts as having happened. */
  take(request: WireRequest): Fault[] {
    const met = this.#planned.filter(({fault}) => concerns(fault, request))
    for (const entry of met) {
      entry.left -= 1
      if (entry.left <= 0) this.#remove(entry)
    }
    return met.map(({fault}) => fault)
  }

  #remove(entry: {readonly fault: Fault}): void {
    const index = this.#planned.findIndex((other) => other === entry)
    if (index !== -1) this.#planned.splice(index, 1)
  }
}

function concerns(fault: Fault, request: WireRequest): boolean {
  return (fault.operation === '*' || fault.operation === request.operation) && (fault.when?.(request) ?? true)
}
