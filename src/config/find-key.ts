import {RunctlError} from '../model/errors.js'
import {CONFIG_KEY_NAMES, definitionOf, type ConfigKey} from './keys.js'
import {nearestKey} from './nearest-key.js'
import {tomlString} from './toml-text.js'
import {objectionToVariable} from './value-rules.js'

/** A key as the user names it: `stop.grace`, or with the name of an entry: `train.env.OMP_NUM_THREADS`. Throws `bad_input`. */
export function findKey(text: string): {readonly key: ConfigKey; readonly entry: string | null} {
  const exact = CONFIG_KEY_NAMES.find(key => key === text)
  if (exact !== undefined) return {key: exact, entry: null}
  const map = CONFIG_KEY_NAMES.find(key => definitionOf(key).type === 'map' && text.startsWith(`${key}.`))
  if (map !== undefined) {
    const entry = text.slice(map.length + 1)
    const objection = objectionToVariable(entry)
    if (objection === null) return {key: map, entry}
    throw new RunctlError('bad_input', `${tomlString(entry)} ${objection}`)
  }
  const nearest = nearestKey(text)
  const known = nearest === null ? `known are ${CONFIG_KEY_NAMES.join(', ')}` : `did you mean ${nearest}?`
  throw new RunctlError('bad_input', `unknown configuration key ${tomlString(text)}; ${known}`, {next: ['runctl config show']})
}
