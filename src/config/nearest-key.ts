import {nearestName} from '../model/nearest-name.js'
import type {KeyTable} from './key-table.js'
import {sectionAndName} from './keys.js'

/** The key that was probably meant: the right name in the wrong section, else one that is near as a whole, else one whose name is near. */
export function nearestKey(written: string, {names}: KeyTable): string | null {
  const name = written.slice(written.lastIndexOf('.') + 1)
  const elsewhere = names.find(key => sectionAndName(key)[1] === name)
  if (elsewhere !== undefined) return elsewhere
  const wanted = nearestName(written, names)
  const wantedName = nearestName(name, names.map(key => sectionAndName(key)[1]))
  return names.find(key => (wanted === null ? sectionAndName(key)[1] === wantedName : key === wanted)) ?? null
}
