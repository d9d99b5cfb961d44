import {valuesFolder} from '../complete/folders.js'
import {refreshValues, type RefreshedPlatform} from '../core/refresh-values.js'
import {systemClock} from '../core/system-clock.js'
import {KnownValuesStore} from '../state/known-values-store.js'
import {takeRefreshLock} from '../state/refresh-lock.js'
import type {Platforms} from './platforms.js'
import type {JudgedPlugin} from './plugins/judge-plugins.js'

/** Nobody waits for it, so nobody would end it. */
const MOST_MS = 30_000

export interface RefreshHost {
  readonly platforms: Platforms
  readonly plugins: readonly JudgedPlugin[]
  readonly cacheDir: string
  readonly signal: AbortSignal
}

/** Empty where another refresh is on its way, and for names that are no platforms. */
export async function refreshBehindTheBack(names: readonly string[], {cacheDir, platforms, plugins, signal}: RefreshHost): Promise<readonly RefreshedPlatform[]> {
  const folder = valuesFolder(cacheDir)
  const release = await takeRefreshLock(folder)
  if (release === null) return []
  try {
    const targets = platforms.definitions.filter(({name}) => names.includes(name)).map(definition => ({
      name: definition.name,
      open: async () => ((await platforms.isConfigured(definition)) ? platforms.open(definition.name) : null),
      suggestFor: ['type', 'region', ...ownFlags(definition.name, plugins)],
    }))
    return await refreshValues(targets, {store: new KnownValuesStore(folder), clock: systemClock, signal: AbortSignal.any([signal, AbortSignal.timeout(MOST_MS)])})
  } finally {
    await release()
  }
}

/** Flags of `create` that a plugin declares and whose values are open. */
function ownFlags(platform: string, plugins: readonly JudgedPlugin[]): readonly string[] {
  const flags = plugins.flatMap(plugin => Object.entries(plugin.platforms[platform]?.createFlags ?? {}))
  return flags.filter(([, {options, type}]) => type !== 'boolean' && options === undefined).map(([name]) => name)
}
