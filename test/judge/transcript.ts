/** What one AWS answered to a list of operations, in a form that can be compared with what another one did. */

export type Leaf = string | number | boolean | null

export interface Difference {
  /** `RunInstances › State`, or only the step where one answered and the other refused. */
  readonly at: string
  readonly bench: Leaf
  readonly moto: Leaf
}

/** A leaf that only one of the two has. */
export const ABSENT = '(absent)'
const OWN_ID = /\b(eni|i|iip-assoc|r|sg|sir|subnet|vol|vpc)-[0-9a-z]{8,17}\b/g

export class Transcript {
  readonly leaves = new Map<string, Leaf>()
  readonly #ids = new Map<string, string>()

  /** Notes what `pick` takes of the answer, or the refusal's name and status. The answer; undefined where it was refused. */
  async note<T>(step: string, call: () => Promise<T>, pick: (answer: T) => unknown): Promise<T | undefined> {
    if ([...this.leaves.keys()].some((key) => key === step || key.startsWith(`${step} › `))) throw new Error(`there are two steps ${step}`)
    let answer: T
    try {
      answer = await call()
    } catch (error) {
      const {$metadata, name} = error as Error & {readonly $metadata?: {readonly httpStatusCode?: number}}
      this.leaves.set(step, `${$metadata?.httpStatusCode ?? '-'} ${name}`)
      return undefined
    }
    this.#flatten(step, pick(answer))
    return answer
  }

  #flatten(at: string, value: unknown): void {
    if (value instanceof Date) this.leaves.set(at, '(a time)')
    else if (typeof value === 'string') this.leaves.set(at, value.replaceAll(OWN_ID, (id, prefix: string) => this.#nameOf(id, prefix)))
    else if (value === undefined) return
    else if (typeof value !== 'object' || value === null) this.leaves.set(at, value as Leaf)
    else {
      const entries = Object.entries(value)
      if (entries.length === 0) this.leaves.set(at, Array.isArray(value) ? '[]' : '{}')
      for (const [key, part] of entries) this.#flatten(`${at} › ${key}`, part)
    }
  }

  /** Ids by the order in which they were first told: `i-#1`. */
  #nameOf(id: string, prefix: string): string {
    const known = this.#ids.get(id)
    if (known !== undefined) return known
    const name = `${prefix}-#${[...this.#ids.values()].filter((other) => other.startsWith(`${prefix}-#`)).length + 1}`
    this.#ids.set(id, name)
    return name
  }
}

export function differences(bench: Transcript, moto: Transcript): readonly Difference[] {
  const all = [...new Set([...bench.leaves.keys(), ...moto.leaves.keys()])]
  return all
    .map((at) => ({at, bench: bench.leaves.get(at) ?? ABSENT, moto: moto.leaves.get(at) ?? ABSENT}))
    .filter((each) => each.bench !== each.moto)
    .toSorted((a, b) => (a.at < b.at ? -1 : 1))
}
