/** Checks what a plugin declares under `runctl` in its package.json. */
import type {DeclaredFlag, DeclaredPlatform, DeclaredSetting, PluginBlock} from '../../model/plugin-block.js'
import {nearestName} from '../../model/nearest-name.js'

const NAME = /^[a-z][a-z0-9-]*$/
const SETTING_NAME = /^[a-z][a-z0-9_]*$/
const FLAG_TYPES = ['boolean', 'integer', 'string'] as const
const SETTING_TYPES = ['boolean', 'duration', 'integer', 'list', 'map', 'number', 'string'] as const
/** `runctl.settings.x` without a name of its own would be taken for these by any object in JavaScript. */
const UNUSABLE = ['constructor', 'prototype']

/** `block` only where nothing is wrong; what is wrong is said by its place: `runctl.platforms.shed.createFlags.shelf: …`. */
export type BlockReading = {readonly block: PluginBlock} | {readonly problems: readonly string[]}

/** What stands under `runctl` in package.json, apart from the version of the API, which the caller has looked at. */
export function readPluginBlock(value: unknown): BlockReading {
  const reader = new BlockReader()
  const block = reader.read(value)
  return reader.problems.length === 0 ? {block} : {problems: reader.problems}
}

type Json = Readonly<Record<string, unknown>>

class BlockReader {
  readonly problems: string[] = []

  read(value: unknown): PluginBlock {
    const {apiVersion, platforms, settings} = this.#object(value, 'runctl', ['apiVersion', 'platforms', 'settings'])
    if (!Number.isInteger(apiVersion)) this.#say('runctl.apiVersion', 'expected a whole number', apiVersion)
    return {
      apiVersion: Number(apiVersion),
      platforms: this.#named(platforms, 'runctl.platforms', NAME, (one, place) => this.#platform(one, place)),
      settings: this.#named(settings, 'runctl.settings', NAME, (one, place) => this.#named(one, place, SETTING_NAME, (setting, at) => this.#setting(setting, at))),
    }
  }

  #platform(value: unknown, place: string): DeclaredPlatform {
    const {createFlags, description} = this.#object(value, place, ['description', 'createFlags'])
    return {description: this.#line(description, `${place}.description`), createFlags: this.#named(createFlags, `${place}.createFlags`, NAME, (one, at) => this.#flag(one, at))}
  }

  #flag(value: unknown, place: string): DeclaredFlag {
    const {multiple, options, summary, type} = this.#object(value, place, ['type', 'summary', 'options', 'multiple'])
    const isString = type === 'string'
    const isOptions = isString && Array.isArray(options) && options.length > 0 && options.every(one => typeof one === 'string' && one !== '')
    if (options !== undefined && !isOptions) this.#say(`${place}.options`, isString ? 'expected a list of strings that is not empty' : 'only a flag of the type "string" has options', options)
    if (multiple !== undefined && typeof multiple !== 'boolean') this.#say(`${place}.multiple`, 'expected true or false', multiple)
    else if (multiple === true && !isString) this.#say(`${place}.multiple`, 'only a flag of the type "string" can be given several times', multiple)
    return {
      type: this.#choice(type, `${place}.type`, FLAG_TYPES),
      summary: this.#line(summary, `${place}.summary`),
      ...(isOptions ? {options: options as readonly string[]} : {}),
      ...(multiple === true ? {multiple} : {}),
    }
  }

  #setting(value: unknown, place: string): DeclaredSetting {
    const {description, secret, type} = this.#object(value, place, ['type', 'description', 'secret'])
    if (secret !== undefined && typeof secret !== 'boolean') this.#say(`${place}.secret`, 'expected true or false', secret)
    return {
      type: this.#choice(type, `${place}.type`, SETTING_TYPES),
      description: this.#line(description, `${place}.description`),
      ...(secret === true ? {secret} : {}),
    }
  }

  /** A table of things by name; absent is empty. */
  #named<T>(value: unknown, place: string, pattern: RegExp, read: (value: unknown, place: string) => T): Readonly<Record<string, T>> {
    if (value === undefined) return {}
    if (!isJson(value)) {
      this.#say(place, 'expected an object', value)
      return {}
    }
    for (const name of Object.keys(value)) {
      if (!pattern.test(name) || UNUSABLE.includes(name)) this.#say(place, `a name here is lower case letters, digits and '${pattern === NAME ? '-' : '_'}', beginning with a letter`, name)
    }
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, read(one, `${place}.${name}`)]))
  }

  #object(value: unknown, place: string, keys: readonly string[]): Json {
    if (!isJson(value)) {
      this.#say(place, 'expected an object', value)
      return {}
    }
    for (const key of Object.keys(value).filter(one => !keys.includes(one))) {
      const nearest = nearestName(key, keys)
      this.problems.push(`${place}: unknown key ${shown(key)}; ${nearest === null ? `known are ${keys.join(', ')}` : `did you mean ${nearest}?`}`)
    }
    return value
  }

  #choice<T extends string>(value: unknown, place: string, choices: readonly T[]): T {
    const found = choices.find(one => one === value)
    if (found === undefined) this.#say(place, `expected one of ${choices.join(', ')}`, value)
    return found ?? (choices[0] as T)
  }

  #line(value: unknown, place: string): string {
    if (typeof value === 'string' && value.trim() !== '' && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)) return value
    this.#say(place, 'expected a line of text', value)
    return ''
  }

  #say(place: string, what: string, found: unknown): void {
    this.problems.push(`${place}: ${what}${found === undefined ? ', found nothing' : `, found ${shown(found)}`}`)
  }
}

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const shown = (value: unknown): string => JSON.stringify(value).slice(0, 60)
