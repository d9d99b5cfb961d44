/**
 * What the parts of the AWS bench agree on. One HTTP server (server.ts) reads a request, finds out service and operation, asks the faults
 * and counts, and hands it to the service. The services share a World: what exists in the account. Machines make instances real.
 */

export type ServiceName = 'ec2' | 'iam' | 'pricing' | 's3' | 'servicequotas' | 'ssm' | 'sts'

/** One request, as it came. */
export interface WireRequest {
  readonly service: ServiceName
  /** `RunInstances`, `SendCommand`, `PutObject`, `UploadPart`. */
  readonly operation: string
  readonly method: string
  /** As sent, still percent-encoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** From the credential scope of the signature; presigned URLs carry it in the query. */
  readonly region: string
  readonly accessKeyId: string | null
  /** Who signed it. server.ts has checked the signature, presigned ones and their expiry included. */
  readonly principal?: Principal
}

export interface Principal {
  readonly kind: 'role' | 'user'
  /** `arn:aws:iam::123456789012:user/trainer`, `arn:aws:sts::123456789012:assumed-role/ROLE/SESSION` */
  readonly arn: string
  readonly userId: string
  /** Of an assumed role. */
  readonly roleName?: string
}

export interface WireResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Buffer | string
}

/** Thrown by services: becomes the error document of the service's own protocol (XML or JSON). */
export class ServiceError extends Error {
  constructor(
    /** `InvalidInstanceID.NotFound` */
    readonly code: string,
    message: string,
    readonly status = 400,
  ) {
    super(message)
  }
}

export interface Service {
  readonly name: ServiceName
  /** For protocols where neither the body's `Action` nor `X-Amz-Target` says it. */
  operationOf?(request: Omit<WireRequest, 'operation'>): string
  /** The IAM action and resource of a request (`s3:PutObject`, the object's ARN); absent: `SERVICE:OPERATION` and `*`. */
  permissionOf?(request: WireRequest): {readonly action: string; readonly resource: string}
  /** Ids of instances and the like that a request names; they stand in the counts. */
  idsOf?(request: WireRequest): readonly string[]
  handle(request: WireRequest): Promise<WireResponse>
  /** How this service's protocol says that something is wrong. */
  fail(error: ServiceError, request: WireRequest): WireResponse
}

export interface Fault {
  /** An operation, or `*`. */
  readonly operation: string
  /**
   * `latency`: `ms` more. `error`: the service's error `code` with `status`. `lost-request`: the connection is closed before it is acted upon;
   * `lost-response`: it is acted upon, and the connection is closed. `html`: a proxy's page with status 500. `beside`: it is held until a request
   * of the operation `other` has come as well since the fault was planned (15 s at most): two that are asked one after the other never meet.
   */
  readonly kind: 'beside' | 'error' | 'html' | 'latency' | 'lost-request' | 'lost-response'
  readonly other?: string
  readonly code?: string
  readonly message?: string
  readonly status?: number
  readonly ms?: number
  /** How many requests it meets; absent: all. */
  readonly times?: number
  /** Only requests for which this holds. */
  readonly when?: (request: WireRequest) => boolean
}

export type InstanceStateName = 'pending' | 'running' | 'shutting-down' | 'stopped' | 'stopping' | 'terminated'

/** An instance as the bench knows it to be; what Describe answers may lag behind. */
export interface BenchInstance {
  readonly id: string
  state: InstanceStateName
  readonly type: string
  readonly imageId: string
  readonly spot: 'one-time' | 'persistent' | null
  readonly tags: Map<string, string>
  /** ARN of the instance profile; commands reach only instances that have one with the rights for SSM. */
  profileArn: string | null
  readonly clientToken: string | null
  readonly createdAt: Date
  launchedAt: Date
  stateReason: string | null
  /** `User initiated (2026-11-23 10:00:00 GMT)` */
  transitionReason: string
  /** The SSM agent answers from then on; null while it does not run. */
  onlineAt: Date | null
  /** What IMDS says at `spot/instance-action`. */
  spotNotice: {readonly action: 'hibernate' | 'stop' | 'terminate'; readonly time: Date} | null
  /** What IMDS says at `events/recommendations/rebalance`; absent or null: nothing. */
  rebalanceAt?: Date | null
  readonly userData: string | null
  /** Everything else of the RunInstances request that tests look at (`SubnetId`, `KeyName`, `MetadataOptions.HttpTokens`). */
  readonly request: Readonly<Record<string, string>>
}

/** How long things take, in milliseconds. The defaults are small; tests of waiting make them larger. */
export interface BenchTimes {
  /** From pending to running. */
  readonly pendingMs: number
  readonly stoppingMs: number
  readonly shuttingDownMs: number
  /** From running to an SSM agent that answers. */
  readonly onlineMs: number
  /** Describe calls and tags tell of a change only so long after it. */
  readonly lagMs: number
  /** From SendCommand to the script's start. */
  readonly deliveryMs: number
  /** GetCommandInvocation knows a command only so long after SendCommand. */
  readonly invocationLagMs: number
}

/** Runs what belongs to an instance, for real. */
export interface Machines {
  /** `namespaces` (root on Linux): own file system, processes, network with IMDS. `folders`: a folder and process groups. */
  readonly kind: 'folders' | 'namespaces'
  start(instance: BenchInstance): Promise<void>
  /**
   * Every process of the instance is gone when this resolves; its disk stays. As an operating system shuts down: SIGTERM to all, SIGKILL after
   * `graceMs` (absent: the machines' own; 0 as the power fails).
   */
  stop(instance: BenchInstance, options?: {readonly graceMs?: number}): Promise<void>
  /** And the disk. */
  remove(instance: BenchInstance): Promise<void>
  /**
   * Runs an SSM document's script as its agent does: written to a file, `sh -c FILE`, root, a process group of its own, no HOME.
   * An abort kills the group and resolves with 137. Rejects with MachineStopped where the machine is not running or stops meanwhile.
   */
  run(instance: BenchInstance, script: string, options: {readonly timeoutMs: number; readonly signal: AbortSignal}): Promise<ScriptOutcome>
  /** A path on this machine for a path on the instance; for tests that look. */
  hostPath(instanceId: string, path: string): string
  close(): Promise<void>
}

/** The machine was not running, or stopped under a script: nobody knows how that ended. */
export class MachineStopped extends Error {
  constructor(readonly instanceId: string) {
    super(`${instanceId} is not running`)
  }
}

export interface ScriptOutcome {
  /** 128 + n where signal n ended it. */
  readonly exitCode: number
  /** The signal that ended it. */
  readonly signal?: number
  readonly timedOut: boolean
  readonly stdout: Buffer
  readonly stderr: Buffer
}
