import type {Configuration} from './load-configuration.js'
import {sectionAndName} from './keys.js'

type Read = Pick<Configuration, 'keys' | 'origin' | 'read'>
type Settings = Readonly<Record<string, unknown>>

/**
 * What the section of a platform's name says, by the keys' names in it, wherever it is set; only what is set: `{region: 'eu-central-1'}`. Durations
 * are milliseconds.
 */
export function platformSettings(configuration: Read, platform: string): Settings {
  const set = configuration.keys.names.filter(key => sectionAndName(key)[0] === platform && configuration.origin(key).source !== 'default')
  return Object.fromEntries(set.map(key => [sectionAndName(key)[1], configuration.read(key)]))
}

/** The same of each section that plugins declare, for their steps. */
export function pluginSettings(configuration: Read): Readonly<Record<string, Settings>> {
  return Object.fromEntries(configuration.keys.declaredSections.map(section => [section, platformSettings(configuration, section)]))
}
