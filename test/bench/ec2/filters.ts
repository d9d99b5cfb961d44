/** Filters, pages, dry runs and ids: what EC2's operations have in common. */

import type {Filter, Tag} from '@aws-sdk/client-ec2'

import {ServiceError} from '../types.js'

/** The values of a thing under a filter's name; null: no such filter. */
export type FilterValues<T> = (thing: T, name: string) => readonly string[] | null

const MAX_FILTER_VALUES = 200

export function filtered<T>(things: readonly T[], filters: readonly Filter[] | undefined, valuesOf: FilterValues<T>): T[] {
  for (const {Values} of filters ?? []) {
    if ((Values ?? []).length > MAX_FILTER_VALUES) throw new ServiceError('FilterLimitExceeded', 'The maximum number of filter values specified on a single call is 200')
  }
  const read = (filters ?? []).map(({Name = '', Values = []}) => ({name: Name, matches: matcher(Values)}))
  return things.filter((thing) =>
    read.every(({name, matches}) => {
      const values = valuesOf(thing, name)
      if (values === null) throw invalidFilter(name)
      return values.some(matches)
    }),
  )
}

/** Checks filters also where there is nothing to filter. */
export function checkFilters(filters: readonly Filter[] | undefined, names: readonly string[]): void {
  for (const {Name, Values} of filters ?? []) {
    if (!names.includes(Name ?? '') && !(Name ?? '').startsWith('tag:')) throw invalidFilter(Name ?? '')
    if ((Values ?? []).length === 0) throw new ServiceError('InvalidParameterValue', 'The filter value cannot be empty')
  }
}

function invalidFilter(name: string): ServiceError {
  return new ServiceError('InvalidParameterValue', `The filter '${name}' is invalid`)
}

/** Many values without wildcards, as ids are, are looked up rather than compared. */
function matcher(patterns: readonly string[]): (value: string) => boolean {
  const literal = new Set(patterns.filter((pattern) => !/[*?\\]/.test(pattern)))
  const others = patterns.filter((pattern) => !literal.has(pattern)).map(patternOf)
  return (value) => literal.has(value) || others.some((pattern) => pattern.test(value))
}

/** Unlike policies, filters heed case, and a backslash takes a wildcard's meaning away. */
function patternOf(pattern: string): RegExp {
  const wildcards: Readonly<Record<string, string>> = {'*': '.*', '?': '.'}
  const source = pattern.replaceAll(/\\([^])|[^]/g, (found: string, literal?: string) => (literal === undefined ? wildcards[found] : undefined) ?? escaped(literal ?? found))
  return new RegExp(`^${source}$`, 's')
}

function escaped(character: string): string {
  return character.replace(/[$()*+.?[\\\]^{|}]/, String.raw`\$&`)
}

/** `tag:NAME`, `tag-key` and `tag-value`; null for other names. */
export function tagValues(tags: ReadonlyMap<string, string>, name: string): readonly string[] | null {
  if (name === 'tag-key') return [...tags.keys()]
  if (name === 'tag-value') return [...tags.values()]
  if (!name.startsWith('tag:')) return null
  const value = tags.get(name.slice('tag:'.length))
  return value === undefined ? [] : [value]
}

export function tagList(tags: ReadonlyMap<string, string>): Tag[] {
  return [...tags].map(([Key, Value]) => ({Key, Value}))
}

export interface Page<T> {
  readonly entries: T[]
  readonly NextToken: string | undefined
}

const LARGEST_PAGE = 1000

export function paged<T>(things: readonly T[], maxResults: number | undefined, token: string | undefined, smallest = 5): Page<T> {
  if (maxResults !== undefined && (maxResults < smallest || maxResults > LARGEST_PAGE)) {
    throw new ServiceError('InvalidParameterValue', `Value ( ${maxResults} ) for parameter maxResults is invalid. Expecting a value between ${smallest} and 1000.`)
  }
  const start = token === undefined || token === '' ? 0 : readToken(token)
  const end = start + (maxResults ?? LARGEST_PAGE)
  return {entries: things.slice(start, end), NextToken: end < things.length ? Buffer.from(`page ${end}`).toString('base64') : undefined}
}

function readToken(token: string): number {
  const [, start] = /^page (\d+)$/.exec(Buffer.from(token, 'base64').toString()) ?? []
  if (start === undefined) throw new ServiceError('InvalidParameterValue', 'Unable to parse pagination token')
  return Number(start)
}

/** To be called when everything else has been checked. */
export function endDryRun(dryRun: boolean | undefined): void {
  if (dryRun === true) throw new ServiceError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412)
}

/** @throws ServiceError InvalidXID.Malformed */
export function checkId(id: string, prefix: string, kind: string): void {
  if (!new RegExp(`^${prefix}-[0-9a-f]{8}([0-9a-f]{9})?$`).test(id)) throw new ServiceError(`Invalid${kind}.Malformed`, `Invalid id: "${id}"`)
}
