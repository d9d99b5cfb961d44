/**
 * What each plugin that a person has added contributes, and what is wrong with it: from its package.json and oclif's list of its commands alone,
 * before any of its code runs. The same plugins give the same judgement, before runctl has changed them (prepare-plugins.ts) and after.
 */
import type {Interfaces} from '@oclif/core'

import {CONFIG_SECTIONS} from '../../config/keys.js'
import type {PluginBlock} from '../../model/plugin-block.js'
import {PROVIDER_API_VERSION} from '../../providers/provider.js'
import {fixesOf, pluginProblem, uninstalling, type PluginProblem} from './plugin-problem.js'
import {readPluginBlock} from './read-block.js'
import {NAME_IN_TEMPLATE, verbsOf} from './verb-template.js'

/** What is asked of oclif's plugin. */
export type LoadedPlugin = Pick<Interfaces.Plugin, 'commands' | 'name' | 'root' | 'topics' | 'type' | 'version'> & {
  readonly pjson: object
  /** Its commands, whatever runctl took away of `commands` since. */
  readonly manifest?: {readonly commands: Readonly<Record<string, unknown>>}
}

export interface JudgedPlugin {
  readonly name: string
  readonly version: string
  readonly kind: 'installed' | 'linked'
  readonly root: string
  /** That its block says; null without a block. */
  readonly apiVersion: number | null
  /** It contributes nothing. */
  readonly isRefused: boolean
  /** Those that runctl makes commands for, and their flags. */
  readonly platforms: PluginBlock['platforms']
  readonly settings: PluginBlock['settings']
  /** Ids of its own commands that somebody else has. */
  readonly shadowed: readonly string[]
  readonly problems: readonly PluginProblem[]
}

export const isAdded = ({type}: Pick<LoadedPlugin, 'type'>): boolean => type === 'user' || type === 'link'

/** In order of the names. The first to have a name (of a platform, a section, a command) keeps it, and runctl comes before all. */
export async function judgePlugins(plugins: Iterable<LoadedPlugin>): Promise<readonly JudgedPlugin[]> {
  const all = [...plugins]
  const added = all.filter(isAdded).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  if (added.length === 0) return []
  const verbs = await verbsOf(NAME_IN_TEMPLATE)
  const taken = new Taken(all.filter(plugin => !isAdded(plugin)))
  const createFlags = [...Object.keys(verbs[`${NAME_IN_TEMPLATE}:create`]?.flags ?? {}), 'help', 'version']
  return added.map(plugin => new Judge(plugin, taken, Object.keys(verbs), createFlags).judge())
}

/** A section of this name would share its variables with those of oclif: RUNCTL_DATA_DIR is no setting `dir` of [data]. */
const WORDS_OF_VARIABLES = ['cache', 'config', 'data', 'disable', 'npm', 's3']

/** By a name that is taken, who has it. */
class Taken {
  readonly platforms = new Map<string, string>()
  readonly sections = new Map<string, string>([...CONFIG_SECTIONS, ...WORDS_OF_VARIABLES].map(section => [section, 'runctl']))
  readonly commands = new Map<string, string>()

  constructor(own: readonly LoadedPlugin[]) {
    for (const {commands, topics} of own) {
      for (const {aliases, hiddenAliases, id} of commands) for (const one of [id, ...aliases, ...hiddenAliases]) this.commands.set(one, 'runctl')
      // A platform of that name would mix its commands with those of a topic.
      for (const word of [...commands.map(({id}) => id), ...topics.map(({name}) => name)]) this.platforms.set(word.split(':')[0] ?? word, 'runctl')
    }
  }
}

class Judge {
  readonly #problems: PluginProblem[] = []
  readonly #uninstall: string

  constructor(
    private readonly plugin: LoadedPlugin,
    private readonly taken: Taken,
    private readonly verbs: readonly string[],
    private readonly createFlags: readonly string[],
  ) {
    this.#uninstall = uninstalling(plugin.name)
  }

  judge(): JudgedPlugin {
    const {name, pjson, root, type, version} = this.plugin
    const declared = 'runctl' in pjson ? pjson.runctl : undefined
    const apiVersion = versionIn(declared)
    const facts = {name, version: String(version), kind: type === 'link' ? 'linked' : 'installed', root, apiVersion, problems: this.#problems} as const
    const nothing = {platforms: {}, settings: {}, shadowed: []}
    if (apiVersion !== null && apiVersion !== PROVIDER_API_VERSION) {
      const isNewer = apiVersion > PROVIDER_API_VERSION
      this.#say('plugin', null, `version ${version} is written for API ${apiVersion} of runctl, and this runctl has API ${PROVIDER_API_VERSION}: nothing of it is used`,
        [isNewer ? 'npm install -g runctl@latest' : 'runctl plugins update', this.#uninstall])
      return {...facts, ...nothing, isRefused: true}
    }
    if (declared === undefined) return {...facts, ...nothing, isRefused: false, shadowed: this.#takeCommands()}
    const reading = readPluginBlock(declared)
    if ('problems' in reading) {
      this.#say('plugin', null, `its package.json is wrong, so nothing of it is used: ${reading.problems.join('; ')}`, fixesOf(name, facts.kind))
      return {...facts, ...nothing, isRefused: true}
    }
    const platforms = this.#takePlatforms(reading.block.platforms)
    return {...facts, isRefused: false, platforms, settings: this.#takeSections(reading.block.settings), shadowed: this.#takeCommands()}
  }

  #takePlatforms(declared: PluginBlock['platforms']): PluginBlock['platforms'] {
    const kept = Object.entries(declared).filter(([name]) => {
      const ids = this.verbs.map(id => id.replace(NAME_IN_TEMPLATE, name))
      const owner = this.taken.platforms.get(name) ?? ids.map(id => this.taken.commands.get(id)).find(one => one !== undefined)
      if (owner !== undefined) this.#say('platform', name, `its platform ${name} is passed over: ${owner} has that name`, [this.#uninstall])
      else {
        this.taken.platforms.set(name, `plugin ${this.plugin.name}`)
        for (const id of ids) this.taken.commands.set(id, 'runctl')
      }
      return owner === undefined
    })
    return Object.fromEntries(kept.map(([name, platform]) => [name, {...platform, createFlags: this.#takeFlags(name, platform.createFlags)}]))
  }

  #takeFlags<T>(platform: string, flags: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
    return Object.fromEntries(Object.entries(flags).filter(([flag]) => {
      const isTaken = this.createFlags.includes(flag)
      if (isTaken) this.#say('flag', flag, `the flag --${flag} of its platform ${platform} is passed over: \`create\` of every platform has one of that name`, ['runctl plugins update'])
      return !isTaken
    }))
  }

  #takeSections(declared: PluginBlock['settings']): PluginBlock['settings'] {
    return Object.fromEntries(Object.entries(declared).filter(([section]) => {
      const owner = this.taken.sections.get(section)
      if (owner !== undefined) this.#say('setting', section, `its settings [${section}] are passed over: ${owner} has a section of that name`, [this.#uninstall])
      else this.taken.sections.set(section, `plugin ${this.plugin.name}`)
      return owner === undefined
    }))
  }

  #takeCommands(): readonly string[] {
    const {commands, manifest, name} = this.plugin
    const ids = manifest ? Object.keys(manifest.commands) : commands.map(({id}) => id)
    return ids.filter(id => {
      const owner = this.taken.commands.get(id)
      if (owner !== undefined) this.#say('command', id, `its command ${id.replaceAll(':', ' ')} is passed over: ${owner} has one of that name`, [this.#uninstall])
      else this.taken.commands.set(id, `plugin ${name}`)
      return owner !== undefined
    })
  }

  #say(about: PluginProblem['about'], name: string | null, what: string, next: readonly string[]): void {
    this.#problems.push(pluginProblem(this.plugin.name, about, name, what, next))
  }
}

/** null where there is no block, or none with a number: what is wrong then is said by readPluginBlock. */
function versionIn(declared: unknown): number | null {
  if (typeof declared !== 'object' || declared === null || !('apiVersion' in declared)) return null
  return typeof declared.apiVersion === 'number' && Number.isInteger(declared.apiVersion) ? declared.apiVersion : null
}
