import {setTimeout as delay} from 'node:timers/promises'

import type {CallOptions, ObjectStore} from '../../provider.js'
import type {AwsClients} from '../clients.js'
import type {S3Store} from '../store/s3-store.js'

/** Time, injected: tests move it by hand. */
export interface ShellClock {
  now(): Date
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** What is asked of an instance when a command to it does not get on. */
export interface ShellTarget {
  /** `running`, `stopped`, … as in the model. */
  readonly state: string
  readonly profileArn: string | null
}

export interface ShellParts {
  readonly clients: Pick<AwsClients, 'ssm' | 'ssmOnce'>
  /** Carries what is too large for a command or must not stay in its record; null where no bucket is configured. */
  readonly store: (Pick<ObjectStore, 'delete' | 'get' | 'presign' | 'put' | 'scratch'> & Partial<Pick<S3Store, 'prepareToPresign'>>) | null
  /** null where there is no such instance. */
  readonly describe: (instanceId: string, signal?: AbortSignal) => Promise<ShellTarget | null>
  readonly clock: ShellClock
}

export const realClock: ShellClock = {
  now: () => new Date(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal ? {signal} : {})
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}

/** `{}` or the option, as exact optional properties want it. */
export const withSignal = (signal: AbortSignal | undefined): CallOptions => (signal ? {signal} : {})
