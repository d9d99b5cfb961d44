import {setTimeout as delay} from 'node:timers/promises'

/** Time, injected: tests move it by hand. */
export interface AwsClock {
  now(): Date
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: AwsClock = {
  now: () => new Date(),
  async sleep(ms, signal) {
    await delay(ms, undefined, signal ? {signal} : {}).catch((error: unknown) => {
      signal?.throwIfAborted()
      throw error
    })
  },
}
