import {Flags} from '@oclif/core'

import type {Configuration} from '../config/load-configuration.js'
import {formatDuration, parseDuration} from '../model/duration.js'
import {RunctlError} from '../model/errors.js'
import type {LimitName, Limits, LimitWish} from '../model/limits.js'

const MOST_HOURS = 8760
const MOST_USD = 1_000_000
const GROUP = 'LIMITS'

/** The value of these flags that switches a limit off. */
const OFF = 0
const isOff = (text: string): boolean => /^\s*(0+(\.0*)?|none|off)\s*$/i.test(text)

/** A number above 0, fractions allowed; 0 for `none`. */
function amountFlag(most: number, what: string): ReturnType<typeof Flags.custom<number>> {
  return Flags.custom<number>({
    helpGroup: GROUP,
    parse: async input => {
      if (isOff(input)) return OFF
      const value = /^\s*(\d+\.?\d*|\.\d+)\s*$/.test(input) ? Number(input) : Number.NaN
      if (value > 0 && value <= most) return value
      throw new RunctlError('bad_input', `${JSON.stringify(input)} is not a number of ${what} above 0 and up to ${most}, or none`)
    },
  })
}

/** At least a second; 0 for `none`. Milliseconds. */
const spanFlag = Flags.custom<number>({
  helpGroup: GROUP,
  parse: async input => {
    if (isOff(input)) return OFF
    const ms = parseDuration(input)
    if (ms === 0 || ms >= 1000) return ms
    throw new RunctlError('bad_input', `${JSON.stringify(input)} is shorter than a second`)
  },
})

export const hoursFlag = amountFlag(MOST_HOURS, 'hours')
export const usdFlag = amountFlag(MOST_USD, 'US dollars')
export const idleFlag = spanFlag

/** Limits that the machine keeps by itself, on commands that make or start one or a training on it. */
export const limitFlags = {
  'max-hours': hoursFlag({helpValue: '<hours>|none', summary: 'The machine saves and stops itself after so many hours of running, also with nobody there. Default: limits.max_hours of the configuration.'}),
  'max-cost': usdFlag({helpValue: '<USD>|none', summary: 'The same when machine and disks have cost so many US dollars. Default: limits.max_cost.'}),
  idle: idleFlag({helpValue: '<duration>|none', summary: 'The same after so long without a run that progresses and without a login: 30m. Default: limits.idle.'}),
}

export interface LimitFlagValues {
  readonly 'max-hours': number | undefined
  readonly 'max-cost': number | undefined
  /** Milliseconds. */
  readonly idle: number | undefined
}

/** Flags over configuration. What a flag says counts for every machine, what the configuration says for one that has no such limit. */
export function limitWish(flags: LimitFlagValues, config: Configuration): LimitWish {
  const idleMs = config.get('limits.idle')
  const given = limitsFrom({max_seconds: times(flags['max-hours'], 3600), max_usd: flags['max-cost'], idle_s: times(flags.idle, 0.001)})
  const configured = limitsFrom({max_seconds: times(config.get('limits.max_hours') ?? undefined, 3600), max_usd: config.get('limits.max_cost') ?? undefined, idle_s: idleMs === 0 ? undefined : idleMs / 1000})
  return {
    set: given,
    defaults: Object.fromEntries(Object.entries(configured).filter(([name]) => given[name as LimitName] === undefined)),
    overrun_s: config.get('limits.overrun') / 1000,
  }
}

type Amounts = {readonly [name in LimitName]: number | undefined}

function limitsFrom(amounts: Amounts): Partial<Limits> {
  return Object.fromEntries(Object.entries(amounts).flatMap(([name, amount]) => (amount === undefined ? [] : [[name, amount === OFF ? null : amount]])))
}

const times = (amount: number | undefined, factor: number): number | undefined => (amount === undefined ? undefined : amount * factor)

/** These flags as words of a command that can be pasted. */
export function typedLimits(flags: LimitFlagValues): readonly string[] {
  const word = (flag: keyof LimitFlagValues, write: (value: number) => string): readonly string[] => {
    const value = flags[flag]
    return value === undefined ? [] : [`--${flag}`, value === OFF ? 'none' : write(value)]
  }
  return [...word('max-hours', String), ...word('max-cost', String), ...word('idle', formatDuration)]
}

/** What starts a training, with its limits. */
export const withLimits = <T extends {readonly typedFlags?: readonly string[]}>(input: T, flags: LimitFlagValues, config: Configuration): T & {readonly limits: LimitWish; readonly typedFlags: readonly string[]} =>
  ({...input, limits: limitWish(flags, config), typedFlags: [...(input.typedFlags ?? []), ...typedLimits(flags)]})
