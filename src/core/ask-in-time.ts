import {setMaxListeners} from 'node:events'

import {isRunctlError} from '../model/errors.js'
import type {Instance} from '../model/instance.js'
import type {PlatformDeps} from './platform-deps.js'

/** So long an instance may take to say what runs on it, in milliseconds: a list is not for waiting. */
export const ASK_WITHIN_MS = 8000

/**
 * What each of the instances answers, all asked at once, by id; those that fail or do not answer in time are left out. Rejects where the command
 * is cancelled, and with bugs.
 */
export async function answersInTime<T>(
  instances: readonly Instance[],
  ask: (instance: Instance, signal: AbortSignal) => Promise<T>,
  {signal}: Pick<PlatformDeps, 'signal'>,
  withinMs = ASK_WITHIN_MS,
): Promise<ReadonlyMap<string, T>> {
  if (instances.length === 0) return new Map()
  const late = new AbortController()
  // One promise for all: sixty listeners on one signal look like a leak.
  const tooLate = new Promise<null>(resolve => late.signal.addEventListener('abort', () => resolve(null), {once: true}))
  const timer = setTimeout(() => late.abort(new DOMException('not answered in time', 'TimeoutError')), withinMs)
  const either = AbortSignal.any([signal, late.signal])
  setMaxListeners(0, either)
  try {
    const answers = await Promise.all(instances.map(async instance => {
      const answer = ask(instance, either).then(value => ({value}), (error: unknown) => {
        // Cancelled for being late: nobody waits for it any more.
        if (isRunctlError(error) || (late.signal.aborted && !signal.aborted)) return null
        throw error
      })
      const told = await Promise.race([answer, tooLate])
      return told === null ? [] : [[instance.id, told.value] as const]
    }))
    return new Map(answers.flat())
  } finally {
    clearTimeout(timer)
  }
}
