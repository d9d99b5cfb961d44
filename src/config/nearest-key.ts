import {nearestName} from '../model/nearest-name.js'
import {CONFIG_KEY_NAMES, sectionAndName, type ConfigKey} from './keys.js'

/** The key that was probably meant: the right name in the wrong section, else one that is near as a whole, else one whose name is near. */
export function nearestKey(written: string): ConfigKey | null {
  const name = written.slice(written.lastIndexOf('.') + 1)
  const elsewhere = CONFIG_KEY_NAMES.find(key => sectionAndName(key)[1] === name)
  if (elsewhere !== undefined) return elsewhere
  const wanted = nearestName(written, CONFIG_KEY_NAMES)
  const wantedName = nearestName(name, CONFIG_KEY_NAMES.map(key => sectionAndName(key)[1]))
  return CONFIG_KEY_NAMES.find(key => (wanted === null ? sectionAndName(key)[1] === wantedName : key === wanted)) ?? null
}
