import {dirname, resolve} from 'node:path'

import type {WrittenValue} from '../model/config-answers.js'
import {parseDuration} from '../model/duration.js'
import type {PluginBlock} from '../model/plugin-block.js'
import {readConfigFile, readProjectFile, userFileIn} from './config-files.js'
import {KeyTable} from './key-table.js'
import type {ConfigKey, ConfigValue, KeyDefinition} from './keys.js'
import {configError, type ConfigProblem} from './problem.js'
import {readEnvironment} from './read-environment.js'
import {readLayer, type Layer} from './read-layer.js'

export interface ConfigOrigin {
  readonly source: 'default' | 'environment' | 'project' | 'user'
  /** Absolute path, and the line from 1; null unless the value is from a file. */
  readonly file: string | null
  readonly line: number | null
  /** null unless the value is from the environment. */
  readonly variable: string | null
}

export interface Configuration {
  /** The folder of the project file; the working directory where there is none. Absolute. */
  readonly root: string
  readonly projectFile: string | null
  readonly userFile: string | null
  /** Durations in milliseconds. Maps are merged by name, everything else is taken whole from the highest layer. */
  get<K extends ConfigKey>(key: K): ConfigValue<K>
  /** The same for a key of any kind, of a plugin too. */
  read(key: string): unknown
  /** As it is written in a file: durations are text. */
  written(key: string): WrittenValue
  /** Where the value is from; of a map, where the entry `name` is from, or the highest layer that adds to it. */
  origin(key: string, name?: string): ConfigOrigin
  readonly keys: KeyTable
}

export interface ConfigurationInput {
  readonly cwd: string
  /** Holds the user's file, `config.toml`. */
  readonly configDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** What the plugins of this machine declare. */
  readonly pluginSettings?: PluginBlock['settings']
}

/** Environment over project over user over defaults. Throws `bad_input` with all problems of all layers at once. */
export async function loadConfiguration(input: ConfigurationInput): Promise<Configuration> {
  return requireValid(await readConfiguration(input), input.cwd)
}

export interface ConfigurationReading {
  readonly configuration: Configuration
  readonly problems: readonly ConfigProblem[]
}

/** Throws `bad_input` with all problems at once. */
export function requireValid({configuration, problems}: ConfigurationReading, cwd: string): Configuration {
  if (problems.length > 0) throw configError(problems, cwd, ['runctl config validate'])
  return configuration
}

/** The same with the problems beside it; what is wrong is left out of the values. */
export async function readConfiguration(input: ConfigurationInput): Promise<ConfigurationReading> {
  const [userFile, projectFile] = await Promise.all([readConfigFile(userFileIn(input.configDir)), readProjectFile(input.cwd)])
  const keys = new KeyTable(input.pluginSettings)
  const environment = readEnvironment(input.env, keys)
  const root = projectFile === null ? resolve(input.cwd) : dirname(projectFile.path)
  const values = new Map(keys.names.map(key => [key, defaultOf(keys.definitionOf(key), root)]))
  const problems: ConfigProblem[] = []
  for (const [source, file] of [['user', userFile], ['project', projectFile]] as const) {
    if (file === null) continue
    const layer = await readLayer(file.text, file.path, keys)
    addLayer(values, layer, {source, file: file.path})
    problems.push(...(file.problem === null ? layer.problems : [file.problem]))
  }
  for (const [key, {value, variable}] of environment.values) {
    values.set(key, {value, origin: {source: 'environment', file: null, line: null, variable}, entries: new Map()})
  }
  const configuration = new LayeredConfiguration(root, projectFile?.path ?? null, userFile?.path ?? null, values, keys)
  return {configuration, problems: [...problems, ...environment.problems]}
}

interface Setting {
  readonly value: WrittenValue
  readonly origin: ConfigOrigin
  readonly entries: ReadonlyMap<string, {readonly value: string; readonly origin: ConfigOrigin}>
}

const DEFAULT_ORIGIN: ConfigOrigin = {source: 'default', file: null, line: null, variable: null}

function defaultOf(definition: KeyDefinition, root: string): Setting {
  const value = definition.type === 'name' ? definition.default(root) : definition.default
  return {value, origin: DEFAULT_ORIGIN, entries: new Map()}
}

function addLayer(
  settings: Map<string, Setting>,
  layer: Layer,
  from: {readonly source: 'project' | 'user'; readonly file: string},
): void {
  for (const [key, {value, line}] of layer.values) {
    settings.set(key, {value, origin: {...from, line, variable: null}, entries: new Map()})
  }
  for (const [key, added] of layer.entries) {
    const entries = new Map(settings.get(key)?.entries)
    for (const [name, {value, line}] of added) entries.set(name, {value, origin: {...from, line, variable: null}})
    const value = Object.fromEntries([...entries].map(([name, entry]) => [name, entry.value]))
    const line = Math.min(...[...added.values()].map(entry => entry.line))
    settings.set(key, {value, origin: {...from, line, variable: null}, entries})
  }
}

class LayeredConfiguration implements Configuration {
  readonly #settings: ReadonlyMap<string, Setting>

  constructor(
    readonly root: string,
    readonly projectFile: string | null,
    readonly userFile: string | null,
    settings: ReadonlyMap<string, Setting>,
    readonly keys: KeyTable,
  ) {
    this.#settings = settings
  }

  get<K extends ConfigKey>(key: K): ConfigValue<K> {
    // Every layer has checked its values against the same table of keys from which this type is made.
    return this.read(key) as ConfigValue<K>
  }

  read(key: string): unknown {
    const {value} = this.#setting(key)
    return this.keys.definitionOf(key).type === 'duration' && typeof value === 'string' ? parseDuration(value) : value
  }

  written(key: string): WrittenValue {
    return this.#setting(key).value
  }

  origin(key: string, name?: string): ConfigOrigin {
    const setting = this.#setting(key)
    if (name === undefined) return setting.origin
    return setting.entries.get(name)?.origin ?? DEFAULT_ORIGIN
  }

  #setting(key: string): Setting {
    const setting = this.#settings.get(key)
    if (setting === undefined) throw new TypeError(`no such configuration key: ${key}`)
    return setting
  }
}
