import {join, resolve} from 'node:path'

import type {ConfigSetResult, WrittenValue} from '../model/config-answers.js'
import {RunctlError} from '../model/errors.js'
import {PROJECT_FILE_NAME, readConfigFile, readProjectFile, userFileIn} from './config-files.js'
import {readConfiguration, type ConfigurationInput, type ConfigOrigin} from './load-configuration.js'
import {setInToml} from './edit-toml.js'
import {findKey} from './find-key.js'
import {KeyTable} from './key-table.js'
import {sectionAndName} from './keys.js'
import {configError} from './problem.js'
import {readLayer} from './read-layer.js'
import {replaceFile} from './replace-file.js'
import {isTable, parseToml} from './toml-syntax.js'
import {tomlString, tomlValue} from './toml-text.js'
import {expectation, HIDDEN_VALUE, isSecret, objectionTo, valueFromText} from './value-rules.js'

export interface SetConfigInput extends ConfigurationInput {
  readonly key: string
  /** As typed: lists are comma-separated. */
  readonly value: string
  readonly target: 'project' | 'user'
}

/**
 * Writes one value into the project's file (or the user's), in place. The file is replaced only by one that is valid as a
 * whole; throws `bad_input` otherwise, with everything that is wrong with it.
 */
export async function setConfigValue(input: SetConfigInput): Promise<ConfigSetResult> {
  const keys = new KeyTable(input.pluginSettings)
  const {key, entry} = findKey(input.key, keys)
  const value = checkedValue(keys, key, entry, input.value)
  const file = input.target === 'user' ? await readConfigFile(userFileIn(input.configDir)) : await readProjectFile(input.cwd)
  if (file?.problem) throw configError([file.problem], input.cwd)
  const path = file?.path ?? (input.target === 'user' ? userFileIn(input.configDir) : join(resolve(input.cwd), PROJECT_FILE_NAME))
  const text = await edited(keys, file?.text ?? '', path, [...sectionAndName(key), ...(entry === null ? [] : [entry])], value, input.cwd)
  await replaceFile(path, text, input.target === 'user' ? 0o600 : 0o644)
  const shown = isSecret(key, keys.definitionOf(key), entry) ? HIDDEN_VALUE : value
  return {key: input.key, value: shown, file: path, created: file === null, overridden_by: await overriding(input, key, entry, path)}
}

function checkedValue(keys: KeyTable, key: string, entry: string | null, text: string): NonNullable<WrittenValue> {
  if (entry !== null) {
    if (!text.includes('\0')) return text
    throw new RunctlError('bad_input', `${key}.${entry}: a value cannot contain a NUL character`)
  }
  const definition = keys.definitionOf(key)
  if (definition.type === 'map') {
    throw new RunctlError('bad_input', `${key} is set name by name`, {next: [`runctl config set ${key}.NAME VALUE`]})
  }
  const value = valueFromText(definition, text)
  const objection = objectionTo(definition, value)
  if (value !== null && objection === null) return value
  const more = objection === null || objection === '' ? '' : `; ${objection}`
  throw new RunctlError('bad_input', `${key}: expected ${expectation(definition)}, found ${tomlString(text.slice(0, 60))}${more}`)
}

async function edited(keys: KeyTable, text: string, file: string, path: readonly string[], value: NonNullable<WrittenValue>, cwd: string): Promise<string> {
  const parsed = await parseToml(text)
  if ('error' in parsed) throw configError((await readLayer(text, file, keys)).problems, cwd)
  const existing = parsed.document.items.find(item => item.path.join('\0') === path.join('\0'))
  const table = existing !== undefined && (isTable(existing.content) || !('range' in existing.content)) ? existing : undefined
  if (table !== undefined) {
    const {line, column} = table
    throw configError([{file, line, column, key: path.join('.'), message: `${path.join('.')} is a table here: take it out first`}], cwd)
  }
  const result = setInToml(parsed.document, path, tomlValue(value))
  const {problems} = await readLayer(result, file, keys)
  if (problems.length > 0) throw configError(problems, cwd)
  return result
}

async function overriding(input: SetConfigInput, key: string, entry: string | null, file: string): Promise<string | null> {
  // What is wrong in another layer is not this command's business.
  const {configuration} = await readConfiguration(input)
  const origin: ConfigOrigin = configuration.origin(key, entry ?? undefined)
  if (origin.file === file) return null
  return origin.variable ?? origin.file
}
