/**
 * The platform contract. A platform says where instances come from and how to run a shell script on one; everything
 * else (training, logs, checkpoints, saving before a stop, costs) is written once, over this.
 *
 * Facets (`pricing`, `store`) are absent where a platform has none: callers ask `if (provider.store)` and
 * never look at the platform's name. Errors leave a provider as RunctlError; anything else is a bug.
 */
import type {HoldingKind} from '../model/holding-kinds.js'
import type {RunctlError} from '../model/errors.js'
import type {Instance, InstanceState} from '../model/instance.js'

export type {HoldingKind} from '../model/holding-kinds.js'

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
  /**
   * What only this platform knows, from the flags that its `create` adds (by the flag's name: `spot`, `data-volume`). The provider
   * checks them and rejects with `bad_input`; one that takes none refuses all.
   */
  readonly options?: Readonly<Record<string, CreateOption>>
  /** Written in the same step that creates the instance: there is never an instance without them. */
  readonly tags: Readonly<Record<string, string>>
  /** Limits that hold from the first second. Only where the platform has {@link Provider.selfStop}. */
  readonly limits?: FirstLimits
}

/** What an instance is born with, so that it ends its own time although nobody ever comes: it needs no agent, no network and no laptop. */
export interface FirstLimits {
  /** What the agent finds in `~/.runctl/limits.json` when it first comes (JSON, one line). */
  readonly forAgent: string
  /** Seconds of running, all starts counted, after which the platform's own watch powers the machine off, whatever the agent does; null: never. */
  readonly hardSeconds: number | null
  /** Seconds without a sign of life of the agent's guard (the file `~/.runctl/guard-alive` is touched) after which it does the same; null: never. */
  readonly unattendedSeconds: number | null
}

/**
 * How an instance ends its own time, with no rights but those over itself. The platform's watch on the instance (on EC2 a script that runs as
 * root from every boot) reads two files of the normal user's: `~/.runctl/watch` (one line, `HARD_SECONDS UNATTENDED_SECONDS`, `-` for never) and
 * `~/.runctl/power-off` (it exists: power off now; what stands in it is JSON with `reason` and `detail`).
 */
export interface SelfStop {
  /**
   * POSIX sh, run as the instance's normal user, safe to repeat: sets the watch up where it lacks. A status other than 0 means that limits
   * cannot be kept there; its standard error says why. null: nothing is to be set up.
   */
  readonly install: string | null
  /** What becomes of this instance when it powers itself off. */
  endsAs(instance: Instance): 'stop' | 'terminate'
  /** Where the instance may write its own tags and ask for spot prices, if its role allows that; null: nowhere. */
  readonly access: (() => Promise<{readonly region: string; readonly endpoint: string | null}>) | null
}

export type CreateOption = boolean | number | string | readonly string[]

/** What a create would do, found out without doing it. */
export interface CreatePlan {
  /** What is settled, in the order to show it: `image` -> `ami-0abc (Amazon Linux 2023, x86_64)`. */
  readonly settings: Readonly<Record<string, string>>
  /** US dollars for one hour in state `running`; null where unknown. */
  readonly usdPerHour: number | null
  /** The most that an hour can come to cost without anybody asking again (spot: the maximum bid, or the on-demand price). Absent: the same. */
  readonly atMostUsdPerHour?: number | null
}

export interface InstanceQuery {
  /** Only these; an id that does not exist is left out of the answer. */
  readonly ids?: readonly string[]
  readonly states?: readonly InstanceState[]
  /** Every tag given must match exactly. */
  readonly tags?: Readonly<Record<string, string>>
  /** Filters in the platform's own words (EC2: `instance-type=g5.*`), answered by the platform itself. One that has none rejects with `bad_input`. */
  readonly filters?: Readonly<Record<string, readonly string[]>>
}

export interface ShellRequest {
  /** POSIX sh. Never contains user input that was not quoted by `quoteForShell`. Scripts may be delivered twice: they must be idempotent. */
  readonly script: string
  /** Bytes on standard input; at most {@link Shell.maxInputBytes}. Empty input where absent. */
  readonly stdin?: Uint8Array
  /** Milliseconds until the script and its process group are killed and the call rejects with `timed_out`. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** Standard input holds what must not stay in a record of the platform's (values of environment variables). */
  readonly confidential?: boolean
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
 * `timed_out`. Where the script has certainly not arrived, the error's details have `delivered: false`: repeating is safe then. Where it will
 * not either until somebody changes something (named in `next`), they have `waiting_helps: false` besides.
 * A non-zero exit status is a result, not an error. Calls that are made at once may be sent as one: a caller that wants the same
 * of many instances makes all its calls without waiting in between.
 */
export interface Shell {
  /** The most bytes that one call takes on standard input. Above it, callers send several calls. */
  readonly maxInputBytes: number
  /** The most bytes of standard output that one call gives back whole. Callers ask for less than this. */
  readonly maxOutputBytes: number
  /** How long one call may usefully wait on the instance for something to happen, in milliseconds (long polling). */
  readonly maxWaitMs: number
  /** The platform keeps what is sent, readable for others with access to the account, and `confidential` cannot change that now. */
  readonly recordsInput?: boolean
  run(instanceId: string, request: ShellRequest): Promise<ShellResult>
}

export interface HourlyPrice {
  /** US dollars for one hour in state `running`, the machine alone: disks are billed apart. 0 only where it is known to cost nothing. */
  readonly usdPerHour: number
  /** Where the figure is from: `local`, `pricing-api`, `spot-history`, `built-in 2026-11`. */
  readonly source: string
  /** ISO 8601, UTC. When the platform was asked, where the figure is kept from then. */
  readonly asOf?: string
}

export interface Pricing {
  /** null where the price is not known; never 0 for unknown. */
  hourlyPrice(instance: Instance, options?: CallOptions): Promise<HourlyPrice | null>
  /** What the machine would cost an hour on demand, whatever it is: for what spot saves. null where unknown. */
  onDemandPrice?(instance: Instance, options?: CallOptions): Promise<HourlyPrice | null>
  /**
   * What an hour of this (spot) machine cost over time: the price in force at `from`, then each change up to `to`, oldest first. null where it
   * cannot be had; the first is later than `from` where the platform no longer knows the price of then. Absent: its price never changes while it runs.
   */
  priceHistory?(instance: Instance, from: Date, to: Date, options?: CallOptions): Promise<readonly {readonly from: string; readonly usdPerHour: number}[] | null>
  /** US dollars a month for all disks attached to each of these instances; an instance whose disks or prices are not known is left out. Absent: disks cost nothing. */
  diskPrices?(instanceIds: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, DiskPrice>>
  /** US dollars for keeping 10^9 bytes in the store for a month; null where unknown. */
  storePrice?(options?: CallOptions): Promise<{readonly usdPerGbMonth: number; readonly source: string} | null>
}

export interface DiskPrice {
  readonly usdPerMonth: number
  readonly gib: number
  readonly source: string
  /** As in {@link HourlyPrice}. */
  readonly asOf?: string
}

/** Something besides instances that is billed. */
export interface Holding {
  readonly id: string
  readonly kind: HoldingKind
  readonly name: string | null
  readonly region: string | null
  /** The platform's own word: `in-use`, `completed`, `associated`; `available` for a disk or an address that nothing uses. */
  readonly state: string
  readonly sizeGib: number | null
  /** The platform's own word: `gp3`. */
  readonly type: string | null
  /** ISO 8601, UTC. */
  readonly createdAt: string | null
  /** The instance that it is attached to; null: none. */
  readonly attachedTo: string | null
  /** It goes when that instance does. */
  readonly goesWithInstance: boolean
  /** US dollars a month as it is now; null where unknown. Of a snapshot at most so much: only changed blocks are billed. */
  readonly usdPerMonth: number | null
  readonly priceSource: string | null
  readonly tags: Readonly<Record<string, string>>
}

/** What is billed besides instances: seen, and deleted where it is attached to nothing. */
export interface Holdings {
  /** Page by page, of this account's own alone. */
  list(kinds: readonly HoldingKind[], options?: CallOptions): AsyncIterable<Holding>
  /** Safe to repeat. Rejects with `wrong_state` for what is in use. */
  delete(holding: Pick<Holding, 'id' | 'kind'>, options?: CallOptions): Promise<void>
}

export interface ObjectInfo {
  readonly uri: string
  readonly sizeBytes: number
  /** ISO 8601, UTC. */
  readonly modifiedAt: string
  /** Changes with the content; says nothing else. */
  readonly etag: string
  /** SHA-256 (hex) of the content, where whoever wrote it left word and the store tells it with a `head`; absent: not told. */
  readonly sha256?: string
}

export interface PutOptions extends CallOptions {
  /** Write only where nothing is yet: exactly one of many racers wins. */
  readonly ifAbsent?: boolean
  /** Told as bytes arrive: how many so far. */
  readonly onProgress?: (sentBytes: number) => void
}

/** How an instance reaches the store by itself, with the rights that the platform gave it. */
export interface StoreAccess {
  readonly region: string
  /** Requests are not signed: a store on the instance's own machine that asks for no credentials. */
  readonly unsigned?: boolean
  /** Another address than the platform's own, as `AWS_ENDPOINT_URL` gives it; else null. */
  readonly endpoint: string | null
}

/**
 * Objects (bytes under a URI) that both this machine and an instance reach. Rejects with `not_found` (no such bucket or object),
 * `platform_failed` (no permission, an outage), `bad_input` (not a URI of this store).
 */
export interface ObjectStore {
  /** The scheme of its URIs: `s3`. */
  readonly scheme: string
  /** A prefix for short-lived objects of runctl's own, ending in `/`; null where none is configured. What is left there expires by a rule of the bucket. */
  readonly scratch: string | null
  /** A prefix for what runctl remembers for good, ending in `/`: what instances cost that are gone. Absent where none is configured. */
  readonly records?: string
  access(): Promise<StoreAccess>
  /** A file is read as a stream and sent in parts where it is large; parts of a failed upload are taken back. false: `ifAbsent`, and something was there. */
  put(uri: string, content: Uint8Array | {readonly file: string}, options?: PutOptions): Promise<boolean>
  get(uri: string, options?: CallOptions & {readonly range?: readonly [first: number, last: number]}): Promise<Uint8Array>
  /** null where there is no such object. */
  head(uri: string, options?: CallOptions): Promise<ObjectInfo | null>
  /** All below a prefix, page by page, in the order of their keys. */
  list(uri: string, options?: CallOptions): AsyncIterable<ObjectInfo>
  /** The folders directly below a prefix that ends in `/`, each ending so too, in order. Absent: callers look through all with `list`. */
  folders?(uri: string, options?: CallOptions): AsyncIterable<string>
  /** Safe to repeat; what is not there counts as deleted. */
  delete(uris: readonly string[], options?: CallOptions): Promise<void>
  /** A URL with which anyone can get or put this one object until it expires. Makes no call. */
  presign(uri: string, method: 'GET' | 'PUT', expiresInSeconds: number): Promise<string>
}

/** One thing that a platform needs in the account before instances work. */
export interface SetupStep {
  /** `instance profile runctl-instance` */
  readonly what: string
  /** `planned`: it would be made or changed, but this was a dry run. */
  readonly state: 'changed' | 'created' | 'ok' | 'planned'
  /** What exactly, a line. */
  readonly detail: string
}

export interface SetupReport {
  readonly steps: readonly SetupStep[]
  /** Settings to keep in the user's configuration, by the name in the platform's section: `bucket`. */
  readonly settings: Readonly<Record<string, string>>
  /** The least rights that a user of runctl needs, as the platform writes them (an IAM policy); null where there is no such thing. */
  readonly userPolicy: unknown
}

export interface SetupRequest extends CallOptions {
  readonly dryRun: boolean
  /** A name for the bucket; absent: the configured one, else one made of account and region. */
  readonly bucket?: string
  /** Buckets of training data that instances may read, besides runctl's own. */
  readonly readBuckets?: readonly string[]
  /** Give this instance what new ones get (role, profile), so that commands reach it. */
  readonly attach?: string
}

/** Prepares an account: idempotent, creates only what lacks, deletes nothing. */
export interface Setup {
  run(request: SetupRequest): Promise<SetupReport>
}

export interface CheckResult {
  readonly status: 'failed' | 'ok' | 'skipped' | 'warning'
  /** What was found: `arn:aws:iam::123:user/me in account 123`. */
  readonly found: string
  /** The exact command or step that mends it; null where nothing is to be mended. */
  readonly fix: string | null
}

/** Something that can be proved by trying it. */
export interface Check {
  /** `identity`, `bucket from the instance` */
  readonly name: string
  /** Names of checks that must be ok before this one makes sense; it is skipped else. */
  readonly needs: readonly string[]
  run(options: CallOptions): Promise<CheckResult>
}

export interface CheckTarget {
  /** Prove what can only be proved there, on this running instance. */
  readonly instanceId?: string
  /** Check the quota for this type; absent: the platform's default. */
  readonly instanceType?: string
}

/**
 * A store that exists as long as it is open, on the machine where instances of this platform run: for `checkpoint rehearse`, which kills
 * things in the middle of uploads. Nothing in it is kept.
 */
export interface RehearsalStore {
  readonly store: ObjectStore
  /** `s3://rehearsal/` */
  readonly uri: string
  /**
   * Called once, when a further upload (a part counts as one) of at least `bytes` is half way; what it returns is waited for before more of it
   * is taken. Where that rejects, the upload is cut off there, and nothing of it is kept. Calling again replaces what was wanted before.
   */
  onceHalfWay(bytes: number, then: (uri: string) => Promise<void>): void
  close(): Promise<void>
}

export interface Provider {
  readonly name: string
  /**
   * Resolves as soon as the instance exists with an id and its tags; it may still be `pending`. Where it is not known whether the request
   * arrived, the error is `timed_out` or `unreachable`, or its details have `uncertain: true`: the same key must be used again then.
   */
  createInstance(request: CreateInstanceRequest, options?: CallOptions): Promise<Instance>
  /** Page by page, in no promised order. Terminated instances may be included for a while. */
  describeInstances(query: InstanceQuery, options?: CallOptions): AsyncIterable<Instance>
  /** Where `describeInstances` looks, in words (`us-east-1`), where the same account may have others elsewhere; and what makes it look there. */
  lookedIn?(): Promise<{readonly place: string; readonly next: readonly string[]}>
  /** From `stopped`; answers as soon as the platform has accepted it. Safe to repeat. The disk is as it was. */
  startInstance(instanceId: string, options?: CallOptions): Promise<Instance>
  /** Ends every process of the instance and keeps its disk; answers as soon as it is accepted. Safe to repeat. */
  stopInstance(instanceId: string, options?: CallOptions): Promise<Instance>
  /** Rejects with `wrong_state` where the platform would never stop this one: asked before a training is ended for it. */
  checkStop?(instance: Instance, options?: CallOptions): Promise<void>
  /** Ends every process and gives the disk up for good; answers as soon as it is accepted. Safe to repeat. */
  terminateInstance(instanceId: string, options?: CallOptions): Promise<Instance>
  /** Adds or replaces tags; an empty value is a value. Keys at most 128 characters, values at most 256. */
  setTags(instanceId: string, tags: Readonly<Record<string, string>>, options?: CallOptions): Promise<void>
  /** The time by the platform's own clock, as its answers tell it. Absent: this machine's clock is as good. */
  now?(): Promise<Date>
  readonly shell: Shell
  /** What `createInstance` would do with this request, and whether it may: for `create --dry-run`. Changes nothing. */
  planCreate?(request: CreateInstanceRequest, options?: CallOptions): Promise<CreatePlan>
  readonly pricing?: Pricing
  /** Absent: an instance cannot end its own time there, and limits are refused. */
  readonly selfStop?: SelfStop
  readonly holdings?: Holdings
  /** The regions of the account, where a platform has several; and the same platform in one of them. */
  regions?(options?: CallOptions): Promise<readonly string[]>
  inRegion?(region: string): Provider
  readonly store?: ObjectStore
  readonly setup?: Setup
  /**
   * Values that may stand behind a flag of `create` or a key of the configuration, for completion on the command line: `type`, `region`, or the name
   * of a flag of its own. Those that are used most come first; `[]` for what it does not know. Asked in the background, the answer is kept.
   */
  suggest?(name: string, options?: CallOptions): Promise<readonly Suggestion[]>
  /** Only where instances live on this machine. */
  openRehearsalStore?(options?: CallOptions): Promise<RehearsalStore>
  /** What `runctl doctor` proves about this platform, in the order to show it. */
  checks?(target: CheckTarget): readonly Check[]
}

export interface Suggestion {
  readonly value: string
  /** A few words: `24 GiB, A10G`. */
  readonly description?: string
}

/** What a platform needs to know of this machine. */
export interface ProviderEnvironment {
  /** runctl's own folder for durable data on this machine; exists. */
  readonly dataDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The section of the configuration with the platform's name: `{region: 'eu-central-1'}`. Only what is set, and of the types that a plugin declares. */
  readonly settings: Readonly<Record<string, unknown>>
  /** For failures of the platform: so a plugin needs runctl's types alone. */
  readonly RunctlError: typeof RunctlError
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
  /**
   * Whether anybody has ever set this platform up here, told cheaply (variables, files; no network, no SDK). Commands over all platforms pass
   * over one that says no, without a word; absent: it needs no setting up. Who names the platform gets it in any case.
   */
  isConfigured?(environment: ProviderEnvironment): Promise<boolean> | boolean
  create(environment: ProviderEnvironment): Promise<Provider>
}
