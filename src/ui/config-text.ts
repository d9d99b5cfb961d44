import type {ConfigSetResult, ConfigSetting, ConfigShowResult, ConfigValidateResult, InitResult} from '../model/config-answers.js'
import {escapeControl, escapeLine} from './escape-control.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'
import {renderTable, type Column} from './table.js'

const COLUMNS: readonly Column<ConfigSetting>[] = [
  {header: 'KEY', value: setting => setting.key},
  {header: 'VALUE', value: setting => valueLines(setting.value).join(', '), minWidth: 20},
  {header: 'FROM', value: placeOf, minWidth: 12, cut: 'start', style: ({origin}) => (origin === 'default' ? 'dim' : undefined)},
]

/** Which files count, then every key; `text`: the keys alone. */
export function renderConfigShow(result: ConfigShowResult, env: RenderEnv): string {
  const table = renderTable(COLUMNS, result.settings, env, '')
  if (env.format === 'text') return table
  const none = 'none'
  return `${renderRecord([['project file', result.project_file ?? none], ['user file', result.user_file ?? none]], env)}\n\n${table}`
}

/** The bare value: lists an element a line, maps a NAME=value a line, nothing where it is unset. */
export function renderConfigGet(setting: ConfigSetting): string {
  return valueLines(setting.value).map(escapeControl).join('\n')
}

export function renderConfigSet(result: ConfigSetResult): string {
  const lines = [`${result.key} = ${valueLines(result.value).join(', ')} in ${result.file}${result.created ? ' (new file)' : ''}`]
  if (result.overridden_by !== null) lines.push(`It does not count now: ${result.overridden_by} sets it too and has the last word.`)
  return lines.map(escapeLine).join('\n')
}

export function renderConfigValidate({files}: ConfigValidateResult): string {
  if (files.length === 0) return 'valid: there is no configuration file, the defaults apply'
  return files.map(file => `valid: ${escapeLine(file)}`).join('\n')
}

export function renderInit(result: InitResult): string {
  const lines = [`${result.replaced ? 'Replaced' : 'Wrote'} ${result.file} for project ${result.project_name}.`]
  if (result.gitignore !== null) {
    const {added, file} = result.gitignore
    lines.push(added.length > 0 ? `Added ${added.join(', ')} to ${file}.` : 'Git ignores what a training writes already.')
  }
  if (result.hides !== null) lines.push(`From here on this file counts, and no longer ${result.hides}.`)
  return [...lines, 'Next: runctl local create', '      runctl doctor --platform aws'].map(escapeLine).join('\n')
}

function placeOf({origin, file, line, variable}: ConfigSetting): string {
  return variable ?? (file === null ? origin : `${origin} ${file}:${line}`)
}

function valueLines(value: ConfigSetting['value']): readonly string[] {
  if (value === null) return []
  if (typeof value !== 'object') return [String(value)]
  return isList(value) ? value : Object.entries(value).map(([name, text]) => `${name}=${text}`)
}

// Array.isArray alone does not narrow a readonly array.
function isList(value: object): value is readonly string[] {
  return Array.isArray(value)
}
