import type {DeclaredSetting, PluginBlock} from '../model/plugin-block.js'
import {CONFIG_KEYS, CONFIG_SECTIONS, type KeyDefinition} from './keys.js'

/** The keys that count here: runctl's own, and those that the plugins of this machine declare. */
export class KeyTable {
  readonly #definitions: ReadonlyMap<string, KeyDefinition>
  /** `section.name`, runctl's own first. */
  readonly names: readonly string[]
  readonly sections: readonly string[]
  /** Of plugins. */
  readonly declaredSections: readonly string[]

  constructor(declared: PluginBlock['settings'] = {}) {
    const ofPlugins = Object.entries(declared).flatMap(([section, settings]) => Object.entries(settings).map(([name, setting]) => [`${section}.${name}`, definitionOf(setting)] as const))
    this.#definitions = new Map<string, KeyDefinition>([...Object.entries(CONFIG_KEYS), ...ofPlugins])
    this.names = [...this.#definitions.keys()]
    this.declaredSections = Object.keys(declared)
    this.sections = [...CONFIG_SECTIONS, ...this.declaredSections]
  }

  /** Throws a TypeError for a key that is not in the table. */
  definitionOf(key: string): KeyDefinition {
    const definition = this.#definitions.get(key)
    if (definition === undefined) throw new TypeError(`no such configuration key: ${key}`)
    return definition
  }
}

function definitionOf({description: text, secret, type}: DeclaredSetting): KeyDefinition {
  const common = {description: text, isDeclared: true, isSecret: secret === true} as const
  switch (type) {
    case 'list':
      return {...common, type, default: []}
    case 'map':
      return {...common, type, default: {}, names: 'plain'}
    default:
      return {...common, type, default: null}
  }
}
