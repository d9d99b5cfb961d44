import type {Interfaces} from '@oclif/core'

import type {PluginBlock} from '../../model/plugin-block.js'
import type {JudgedPlugin} from './judge-plugins.js'

/** The plugins that a person has added, judged. Where there are none, nothing is loaded for it. */
export async function addedPlugins({plugins}: Pick<Interfaces.Config, 'plugins'>): Promise<readonly JudgedPlugin[]> {
  if (![...plugins.values()].some(({type}) => type === 'user' || type === 'link')) return []
  const {judgePlugins} = await import('./judge-plugins.js')
  return judgePlugins(plugins.values())
}

/** The sections of the configuration that they declare; no two have one in common. */
export function declaredSettings(judged: readonly JudgedPlugin[]): PluginBlock['settings'] {
  return Object.assign({}, ...judged.map(({settings}) => settings)) as PluginBlock['settings']
}
