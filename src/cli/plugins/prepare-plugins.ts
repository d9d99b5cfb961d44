import type {Command, Interfaces} from '@oclif/core'

import type {DeclaredPlatform} from '../../model/plugin-block.js'

/**
 * Once at the start, between oclif's loading of the plugins and its looking for the command: a plugin for another API contributes nothing, the
 * platforms that a plugin declares get their commands, and of one name there is one command. Where nobody has added a plugin it does nothing.
 */
export async function preparePlugins({plugins}: Pick<Interfaces.Config, 'plugins'>, {keepHooks = true} = {}): Promise<void> {
  if (![...plugins.values()].some(({type}) => type === 'user' || type === 'link')) return
  const {judgePlugins} = await import('./judge-plugins.js')
  const ownTopics = new Set([...plugins.values()].filter(({type}) => type !== 'user' && type !== 'link').flatMap(({topics}) => topics.map(({name}) => name)))
  for (const judged of await judgePlugins(plugins.values())) {
    const plugin = plugins.get(judged.name)
    if (plugin === undefined) continue
    if (judged.isRefused) {
      plugin.commands = []
      plugin.hooks = {}
      setTopics(plugin, [])
      continue
    }
    // `runctl-api` is asked by plugins and answered by runctl.
    plugin.hooks = keepHooks ? Object.fromEntries(Object.entries(plugin.hooks).filter(([event]) => event !== 'runctl-api')) : {}
    const platforms = Object.entries(judged.platforms)
    const verbs = await Promise.all(platforms.map(([name, platform]) => commandsOf(plugin, name, platform)))
    plugin.commands = [...verbs.flat(), ...plugin.commands.filter(({id}) => !judged.shadowed.includes(id))]
    // What is said of runctl's own topics is runctl's.
    setTopics(plugin, [...plugin.topics.filter(({name}) => !ownTopics.has(name)), ...platforms.map(([name, {description}]) => ({name, description}))])
  }
}

/** In oclif it is a getter over package.json, which stays as it was read. */
function setTopics(plugin: Interfaces.Plugin, value: Interfaces.Topic[]): void {
  Object.defineProperty(plugin, 'topics', {value, configurable: true})
}

async function commandsOf(plugin: Interfaces.Plugin, name: string, {createFlags}: DeclaredPlatform): Promise<readonly Command.Loadable[]> {
  const [{verbsOf}, {cachedFlagsOf, createFlagsOf}, {loadVerb}] = await Promise.all([import('./verb-template.js'), import('./declared-flags.js'), import('./load-verb.js')])
  return Object.values(await verbsOf(name)).map(command => ({
    ...command,
    flags: command.id === `${name}:create` ? {...command.flags, ...cachedFlagsOf(createFlags)} : command.flags,
    pluginAlias: plugin.alias,
    pluginName: plugin.name,
    // They are runctl's: an alias of somebody else's command never comes before them.
    pluginType: 'core',
    load: async () => {
      const loaded = await loadVerb(name, command.id, createFlagsOf(createFlags))
      loaded.id = command.id
      loaded.plugin = plugin
      return loaded
    },
  }))
}
