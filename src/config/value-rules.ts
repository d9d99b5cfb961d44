/** What a value of each key must be like, whether it comes from a file, the environment or the command line. */
import type {WrittenValue} from '../model/config-answers.js'
import {tryParseDuration} from '../model/duration.js'
import {sectionAndName, type KeyDefinition} from './keys.js'
import {nearestName} from '../model/nearest-name.js'
import {PROJECT_NAME_PATTERN, PROJECT_NAME_RULE} from './project-name.js'
import {isList} from './toml-text.js'

/** Names of environment variables whose values are not shown. */
const SECRET_VARIABLE = /TOKEN|KEY|SECRET|PASSWORD|PASSWD|CREDENTIAL/i
/** Names of settings of plugins. A `host_key_file` is none. */
const SECRET_SETTING = /token|secret|passw(or)?d|credential|api_?key/
export const HIDDEN_VALUE = '***'

/** Whether only who asks for this one value gets it. runctl itself has no secrets among its keys. */
export function isSecret(key: string, definition: KeyDefinition, entry: string | null): boolean {
  if (definition.type === 'map' && definition.names === 'variables') return entry !== null && SECRET_VARIABLE.test(entry)
  return definition.isSecret === true || (definition.isDeclared === true && SECRET_SETTING.test(sectionAndName(key)[1]))
}

/** Says what is expected: `true or false`. Completes the sentence "expected …". */
export function expectation(definition: KeyDefinition): string {
  switch (definition.type) {
    case 'boolean':
      return 'true or false'
    case 'choice':
      return `one of ${definition.choices.map(choice => JSON.stringify(choice)).join(', ')}`
    case 'duration':
      return 'a duration such as "120s" or "2h"'
    case 'integer':
      return `a whole number${range(definition)}`
    case 'number':
      return `a number${range(definition)}`
    case 'list':
      return 'a list of strings, none of them empty'
    case 'map':
      return 'a table of strings by name'
    case 'name':
      return `a name: ${PROJECT_NAME_RULE}`
    case 'string':
      return 'a string that is not empty'
  }
}

/** null where the value will do; else what else there is to say, perhaps nothing (''). */
export function objectionTo(definition: KeyDefinition, value: WrittenValue): string | null {
  switch (definition.type) {
    case 'boolean':
      return typeof value === 'boolean' ? null : ''
    case 'choice': {
      if (typeof value !== 'string') return ''
      if (definition.choices.includes(value)) return null
      const nearest = nearestName(value, definition.choices)
      return nearest === null ? '' : `did you mean "${nearest}"?`
    }
    case 'duration':
      return typeof value === 'string' && tryParseDuration(value) !== null ? null : ''
    case 'integer':
      return typeof value === 'number' && Number.isSafeInteger(value) && isWithin(value, definition) ? null : ''
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) && isWithin(value, definition) ? null : ''
    case 'list':
      return isList(value) && value.every(isUsable) ? null : ''
    case 'map':
      return typeof value === 'object' && value !== null && !isList(value) ? null : ''
    case 'name':
      return typeof value === 'string' && PROJECT_NAME_PATTERN.test(value) ? null : ''
    case 'string':
      return typeof value === 'string' && isUsable(value) ? null : ''
  }
}

interface Range {
  readonly min?: number
  readonly max?: number
}

const range = ({max, min}: Range): string => (min === undefined || max === undefined ? '' : ` from ${min} to ${max}`)
const isWithin = (value: number, {max = Infinity, min = -Infinity}: Range): boolean => value >= min && value <= max

/** null where an entry of the map may have this name. */
export function objectionToEntry(name: string, {names}: KeyDefinition & {readonly type: 'map'}): string | null {
  if (names === 'variables') return objectionToVariable(name)
  return /^(?:[A-Za-z0-9._@-]+|\*)$/.test(name) ? null : 'is not a name here: letters, digits, ".", "_", "@" and "-", or "*" alone'
}

/** null where an environment variable may have this name. */
function objectionToVariable(name: string): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return 'is not a name for an environment variable: letters, digits and "_", not beginning with a digit'
  }
  if (name.startsWith('RUNCTL_')) return 'is set by runctl itself: choose a name that does not begin with RUNCTL_'
  return null
}

/** The value that a text from the environment or the command line stands for. It still has to pass {@link objectionTo}. */
export function valueFromText({type}: KeyDefinition, text: string): WrittenValue {
  switch (type) {
    case 'boolean': {
      const plain = text.trim().toLowerCase()
      if (['true', '1', 'yes', 'on'].includes(plain)) return true
      return ['false', '0', 'no', 'off'].includes(plain) ? false : text
    }
    case 'integer':
      return /^[+-]?\d+$/.test(text.trim()) ? Number(text) : text
    case 'number':
      return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text.trim()) ? Number(text) : text
    case 'list':
      return text
        .split(',')
        .map(part => part.trim())
        .filter(part => part !== '')
    default:
      return text
  }
}

function isUsable(text: string): boolean {
  return text.trim() !== '' && !text.includes('\0')
}
