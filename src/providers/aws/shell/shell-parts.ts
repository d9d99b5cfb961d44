import type {CallOptions, ObjectStore} from '../../provider.js'
import type {AwsClients} from '../clients.js'
import type {AwsClock} from '../clock.js'
import type {S3Store} from '../store/s3-store.js'

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
  readonly clock: AwsClock
}

/** `{}` or the option, as exact optional properties want it. */
export const withSignal = (signal: AbortSignal | undefined): CallOptions => (signal ? {signal} : {})
