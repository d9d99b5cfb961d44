import {RunctlError} from '../model/errors.js'
import type {KeyTable} from './key-table.js'
import {nearestKey} from './nearest-key.js'
import {tomlString} from './toml-text.js'
import {objectionToEntry} from './value-rules.js'

/** A key as the user names it: `stop.grace`, or with the name of an entry: `train.env.OMP_NUM_THREADS`. Throws `bad_input`. */
export function findKey(text: string, keys: KeyTable): {readonly key: string; readonly entry: string | null} {
  const exact = keys.names.find(key => key === text)
  if (exact !== undefined) return {key: exact, entry: null}
  const map = keys.names.find(key => keys.definitionOf(key).type === 'map' && text.startsWith(`${key}.`))
  const definition = map === undefined ? null : keys.definitionOf(map)
  if (map !== undefined && definition?.type === 'map') {
    const entry = text.slice(map.length + 1)
    const objection = objectionToEntry(entry, definition)
    if (objection === null) return {key: map, entry}
    throw new RunctlError('bad_input', `${tomlString(entry)} ${objection}`)
  }
  const nearest = nearestKey(text, keys)
  const known = nearest === null ? `known are ${keys.names.join(', ')}` : `did you mean ${nearest}?`
  throw new RunctlError('bad_input', `unknown configuration key ${tomlString(text)}; ${known}`, {next: ['runctl config show']})
}
