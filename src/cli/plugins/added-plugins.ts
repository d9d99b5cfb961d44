import type {Interfaces} from '@oclif/core'

import type {PluginBlock} from '../../model/plugin-block.js'
import type {JudgedPlugin} from './judge-plugins.js'
import {listedPlugins, loadListed, type ListedPlugin} from './listed-plugins.js'
import {firstLine, fixesOf, pluginProblem} from './plugin-problem.js'

type PluginHost = Pick<Interfaces.Config, 'dataDir' | 'plugins'>

/** The plugins that a person has added, judged; those that oclif could not load as well. Sorted by name. */
export async function addedPlugins({dataDir, plugins}: PluginHost): Promise<readonly JudgedPlugin[]> {
  const loaded = [...plugins.values()]
  const listed = await listedPlugins(dataDir)
  const missing = listed.filter(({name, root, type}) => !loaded.some(one => one.name === name || (type === 'link' && one.root === root)))
  if (missing.length === 0 && !loaded.some(({type}) => type === 'user' || type === 'link')) return []
  const {judgePlugins} = await import('./judge-plugins.js')
  const broken = await Promise.all(missing.map(notLoaded))
  return [...(await judgePlugins(loaded)), ...broken].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function notLoaded(listed: ListedPlugin): Promise<JudgedPlugin> {
  const {name, root, type} = listed
  const error: unknown = await loadListed(listed).then(() => 'it loads now', (thrown: unknown) => thrown)
  const code = error instanceof Error && 'code' in error ? error.code : null
  const isGone = code === 'ENOENT' && type === 'link'
  const why = isGone ? `there is no plugin in ${root} any more` : `it cannot be loaded: ${firstLine(error)}`
  const kind = type === 'link' ? 'linked' : 'installed'
  const problem = pluginProblem(name, 'plugin', null, `${why}; nothing of it is used`, fixesOf(name, kind))
  return {name, version: 'unknown', kind, root, apiVersion: null, isRefused: true, platforms: {}, settings: {}, shadowed: [], problems: [problem]}
}

/** The sections of the configuration that they declare; no two have one in common. */
export function declaredSettings(judged: readonly JudgedPlugin[]): PluginBlock['settings'] {
  return Object.assign({}, ...judged.map(({settings}) => settings)) as PluginBlock['settings']
}
