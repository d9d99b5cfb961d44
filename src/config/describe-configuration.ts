/** What `config show` and `config get` answer. */
import type {ConfigSetting, ConfigShowResult, WrittenValue} from '../model/config-answers.js'
import {RunctlError} from '../model/errors.js'
import type {Configuration, ConfigOrigin} from './load-configuration.js'
import {findKey} from './find-key.js'
import type {KeyDefinition} from './keys.js'
import {HIDDEN_VALUE, isSecret} from './value-rules.js'

/** Every key; maps entry by entry. The values of those that look like secrets are hidden. */
export function describeConfiguration(configuration: Configuration): ConfigShowResult {
  const {keys, root, projectFile, userFile} = configuration
  const settings = keys.names.flatMap(key => {
    const value = configuration.written(key)
    const definition = keys.definitionOf(key)
    const entries = definition.type === 'map' ? Object.entries(value as StringMap) : []
    if (entries.length === 0) return [setting(key, isSet(value) ? shown(key, definition, null, value) : value, configuration.origin(key))]
    return entries.map(([name, text]) => setting(`${key}.${name}`, shown(key, definition, name, text), configuration.origin(key, name)))
  })
  return {root, project_file: projectFile, user_file: userFile, settings}
}

/**
 * One key, or one entry of a map. In a whole map secret-looking values are hidden; who asks for one by its name gets it.
 * Throws `bad_input` for an unknown key, `not_found` for an entry that is not set.
 */
export function getSetting(configuration: Configuration, keyText: string): ConfigSetting {
  const {key, entry} = findKey(keyText, configuration.keys)
  const value = configuration.written(key)
  const definition = configuration.keys.definitionOf(key)
  if (definition.type !== 'map') return setting(key, value, configuration.origin(key))
  const map = value as StringMap
  if (entry === null) {
    const entries = Object.entries(map).map(([name, text]) => [name, shown(key, definition, name, text)] as const)
    return setting(key, Object.fromEntries(entries), configuration.origin(key))
  }
  const text = Object.hasOwn(map, entry) ? map[entry] : undefined
  if (text === undefined) throw new RunctlError('not_found', `${keyText} is not set`, {next: [`runctl config set ${keyText} VALUE`]})
  return setting(keyText, text, configuration.origin(key, entry))
}

type StringMap = Readonly<Record<string, string>>

const isSet = (value: WrittenValue): boolean => (typeof value === 'object' ? Object.keys(value ?? {}).length > 0 : true)

function shown<T>(key: string, definition: KeyDefinition, entry: string | null, value: T): T | string {
  return isSecret(key, definition, entry) ? HIDDEN_VALUE : value
}

function setting(key: string, value: WrittenValue, {source, file, line, variable}: ConfigOrigin): ConfigSetting {
  return {key, value, origin: source, file, line, variable}
}
