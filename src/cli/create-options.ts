import type {Interfaces} from '@oclif/core'

import type {CreateOption} from '../providers/provider.js'

/** Flags that a platform's own `create` adds. */
export type CreateFlags = Interfaces.FlagInput

/** The values of these flags as the provider gets them: by the flag's name, only those that were given. */
export function createOptions(flags: CreateFlags, values: Readonly<Record<string, unknown>>): Readonly<Record<string, CreateOption>> {
  const given = Object.keys(flags).flatMap(name => {
    const value = values[name]
    return isOption(value) && value !== false ? [[name, value] as const] : []
  })
  return Object.fromEntries(given)
}

function isOption(value: unknown): value is CreateOption {
  if (Array.isArray(value)) return value.every(one => typeof one === 'string')
  return ['boolean', 'number', 'string'].includes(typeof value)
}
