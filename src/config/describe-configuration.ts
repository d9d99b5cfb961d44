/** What `config show` and `config get` answer. */
import type {ConfigSetting, ConfigShowResult, WrittenValue} from '../model/config-answers.js'
import {RunctlError} from '../model/errors.js'
import type {Configuration, ConfigOrigin} from './load-configuration.js'
import {findKey} from './find-key.js'
import {CONFIG_KEY_NAMES, definitionOf} from './keys.js'
import {HIDDEN_VALUE, isSecretName} from './value-rules.js'

/** Every key; maps entry by entry, the values of secret-looking entries hidden. */
export function describeConfiguration(configuration: Configuration): ConfigShowResult {
  const {root, projectFile, userFile} = configuration
  const settings = CONFIG_KEY_NAMES.flatMap(key => {
    const value = configuration.written(key)
    if (definitionOf(key).type !== 'map') return [setting(key, value, configuration.origin(key))]
    const entries = Object.entries(value as Readonly<Record<string, string>>)
    if (entries.length === 0) return [setting(key, value, configuration.origin(key))]
    return entries.map(([name, text]) => setting(`${key}.${name}`, shown(name, text), configuration.origin(key, name)))
  })
  return {root, project_file: projectFile, user_file: userFile, settings}
}

/**
 * One key, or one entry of a map. In a whole map secret-looking values are hidden; who asks for one by its name gets it.
 * Throws `bad_input` for an unknown key, `not_found` for an entry that is not set.
 */
export function getSetting(configuration: Configuration, keyText: string): ConfigSetting {
  const {key, entry} = findKey(keyText)
  const value = configuration.written(key)
  if (definitionOf(key).type !== 'map') return setting(key, value, configuration.origin(key))
  const map = value as Readonly<Record<string, string>>
  if (entry === null) {
    const entries = Object.entries(map).map(([name, text]) => [name, shown(name, text)] as const)
    return setting(key, Object.fromEntries(entries), configuration.origin(key))
  }
  const text = Object.hasOwn(map, entry) ? map[entry] : undefined
  if (text === undefined) throw new RunctlError('not_found', `${keyText} is not set`, {next: [`runctl config set ${keyText} VALUE`]})
  return setting(keyText, text, configuration.origin(key, entry))
}

function shown(name: string, text: string): string {
  return isSecretName(name) ? HIDDEN_VALUE : text
}

function setting(key: string, value: WrittenValue, {source, file, line, variable}: ConfigOrigin): ConfigSetting {
  return {key, value, origin: source, file, line, variable}
}
