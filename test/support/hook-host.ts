import type {Interfaces} from '@oclif/core'

type Step = (options: Record<string, unknown>) => unknown

interface HookedPlugin {
  readonly name: string
  readonly root: string
  readonly type: string
  readonly hooks: never
  readonly steps: Readonly<Record<string, readonly Step[] | Step>>
}

/**
 * The part of oclif's Config that runs hooks, and does it as oclif does: those of the plugins that `this.plugins` holds, side by side, the steps of
 * one in turn, results in order of completion, a throw kept as failure, an own timeout for each step. The plugin `runctl` is the root, all others are the user's.
 */
export class HookHost {
  readonly name = 'runctl'
  readonly dataDir: string
  readonly calls: {readonly event: string; readonly captureErrors: boolean}[] = []
  readonly plugins: ReadonlyMap<string, HookedPlugin>
  readonly runHook = runHook as unknown as Interfaces.Config['runHook']

  constructor(plugins: Readonly<Record<string, Readonly<Record<string, readonly Step[] | Step>>>>, dataDir = '') {
    this.dataDir = dataDir
    this.plugins = new Map(Object.entries(plugins).map(([name, steps]) => {
      const hooks = Object.fromEntries(Object.entries(steps).map(([event, some]) => [event, [some].flat()])) as never
      return [name, {name, root: `/plugins/${name}`, type: name === this.name ? 'core' : 'user', hooks, steps}]
    }))
  }
}

async function runHook(this: HookHost, event: string, options: Record<string, unknown>, timeoutMs?: number, captureErrors = false): Promise<unknown> {
  this.calls.push({event, captureErrors})
  const final: {failures: object[]; successes: object[]} = {failures: [], successes: []}
  await Promise.all([...this.plugins.values()].map(async ({name, steps}) => {
    for (const step of [steps[event] ?? []].flat()) {
      try {
        const result: unknown = await within(timeoutMs, Promise.resolve().then(() => step(options)))
        final.successes.push({plugin: {name}, result})
      } catch (error) {
        final.failures.push({plugin: {name}, error})
      }
    }
  }))
  return final
}

async function within(ms: number | undefined, work: Promise<unknown>): Promise<unknown> {
  if (ms === undefined) return work
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Timed out after ${ms} ms.`)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
