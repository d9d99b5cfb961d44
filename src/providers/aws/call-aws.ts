import {isRunctlError} from '../../model/errors.js'
import {mapAwsError} from './call-aws-errors.js'

/**
 * Calls AWS and lets only RunctlErrors (or the signal's reason) out. `action` is what IAM calls it: `ec2:RunInstances`. An abort rejects at once,
 * also while the SDK waits between two attempts; give the signal to the call itself too, so that the request ends.
 */
export async function callAws<T>(action: string, signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted()
  try {
    return await (signal ? orAborted(call(), signal) : call())
  } catch (error) {
    signal?.throwIfAborted()
    throw isRunctlError(error) ? error : mapAwsError(action, error)
  }
}

/** As the promise, but rejects as soon as the signal does. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, {once: true})
    if (signal.aborted) onAbort()
  })
  // What comes after an abort is of no interest to anyone.
  promise.catch(() => undefined)
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** What a client's `send` takes besides the command: `{}` or the option, as exact optional properties want it. */
export const sendOptions = (signal: AbortSignal | undefined): {readonly abortSignal?: AbortSignal} => (signal ? {abortSignal: signal} : {})
