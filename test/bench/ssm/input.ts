/** Reading the fields of a request as strictly as SSM does. */

import {ServiceError} from '../types.js'

export type Input = Readonly<Record<string, unknown>>

/** @throws ServiceError ValidationException */
export function invalid(message: string): never {
  throw new ServiceError('ValidationException', `1 validation error detected: ${message}`)
}

export function optionalString(input: Input, name: string): string | null {
  const value = input[name]
  if (value === undefined || value === null) return null
  return typeof value === 'string' ? value : invalid(`Value at '${name}' is not a string`)
}

export function requiredString(input: Input, name: string): string {
  return optionalString(input, name) ?? invalid(`Value null at '${name}' failed to satisfy constraint: Member must not be null`)
}

export function integerBetween(input: Input, name: string, least: number, most: number, otherwise: number): number {
  const value = input[name]
  if (value === undefined || value === null) return otherwise
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  return invalid(`Value '${String(value)}' at '${name}' failed to satisfy constraint: Member must be between ${least} and ${most}`)
}

export function stringList(input: Input, name: string): string[] {
  const value = input[name]
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value
  return invalid(`Value at '${name}' is not a list of strings`)
}

/** A list of structures. */
export function objectList(input: Input, name: string): Input[] {
  const value = input[name]
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every((each) => typeof each === 'object' && each !== null)) return value as Input[]
  return invalid(`Value at '${name}' is not a list of structures`)
}

/** The bench would have to act on these and does not: a request that has them must not look accepted. */
export function refuseFields(input: Input, names: readonly string[]): void {
  for (const name of names) {
    if (input[name] !== undefined && input[name] !== null) throw new ServiceError('InternalServerError', `the bench does not know ${name}`, 500)
  }
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly token: string | null
}

/** @throws ServiceError InvalidNextToken */
export function page<T>(all: readonly T[], input: Input, most: number): Page<T> {
  const size = integerBetween(input, 'MaxResults', 1, most, most)
  const token = optionalString(input, 'NextToken')
  const start = token === null ? 0 : Number(Buffer.from(token, 'base64').toString())
  if (!Number.isInteger(start) || start < 0 || (token !== null && start === 0)) throw new ServiceError('InvalidNextToken', 'The specified token is not valid.')
  const next = start + size
  return {items: all.slice(start, next), token: next < all.length ? Buffer.from(String(next)).toString('base64') : null}
}
