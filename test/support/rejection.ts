import {isRunctlError, type RunctlError} from '../../src/model/errors.js'

/** What the promise rejects with; fails the test where it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it did not reject')
}

/** The same, where it must be an expected failure. */
export async function expectedFailure(promise: Promise<unknown>): Promise<RunctlError> {
  const error = await rejection(promise)
  if (!isRunctlError(error)) throw new Error('it rejected with what is no RunctlError', {cause: error})
  return error
}
