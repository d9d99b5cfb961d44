/**
 * The form-encoded requests and XML answers of EC2, STS and IAM, by the service models that the SDK's packages export:
 * handlers read and give the SDK's own types, and every name on the wire is the model's.
 */

import {ServiceError} from './types.js'
import type {XmlValue} from './xml.js'

/** A schema of the SDK: a number for simple types, an array for the others, `unit` for nothing, or a function that gives it. */
export type Schema = number | readonly unknown[] | 'unit' | (() => Schema)

/** EC2 has names and lists of its own. */
export type Dialect = 'ec2' | 'query'

interface Shape {
  readonly kind: 'boolean' | 'list' | 'number' | 'structure' | 'text' | 'time'
  /** Of a list's entries. */
  readonly entry: Schema
  readonly members: readonly {readonly name: string; readonly schema: Schema; readonly traits: Traits}[]
}

type Traits = Readonly<Record<string, unknown>>

/** The schemas of an operation's request and answer. */
export function operationSchemas(operation: unknown): {readonly input: Schema; readonly output: Schema} {
  const [, , , , input, output] = operation as readonly [unknown, unknown, unknown, unknown, Schema, Schema]
  return {input, output}
}

/** @throws ServiceError for a parameter that the model does not know, or of a wrong type. */
export function decodeForm(form: URLSearchParams, schema: Schema, dialect: Dialect): Record<string, unknown> {
  const left = new Map([...form].filter(([name]) => name !== 'Action' && name !== 'Version'))
  const value = decode(left, '', schema, dialect) as Record<string, unknown> | undefined
  const [unknown] = left.keys()
  if (unknown !== undefined) throw new ServiceError('UnknownParameter', `The parameter ${unknown} is not recognized`)
  return value ?? {}
}

function decode(left: Map<string, string>, path: string, schema: Schema, dialect: Dialect): unknown {
  const shape = shapeOf(schema)
  if (shape.kind === 'structure') {
    const entries = shape.members.flatMap(({name, schema: inner, traits}) => {
      const value = decode(left, join(path, queryName(name, traits, dialect)), inner, dialect)
      return value === undefined ? [] : [[name, value] as const]
    })
    return entries.length === 0 ? undefined : Object.fromEntries(entries)
  }
  if (shape.kind === 'list') {
    const start = dialect === 'ec2' ? path : `${path}.member`
    const numbers = [...left.keys()].filter((key) => key.startsWith(`${start}.`)).map((key) => Number.parseInt(key.slice(start.length + 1), 10))
    const values = [...new Set(numbers)].sort((a, b) => a - b).map((number) => decode(left, `${start}.${number}`, shape.entry, dialect))
    return values.length === 0 ? undefined : values
  }
  const text = left.get(path)
  left.delete(path)
  return text === undefined ? undefined : decodeSimple(text, shape.kind, path)
}

function decodeSimple(text: string, kind: Shape['kind'], path: string): unknown {
  if (kind === 'boolean') return text === 'true'
  if (kind === 'time') return new Date(text)
  if (kind !== 'number') return text
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new ServiceError('InvalidParameterValue', `Invalid value '${text}' for ${path}`)
  return Number(text)
}

/** What the XML writer takes, in the model's order of members. */
export function encodeXml(value: unknown, schema: Schema, dialect: Dialect): XmlValue {
  const shape = shapeOf(schema)
  if (value === undefined || value === null) return null
  if (shape.kind === 'list') return (value as readonly unknown[]).map((entry) => encodeXml(entry, shape.entry, dialect))
  if (shape.kind !== 'structure') return value as XmlValue
  const given = value as Record<string, unknown>
  return Object.fromEntries(
    shape.members.map(({name, schema: inner, traits}) => [textTrait(traits, 'xmlName') ?? name, encodeXml(given[name], inner, dialect)]),
  )
}

function queryName(name: string, traits: Traits, dialect: Dialect): string {
  const xmlName = textTrait(traits, 'xmlName')
  if (dialect === 'query') return xmlName ?? name
  const ec2Name = textTrait(traits, 'ec2QueryName')
  return ec2Name ?? (xmlName === null ? name : xmlName.slice(0, 1).toUpperCase() + xmlName.slice(1))
}

function textTrait(traits: Traits, name: string): string | null {
  const value = traits[name]
  return typeof value === 'string' ? value : null
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

const LIST_OF = 64
const SIMPLE: Readonly<Record<number, Shape['kind']>> = {0: 'text', 1: 'number', 2: 'boolean', 4: 'time', 5: 'time', 6: 'time', 7: 'time', 17: 'number', 19: 'number', 21: 'text'}
const LIST_SCHEMA = 1
const STRUCTURE_SCHEMA = 3

function shapeOf(schema: Schema): Shape {
  const resolved = resolve(schema)
  if (resolved === 'unit') return {kind: 'structure', entry: 0, members: []}
  if (typeof resolved === 'number') {
    if (resolved >= LIST_OF) return {kind: 'list', entry: resolved - LIST_OF, members: []}
    return {kind: SIMPLE[resolved] ?? 'text', entry: 0, members: []}
  }
  // What an operation without an answer is declared to give.
  if (!Array.isArray(resolved)) return {kind: 'structure', entry: 0, members: []}
  if (resolved[0] === LIST_SCHEMA) return {kind: 'list', entry: target(resolved[4] as Schema), members: []}
  if (resolved[0] === STRUCTURE_SCHEMA) {
    const names = resolved[4] as readonly string[]
    const schemas = resolved[5] as readonly Schema[]
    return {kind: 'structure', entry: 0, members: names.map((name, index) => ({name, schema: target(schemas[index] ?? 0), traits: traitsOf(schemas[index] ?? 0)}))}
  }
  // A simple type of its own name: `[0, namespace, name, traits, type]`.
  return shapeOf(resolved[4] as Schema)
}

/** A member or entry may stand with traits: `[schema, {xmlName: 'item'}]`; a schema's own array has its namespace second. */
function target(schema: Schema): Schema {
  const resolved = resolve(schema)
  return Array.isArray(resolved) && typeof resolved[1] !== 'string' ? (resolved[0] as Schema) : resolved
}

function traitsOf(schema: Schema): Traits {
  const resolved = resolve(schema)
  if (typeof resolved === 'number' || typeof resolved[1] !== 'object' || resolved[1] === null) return {}
  return resolved[1] as Traits
}

function resolve(schema: Schema): number | readonly unknown[] | 'unit' {
  return typeof schema === 'function' ? resolve(schema()) : schema
}
