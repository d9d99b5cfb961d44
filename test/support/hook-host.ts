import type {Interfaces} from '@oclif/core'

type Step = (options: Record<string, unknown>) => unknown

/**
 * The part of oclif's Config that runs hooks, and does it as oclif does: plugins side by side, the steps of one in turn, results in order of
 * completion, a throw kept as failure, an own timeout for each step.
 */
export class HookHost {
  readonly name = 'runctl'
  readonly dataDir: string
  readonly calls: {readonly event: string; readonly captureErrors: boolean}[] = []

  constructor(private readonly plugins: Readonly<Record<string, Readonly<Record<string, readonly Step[] | Step>>>>, dataDir = '') {
    this.dataDir = dataDir
  }

  readonly runHook = (async (event: string, options: Record<string, unknown>, timeoutMs?: number, captureErrors = false) => {
    this.calls.push({event, captureErrors})
    const final: {failures: object[]; successes: object[]} = {failures: [], successes: []}
    await Promise.all(Object.entries(this.plugins).map(async ([name, events]) => {
      for (const step of [events[event] ?? []].flat()) {
        try {
          const result: unknown = await within(timeoutMs, Promise.resolve().then(() => step(options)))
          final.successes.push({plugin: {name}, result})
        } catch (error) {
          final.failures.push({plugin: {name}, error})
        }
      }
    }))
    return final
  }) as unknown as Interfaces.Config['runHook']
}

async function within(ms: number | undefined, work: Promise<unknown>): Promise<unknown> {
  if (ms === undefined) return work
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Timed out after ${ms} ms.`)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
