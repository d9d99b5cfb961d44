/**
 * The platform contract. A platform says where instances come from and how to run a shell script on one; everything
 * else (training, logs, checkpoints, saving before a stop, costs) is written once, over this.
 *
 * Facets (`pricing`, `store`) are absent where a platform has none: callers ask `if (provider.store)` and
 * never look at the platform's name. Errors leave a provider as RunctlError; anything else is a bug.
 */
import type {Instance, InstanceState} from '../model/instance.js'

/** Raised by one when a change would break a provider written against it. */
export const PROVIDER_API_VERSION = 1

/** Every call can be cancelled; a cancelled call rejects with the signal's reason and leaves nothing half-done that a repetition would double. */
export interface CallOptions {
  readonly signal?: AbortSignal
}

export interface CreateInstanceRequest {
  /** Idempotency key, at most 64 ASCII characters. The same key answers with the same instance, also after a crash. */
  readonly requestId: string
  readonly name?: string
  /** Platform-specific type, e.g. `g5.xlarge`; absent for the platform's default. */
  readonly instanceType?: string
  /** Written in the same step that creates the instance: there is never an instance without them. */
  readonly tags: Readonly<Record<string, string>>
}

export interface InstanceQuery {
  /** Only these; an id that does not exist is left out of the answer. */
  readonly ids?: readonly string[]
  readonly states?: readonly InstanceState[]
  /** Every tag given must match exactly. */
  readonly tags?: Readonly<Record<string, string>>
}

export interface ShellRequest {
  /** POSIX sh. Never contains user input that was not quoted by `quoteForShell`. Scripts may be delivered twice: they must be idempotent. */
  readonly script: string
  /** Bytes on standard input; at most {@link Shell.maxInputBytes}. Empty input where absent. */
  readonly stdin?: Uint8Array
  /** Milliseconds until the script and its process group are killed and the call rejects with `timed_out`. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export interface ShellResult {
  /** The script's exit status; 128 + n where signal n ended it. */
  readonly exitCode: number
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
}

/**
 * Runs a script on a running instance as the instance's normal user, with HOME set to that user's writable home and the
 * working directory there. A script that leaves a background process behind must detach it (own session, no inherited
 * standard streams); such a process lives on after the call, until the instance stops.
 *
 * Rejects with `not_found` (no such instance), `wrong_state` (not running), `unreachable` (runs, but does not answer),
 * `timed_out`. A non-zero exit status is a result, not an error.
 */
export interface Shell {
  /** The most bytes that one call takes on standard input. Above it, callers send several calls. */
  readonly maxInputBytes: number
  /** The most bytes of standard output that one call gives back whole. Callers ask for less than this. */
  readonly maxOutputBytes: number
  /** How long one call may usefully wait on the instance for something to happen, in milliseconds (long polling). */
  readonly maxWaitMs: number
  run(instanceId: string, request: ShellRequest): Promise<ShellResult>
}

export interface HourlyPrice {
  /** US dollars for one hour in state `running`, disks included. 0 only where it is known to cost nothing. */
  readonly usdPerHour: number
  /** Where the figure is from: `local`, `pricing-api`, `spot-history`, `built-in 2026-11`. */
  readonly source: string
}

export interface Pricing {
  /** null where the price is not known; never 0 for unknown. */
  hourlyPrice(instance: Instance, options?: CallOptions): Promise<HourlyPrice | null>
}

/** Objects (bytes under a key) that both this machine and an instance reach. */
export interface ObjectStore {
  put(uri: string, bytes: Uint8Array, options?: CallOptions): Promise<void>
  get(uri: string, options?: CallOptions & {readonly range?: readonly [first: number, last: number]}): Promise<Uint8Array>
  list(uri: string, options?: CallOptions): AsyncIterable<{readonly uri: string; readonly sizeBytes: number; readonly modifiedAt: string}>
  /** A URL with which anyone can get or put this one object until it expires. */
  presign(uri: string, method: 'GET' | 'PUT', expiresInSeconds: number): Promise<string>
}

export interface Provider {
  readonly name: string
  /** Resolves as soon as the instance exists with an id and its tags; it may still be `pending`. */
  createInstance(request: CreateInstanceRequest, options?: CallOptions): Promise<Instance>
  /** Page by page, in no promised order. Terminated instances may be included for a while. */
  describeInstances(query: InstanceQuery, options?: CallOptions): AsyncIterable<Instance>
  /** From `stopped`; answers as soon as the platform has accepted it. Safe to repeat. The disk is as it was. */
  startInstance(instanceId: string, options?: CallOptions): Promise<Instance>
  /** Ends every process of the instance and keeps its disk; answers as soon as it is accepted. Safe to repeat. */
  stopInstance(instanceId: string, options?: CallOptions): Promise<Instance>
  /** Ends every process and gives the disk up for good; answers as soon as it is accepted. Safe to repeat. */
  terminateInstance(instanceId: string, options?: CallOptions): Promise<Instance>
  /** Adds or replaces tags; an empty value is a value. Keys at most 128 characters, values at most 256. */
  setTags(instanceId: string, tags: Readonly<Record<string, string>>, options?: CallOptions): Promise<void>
  readonly shell: Shell
  readonly pricing?: Pricing
  readonly store?: ObjectStore
}

/** What a platform needs to know of this machine. */
export interface ProviderEnvironment {
  /** runctl's own folder for durable data on this machine; exists. */
  readonly dataDir: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * What the `platforms` hook returns: light enough to be made on every start. `create` may load an SDK.
 * Names are lower case: `[a-z][a-z0-9-]*`.
 */
export interface PlatformDefinition {
  readonly name: string
  readonly apiVersion: number
  readonly description: string
  /** Tells by its shape alone whether an id is one of this platform's. */
  ownsInstanceId(id: string): boolean
  create(environment: ProviderEnvironment): Promise<Provider>
}
