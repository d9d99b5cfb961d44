/** The instance metadata service, version 2 only: what http://169.254.169.254 answers on one instance. */

import {randomBytes} from 'node:crypto'
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http'

import type {AccessKey, Role} from './world.js'
import type {BenchInstance} from './types.js'

/** What IMDS has to know; a World is one. */
export interface ImdsSource {
  readonly account: string
  readonly instances: ReadonlyMap<string, BenchInstance>
  now(): Date
  regionOf(instance: BenchInstance): string
  roleOf(instance: BenchInstance): Role | null
  /** Keys that the bench accepts as the role's; null where the instance has none. */
  credentialsOf(instance: BenchInstance): AccessKey | null
}

const TOKEN_TTL_HEADER = 'x-aws-ec2-metadata-token-ttl-seconds'
const MAX_TTL_S = 21_600
/** Role credentials are handed out again until so long before their end. */
const RENEW_BEFORE_MS = 300_000

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

const NOT_FOUND: Answer = {status: 404, body: ''}

/** One instance's metadata service; tokens are its own, as on EC2. */
export class Imds {
  readonly #source: ImdsSource
  readonly #instanceId: string
  readonly #tokens = new Map<string, number>()
  #credentials: AccessKey | null = null

  constructor(source: ImdsSource, instanceId: string) {
    this.#source = source
    this.#instanceId = instanceId
  }

  /** A server that is not listening yet. */
  createServer(): Server {
    return createServer((request, response) => {
      this.#serve(request, response)
    })
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    request.resume()
    const {status, body, headers} = this.#answer(request)
    response.writeHead(status, {'content-type': 'text/plain', 'content-length': Buffer.byteLength(body), server: 'EC2ws', ...headers})
    response.end(body)
  }

  #answer(request: IncomingMessage): Answer {
    const path = new URL(request.url ?? '/', 'http://imds').pathname.replace(/^\/\d{4}-\d{2}-\d{2}(?=\/|$)/, '/latest')
    if (path === '/latest/api/token') return this.#token(request)
    const token = request.headers['x-aws-ec2-metadata-token']
    const until = typeof token === 'string' ? this.#tokens.get(token) : undefined
    if (until === undefined || until < Date.now()) return {status: 401, body: ''}
    if (request.method !== 'GET' && request.method !== 'HEAD') return {status: 405, body: ''}
    return this.#read(path)
  }

  #token(request: IncomingMessage): Answer {
    if (request.method !== 'PUT') return {status: 405, body: '', headers: {allow: 'OPTIONS, PUT'}}
    if (request.headers['x-forwarded-for'] !== undefined) return {status: 403, body: ''}
    const ttl = Number(request.headers[TOKEN_TTL_HEADER])
    if (!Number.isInteger(ttl) || ttl < 1 || ttl > MAX_TTL_S) return {status: 400, body: ''}
    const token = randomBytes(40).toString('base64url')
    this.#tokens.set(token, Date.now() + ttl * 1000)
    return {status: 200, body: token, headers: {[TOKEN_TTL_HEADER]: String(ttl)}}
  }

  #read(path: string): Answer {
    const instance = this.#source.instances.get(this.#instanceId)
    if (instance === undefined) return NOT_FOUND
    const role = this.#source.roleOf(instance)
    if (role !== null && path === `/latest/meta-data/iam/security-credentials/${role.name}`) return this.#roleCredentials(instance)
    const text = this.#facts(instance, role)[path.replace(/\/$/, '')]
    return text === undefined ? NOT_FOUND : {status: 200, body: text}
  }

  #facts(instance: BenchInstance, role: Role | null): Readonly<Record<string, string | undefined>> {
    const {account} = this.#source
    const region = this.#source.regionOf(instance)
    const zone = instance.request['Placement.AvailabilityZone'] ?? `${region}a`
    const data = '/latest/meta-data'
    return {
      '/latest': 'dynamic\nmeta-data\nuser-data',
      '/latest/user-data': instance.userData ?? undefined,
      '/latest/dynamic/instance-identity/document': JSON.stringify(
        {
          accountId: account,
          architecture: /^\D+\d+g/.test(instance.type) ? 'arm64' : 'x86_64',
          availabilityZone: zone,
          imageId: instance.imageId,
          instanceId: instance.id,
          instanceType: instance.type,
          pendingTime: instance.launchedAt.toISOString().replace(/\.\d+Z$/, 'Z'),
          privateIp: '10.0.0.10',
          region,
          version: '2017-09-30',
        },
        null,
        2,
      ),
      [data]: 'ami-id\nevents/\niam/\ninstance-id\ninstance-life-cycle\ninstance-type\nplacement/\nspot/',
      [`${data}/ami-id`]: instance.imageId,
      [`${data}/instance-id`]: instance.id,
      [`${data}/instance-life-cycle`]: instance.spot === null ? 'on-demand' : 'spot',
      [`${data}/instance-type`]: instance.type,
      [`${data}/local-ipv4`]: '10.0.0.10',
      [`${data}/placement`]: 'availability-zone\nregion',
      [`${data}/placement/availability-zone`]: zone,
      [`${data}/placement/region`]: region,
      [`${data}/iam`]: role === null ? undefined : 'info\nsecurity-credentials/',
      [`${data}/iam/info`]: role === null ? undefined : JSON.stringify({Code: 'Success', InstanceProfileArn: instance.profileArn}),
      [`${data}/iam/security-credentials`]: role?.name,
      [`${data}/spot/instance-action`]: spotAction(instance),
      [`${data}/spot/termination-time`]: instance.spotNotice?.action === 'terminate' ? inSeconds(instance.spotNotice.time) : undefined,
      [`${data}/events/recommendations/rebalance`]: rebalance(instance),
    }
  }

  #roleCredentials(instance: BenchInstance): Answer {
    const left = (this.#credentials?.expiresAt?.getTime() ?? 0) - this.#source.now().getTime()
    if (left < RENEW_BEFORE_MS) this.#credentials = this.#source.credentialsOf(instance)
    const key = this.#credentials
    if (key === null) return NOT_FOUND
    const body = {
      Code: 'Success',
      LastUpdated: inSeconds(this.#source.now()),
      Type: 'AWS-HMAC',
      AccessKeyId: key.id,
      SecretAccessKey: key.secret,
      Token: key.sessionToken,
      Expiration: key.expiresAt === null ? null : inSeconds(key.expiresAt),
    }
    return {status: 200, body: JSON.stringify(body, null, 2)}
  }
}

function spotAction({spotNotice}: BenchInstance): string | undefined {
  return spotNotice === null ? undefined : JSON.stringify({action: spotNotice.action, time: inSeconds(spotNotice.time)})
}

function rebalance({rebalanceAt}: BenchInstance): string | undefined {
  return rebalanceAt === undefined || rebalanceAt === null ? undefined : JSON.stringify({noticeTime: inSeconds(rebalanceAt)})
}

function inSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}
