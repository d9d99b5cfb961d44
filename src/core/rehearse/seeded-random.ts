/** Chance that can be repeated: the same seed gives the same numbers. */
export interface SeededRandom {
  /** At least 0, below 1. */
  next(): number
  /** A whole number, at least 0 and below `count`. */
  below(count: number): number
  shuffled<T>(items: readonly T[]): readonly T[]
}

/** splitmix32: small, and even enough for a drill. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x9e37_79b9) >>> 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0_aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a_2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 0x1_0000_0000
  }
  const below = (count: number): number => Math.floor(next() * count)
  return {
    next,
    below,
    shuffled<T>(items: readonly T[]) {
      const left = [...items]
      const out: T[] = []
      while (left.length > 0) out.push(...left.splice(below(left.length), 1))
      return out
    },
  }
}
