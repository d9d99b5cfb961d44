import type {LoadedPlugin} from '../../src/cli/plugins/judge-plugins.js'

export interface FakePlugin extends LoadedPlugin {
  hooks: Record<string, {identifier: string; target: string}[]>
}

/** As oclif has a plugin in memory, with commands of these ids. */
export function fakePlugin(name: string, {commands = [], hooks = {}, runctl, topics = [], type = 'user'}: {
  readonly commands?: readonly string[]
  readonly hooks?: FakePlugin['hooks']
  readonly runctl?: unknown
  readonly topics?: LoadedPlugin['topics']
  readonly type?: string
} = {}): FakePlugin {
  const loadable = commands.map(id => ({id, aliases: [], hiddenAliases: [], args: {}, flags: {}, hidden: false, load: () => Promise.reject(new Error('not loaded'))}))
  const manifest = {commands: Object.fromEntries(commands.map(id => [id, {}]))}
  return {name, version: '1.2.3', root: `/plugins/${name}`, type, topics, hooks, commands: loadable, manifest, pjson: runctl === undefined ? {} : {runctl}}
}
