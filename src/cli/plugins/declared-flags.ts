/** The flags of `create` that a plugin declares, as oclif wants them: to parse, and as it keeps them of commands that are not loaded. */
import {Flags, type Command} from '@oclif/core'

import type {DeclaredFlag} from '../../model/plugin-block.js'
import type {CreateFlags} from '../create-options.js'

type Declared = Readonly<Record<string, DeclaredFlag>>

export function createFlagsOf(declared: Declared): CreateFlags {
  return Object.fromEntries(Object.entries(declared).map(([name, flag]) => [name, asFlag(flag)]))
}

function asFlag({multiple = false, options, summary, type}: DeclaredFlag): CreateFlags[string] {
  switch (type) {
    case 'boolean':
      return Flags.boolean({summary})
    case 'integer':
      return Flags.integer({summary})
    case 'string': {
      const limited = options === undefined ? {} : {options: [...options]}
      return multiple ? Flags.string({summary, multiple: true, multipleNonGreedy: true, ...limited}) : Flags.string({summary, ...limited})
    }
  }
}

export function cachedFlagsOf(declared: Declared): Readonly<Record<string, Command.Flag.Cached>> {
  return Object.fromEntries(Object.entries(declared).map(([name, {multiple = false, options, summary, type}]) => [
    name,
    type === 'boolean'
      ? {name, summary, type, allowNo: false}
      : {name, summary, type: 'option', multiple, hasDynamicHelp: false, ...(options === undefined ? {} : {options: [...options]})},
  ]))
}
