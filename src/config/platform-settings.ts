import type {Configuration} from './load-configuration.js'
import {CONFIG_KEY_NAMES, sectionAndName} from './keys.js'

/** What the section of a platform's name says, by the keys' names in it, wherever it is set; only what is set: `{region: 'eu-central-1'}`. */
export function platformSettings(configuration: Pick<Configuration, 'origin' | 'written'>, platform: string): Readonly<Record<string, unknown>> {
  const set = CONFIG_KEY_NAMES.filter(key => sectionAndName(key)[0] === platform && configuration.origin(key).source !== 'default')
  return Object.fromEntries(set.map(key => [sectionAndName(key)[1], configuration.written(key)]))
}
