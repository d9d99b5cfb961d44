import {readFileSync} from 'node:fs'

/** An object; empty for a file that is not there, or is anything else: a completion says nothing of it. */
export function readJson(file: string): Readonly<Record<string, unknown>> {
  try {
    return asObject(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return {}
  }
}

export const asObject = (value: unknown): Readonly<Record<string, unknown>> =>
  (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {})

/** Those of a list that are objects. */
export const objectsIn = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  (Array.isArray(value) ? value.filter((one: unknown): one is Readonly<Record<string, unknown>> => typeof one === 'object' && one !== null) : [])
