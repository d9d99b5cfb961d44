import {isRunctlError, type ErrorCode} from '../model/errors.js'

/** What a contract case throws when the provider breaks the contract. */
export class ContractViolation extends Error {
  override readonly name = 'ContractViolation'
}

export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ContractViolation(message)
}

/** By value, for what JSON can hold. */
export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  check(a === b, `${what}: expected ${b}, got ${a}`)
}

export function checkBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  const at = expected.findIndex((byte, index) => actual[index] !== byte)
  check(at < 0, `${what}: byte ${at} is ${actual[at]}, expected ${expected[at]}`)
  check(actual.length === expected.length, `${what}: ${actual.length} bytes, expected ${expected.length}`)
}

export async function checkRejects(promise: Promise<unknown>, codes: readonly ErrorCode[], what: string): Promise<void> {
  const error = await outcome(promise)
  check(error !== undefined, `${what}: must be refused with ${codes.join(' or ')}`)
  if (!isRunctlError(error)) throw new ContractViolation(`${what}: must reject with a RunctlError, got ${String(error)}`, {cause: error})
  check(codes.includes(error.code), `${what}: expected the code ${codes.join(' or ')}, got ${error.code} (${error.message})`)
}

/** What the promise was rejected with; undefined where it was fulfilled. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return undefined
  } catch (error) {
    return error ?? new Error('rejected with nothing')
  }
}
