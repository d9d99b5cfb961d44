/** From the text of one file to values by key, with every problem in it. */
import type {WrittenValue} from '../model/config-answers.js'
import type {KeyTable} from './key-table.js'
import {sectionAndName, type KeyDefinition} from './keys.js'
import {nearestName} from '../model/nearest-name.js'
import {nearestKey} from './nearest-key.js'
import type {ConfigProblem} from './problem.js'
import {parseToml, isTable, type TomlDocument, type TomlItem} from './toml-syntax.js'
import {tomlKey, tomlString} from './toml-text.js'
import {expectation, objectionTo, objectionToEntry} from './value-rules.js'

export interface LayerValue {
  readonly value: WrittenValue
  readonly line: number
}

export interface LayerEntry {
  readonly value: string
  readonly line: number
}

export interface Layer {
  /** Without the keys of maps. */
  readonly values: ReadonlyMap<string, LayerValue>
  /** Entries of maps, by the map's key and the entry's name. */
  readonly entries: ReadonlyMap<string, ReadonlyMap<string, LayerEntry>>
  readonly problems: readonly ConfigProblem[]
}

export async function readLayer(text: string, file: string, keys: KeyTable): Promise<Layer> {
  const parsed = await parseToml(text)
  if ('document' in parsed) return new LayerReader(file, keys).read(parsed.document)
  const {line, column, message} = parsed.error
  return {values: new Map(), entries: new Map(), problems: [{file, line, column, key: null, message: `not valid TOML: ${message}`}]}
}

class LayerReader {
  readonly #values = new Map<string, LayerValue>()
  readonly #entries = new Map<string, Map<string, LayerEntry>>()
  readonly #problems: ConfigProblem[] = []
  readonly #reported = new Set<string>()

  constructor(readonly file: string, private readonly keys: KeyTable) {}

  read(document: TomlDocument): Layer {
    for (const item of document.items) this.#readItem(item)
    return {values: this.#values, entries: this.#entries, problems: this.#problems}
  }

  #readItem(item: TomlItem): void {
    const [section = '', name, entry] = item.path
    if (!this.keys.sections.includes(section)) return this.#report(item, 1, this.#unknownSection(item.path))
    if (name === undefined) {
      if (!isTable(item.content)) this.#report(item, 1, `${section} is a section: expected [${section}], found ${found(item.content)}`)
      return
    }
    // By section and name, not by the dotted text: a quoted key may contain a dot.
    const key = this.keys.names.find(candidate => sectionAndName(candidate).join('\0') === `${section}\0${name}`)
    if (key === undefined) return this.#report(item, 2, this.#unknownKey(item.path))
    const definition = this.keys.definitionOf(key)
    if (definition.type === 'map') return this.#readMap(item, key, definition, entry)
    if (item.path.length > 2) return this.#report(item, 2, `${key}: expected ${expectation(definition)}, found a table`)
    this.#readValue(item, key, definition)
  }

  #readValue(item: TomlItem, key: string, definition: KeyDefinition): void {
    const value = staticValue(item.content)
    const objection = value === undefined ? '' : objectionTo(definition, value)
    if (value !== undefined && objection === null) this.#values.set(key, {value, line: item.line})
    else this.#report(item, 2, sentence(`${key}: expected ${expectation(definition)}, found ${found(item.content)}`, objection))
  }

  #readMap(item: TomlItem, key: string, definition: KeyDefinition & {readonly type: 'map'}, name: string | undefined): void {
    if (name === undefined) {
      if (!isTable(item.content)) this.#report(item, 2, `${key}: expected ${expectation(definition)}, found ${found(item.content, false)}`)
      return
    }
    const shown = tomlKey(item.path)
    const objection = objectionToEntry(name, definition)
    if (objection !== null) return this.#report(item, 3, `${shown}: ${tomlString(name)} ${objection}`)
    const value = item.path.length > 3 ? undefined : staticValue(item.content)
    if (typeof value !== 'string' || value.includes('\0')) {
      const what = item.path.length > 3 ? 'a table' : found(item.content, false)
      return this.#report(item, 3, `${shown}: expected a string, found ${what}`)
    }
    const entries = this.#entries.get(key) ?? new Map<string, LayerEntry>()
    this.#entries.set(key, entries.set(name, {value, line: item.line}))
  }

  #unknownSection(path: readonly string[]): string {
    const [section = '', name] = path
    const nearest = nearestName(section, this.keys.sections)
    if (name === undefined || nearest === null) {
      // A key outside its section is as likely as a slip in a section's name.
      const key = this.keys.names.find(candidate => sectionAndName(candidate)[1] === section)
      if (key !== undefined) return `unknown section ${tomlKey([section])}; did you mean ${key}?`
    }
    const hint = nearest === null ? `known are ${this.keys.sections.join(', ')}; others are those of plugins, see \`runctl plugins\`` : `did you mean ${nearest}?`
    return sentence(`unknown section ${tomlKey([section])}`, hint)
  }

  #unknownKey(path: readonly string[]): string {
    const written = tomlKey(path.slice(0, 2))
    const nearest = nearestKey(path.slice(0, 2).join('.'), this.keys)
    return sentence(`unknown key ${written}`, nearest === null ? '' : `did you mean ${nearest}?`)
  }

  /** One problem for all that shares the first `parts` of a path: an unknown section is one mistake, not one a line. */
  #report(item: TomlItem, parts: number, message: string): void {
    const id = JSON.stringify(item.path.slice(0, parts))
    if (this.#reported.has(id)) return
    this.#reported.add(id)
    this.#problems.push({file: this.file, line: item.line, column: item.column, key: tomlKey(item.path), message})
  }
}

/** undefined for what no key takes: broken numbers, dates, lists of other things. */
function staticValue(content: TomlItem['content']): WrittenValue | undefined {
  if (content.type === 'TOMLValue') return content.kind === 'string' || content.kind === 'boolean' || content.kind === 'integer' || content.kind === 'float' ? content.value : undefined
  if (content.type !== 'TOMLArray') return undefined
  const values = content.elements.map(element => staticValue(element))
  return values.every(value => typeof value === 'string') ? values : undefined
}

/** `withValue` is false where the value may be a secret. */
function found(content: TomlItem['content'], withValue = true): string {
  if (content.type === 'array of tables') return 'an array of tables'
  if (content.type === 'table' || content.type === 'TOMLInlineTable') return 'a table'
  if (content.type === 'TOMLArray') {
    const odd = content.elements.find(element => element.type !== 'TOMLValue' || element.kind !== 'string' || element.value.trim() === '')
    return odd === undefined || !withValue ? 'a list' : `a list with ${found(odd)}`
  }
  const isTime = content.kind.includes('-')
  const kind = isTime ? 'date or time' : content.kind
  const value = content.kind === 'string' ? tomlString(content.value) : String(content.value)
  if (isTime || !withValue) return `a${/^[aeiou]/.test(kind) ? 'n' : ''} ${kind}`
  return `the ${kind} ${value.length > 60 ? `${value.slice(0, 60)}…` : value}`
}

function sentence(start: string, more: string | null): string {
  return more === null || more === '' ? start : `${start}; ${more}`
}
