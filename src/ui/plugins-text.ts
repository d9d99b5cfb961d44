import type {PluginReport, PluginsRemoved, PluginUpdate} from '../model/plugin-report.js'
import {escapeLine} from './escape-control.js'
import {paint} from './paint.js'
import {renderRecord, type Pair} from './record.js'
import type {RenderEnv} from './render-env.js'

/** `text`: name, version, kind and folder of each, tabs between them. */
export function renderPlugins(plugins: readonly PluginReport[], env: RenderEnv): string {
  if (env.format === 'text') return plugins.map(({kind, name, path, version}) => [name, version, kind, path].map(escapeLine).join('\t')).join('\n')
  if (plugins.length === 0) return 'No plugins installed.'
  return plugins.map(plugin => renderPlugin(plugin, env)).join('\n\n')
}

export function renderPlugin(plugin: PluginReport, env: RenderEnv): string {
  const {kind, name, version} = plugin
  const pairs: readonly Pair[] = [
    ['  folder', plugin.path],
    ['  API', plugin.api_version === null ? undefined : String(plugin.api_version)],
    ['  platforms', several(plugin.platforms)],
    ['  settings', several(plugin.settings.map(section => `[${section}]`))],
    ['  commands', several(plugin.commands)],
    ['  steps', several(plugin.steps)],
    ['  hooks', several(plugin.hooks)],
    ['  formats', several(plugin.checkpoint_formats)],
    ...plugin.problems.flatMap(({message, next}): readonly Pair[] => [
      ['  problem', message, 'yellow'],
      ...next.map((command, at): Pair => [at === 0 ? '  next' : '', command]),
    ]),
  ]
  return `${paint(escapeLine(`${name} ${version}`), 'bold', env.color)} ${paint(`(${kind})`, 'dim', env.color)}\n${renderRecord(pairs, env)}`
}

const several = (names: readonly string[]): string | undefined => (names.length === 0 ? undefined : names.join(', '))

export function renderRemoved({removed}: PluginsRemoved): string {
  return removed.map(name => `Removed ${escapeLine(name)}.`).join('\n')
}

export function renderUpdates(updates: readonly PluginUpdate[]): string {
  if (updates.length === 0) return 'No plugins installed.'
  return updates.map(({from, name, to}) => escapeLine(`${name} ${from === to ? `${to} is the newest` : `${from} -> ${to}`}`)).join('\n')
}
