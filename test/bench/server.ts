/** The endpoint: takes a request apart, checks who asks, lets faults happen, hands it to its service, and counts. */

import {once} from 'node:events'
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {setTimeout as sleep} from 'node:timers/promises'

import {accessDenied, refused, signatureRefused} from './access.js'
import type {Calls} from './counts.js'
import type {Faults} from './faults.js'
import {defaultPermissions} from './permissions.js'
import {readClaim, SignatureError, type SignatureClaim, type SignedRequest, verifySignature} from './sigv4.js'
import type {Throttle} from './throttle.js'
import {type Fault, type Principal, type Service, ServiceError, type ServiceName, type WireRequest, type WireResponse} from './types.js'
import type {World} from './world.js'

export interface EndpointParts {
  readonly world: World
  readonly services: ReadonlyMap<ServiceName, Service>
  readonly faults: Faults
  readonly calls: Calls
  /** Added to each request, in milliseconds. */
  readonly latencyMs: number
  /** Absent or null: calls are not limited. */
  readonly throttle?: Throttle | null
  /** Errors of the bench itself. */
  readonly onProblem: (error: unknown) => void
}

type Answer = WireResponse | 'closed'

/** Listens on a free port of 127.0.0.1 and on a socket file; `serve` gives it its parts, which know the port. */
export class Endpoint {
  readonly #servers: readonly [Server, Server]
  #parts: EndpointParts | null = null
  #underWay = 0

  constructor() {
    const handler = (request: IncomingMessage, response: ServerResponse): void => void this.#answer(request, response)
    this.#servers = [createServer(handler), createServer(handler)]
    for (const server of this.#servers) {
      server.keepAliveTimeout = 60_000
      server.requestTimeout = 0
    }
  }

  /** Gives the port. */
  async listen(socketPath: string): Promise<number> {
    const [tcp, socket] = this.#servers
    tcp.listen(0, '127.0.0.1')
    socket.listen(socketPath)
    await Promise.all([once(tcp, 'listening'), once(socket, 'listening')])
    return (tcp.address() as AddressInfo).port
  }

  serve(parts: EndpointParts): void {
    this.#parts = parts
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#servers.map(async (server) => {
        const closed = once(server, 'close')
        server.close()
        server.closeAllConnections()
        await closed
      }),
    )
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts = this.#parts
    if (parts === null) return void message.socket.destroy()
    const at = Date.now()
    const concurrent = ++this.#underWay
    try {
      const signed = await readRequest(message)
      const {request, answer} = await answerTo(signed, parts)
      const size = answer === 'closed' ? 0 : Buffer.byteLength(answer.body)
      parts.calls.add({
        service: request.service,
        operation: request.operation,
        requestBytes: request.body.length,
        responseBytes: size,
        at,
        tookMs: Date.now() - at,
        status: answer === 'closed' ? 0 : answer.status,
        ids: parts.services.get(request.service)?.idsOf?.(request) ?? instanceIdsIn(request),
        concurrent,
      })
      if (answer === 'closed') message.socket.destroy()
      else send(message, response, answer, parts.world.now())
    } catch (error) {
      // The client's own going away is its business.
      if (!message.destroyed || message.complete) parts.onProblem(error)
      message.socket.destroy()
    } finally {
      this.#underWay -= 1
    }
  }
}

async function answerTo(signed: SignedRequest, parts: EndpointParts): Promise<{request: WireRequest; answer: Answer}> {
  const claim = claimOf(signed)
  const scope = claim instanceof SignatureError ? null : claim
  const name = serviceNameOf(signed, scope?.service)
  const service = parts.services.get(name)
  if (service === undefined) throw new Error(`the bench has no service ${name} (${signed.method} ${signed.path})`)
  const draft = {...signed, service: name, region: scope?.region ?? parts.world.region, accessKeyId: scope?.accessKeyId ?? null}
  const request: WireRequest = {...draft, operation: operationOf(draft, service)}

  const faults = parts.faults.take(request)
  await sleep(parts.latencyMs + faults.reduce((sum, {kind, ms}) => sum + (kind === 'latency' ? (ms ?? 0) : 0), 0))
  const instead = faults.map((fault) => answerInstead(fault, service, request)).find((answer) => answer !== null)
  if (instead !== undefined) return {request, answer: instead}

  const answer = await act(service, request, () => authenticate(name, signed, claim, parts.world), parts)
  return {request, answer: faults.some(({kind}) => kind === 'lost-response') ? 'closed' : answer}
}

async function act(service: Service, request: WireRequest, identify: () => Principal, {world, throttle, onProblem}: EndpointParts): Promise<WireResponse> {
  try {
    const authentic: WireRequest = {...request, principal: identify()}
    throttle?.spend(authentic)
    authorize(service, authentic, world)
    return await service.handle(authentic)
  } catch (error) {
    if (error instanceof ServiceError) return service.fail(error, request)
    onProblem(error)
    return service.fail(new ServiceError('InternalError', `The bench failed: ${String(error)}`, 500), request)
  }
}

function claimOf(signed: SignedRequest): SignatureClaim | SignatureError | null {
  try {
    return readClaim(signed)
  } catch (error) {
    if (error instanceof SignatureError) return error
    throw error
  }
}

function authenticate(service: ServiceName, signed: SignedRequest, claim: SignatureClaim | SignatureError | null, world: World): Principal {
  if (claim === null) throw refused(service, 'unsigned')
  if (claim instanceof SignatureError) throw signatureRefused(service, claim)
  const key = world.accessKeys.get(claim.accessKeyId)
  try {
    verifySignature(signed, claim, key, world.now())
  } catch (error) {
    throw error instanceof SignatureError ? signatureRefused(service, error) : error
  }
  if (key === undefined) throw refused(service, 'unknown-key')
  return key.principal
}

function answerInstead(fault: Fault, service: Service, request: WireRequest): Answer | null {
  switch (fault.kind) {
    case 'error':
      return service.fail(new ServiceError(fault.code ?? 'InternalError', fault.message ?? `${fault.code ?? 'InternalError'} (injected)`, fault.status ?? 400), request)
    case 'html':
      return {status: fault.status ?? 500, headers: {'content-type': 'text/html'}, body: '<html><head><title>500</title></head><body><h1>Internal Server Error</h1><br></body></html>'}
    case 'lost-request':
      return 'closed'
    case 'latency':
    case 'lost-response':
      return null
  }
}

function authorize(service: Service, request: WireRequest, world: World): void {
  const {principal} = request
  // Everyone may ask who he is.
  if (principal === undefined || request.operation === 'GetCallerIdentity') return
  const own = service.permissionOf?.(request)
  for (const {action, context, resource} of own ? [{...own, context: {}}] : defaultPermissions(request, instanceIdsIn(request), world)) {
    if (!world.isAllowed(principal, action, resource, context)) throw accessDenied(request.service, principal.arn, action, resource)
  }
}

const TARGETS: Readonly<Record<string, ServiceName>> = {AmazonSSM: 'ssm', AWSPriceListService: 'pricing', ServiceQuotasV20190624: 'servicequotas'}
const VERSIONS: Readonly<Record<string, ServiceName>> = {'2016-11-15': 'ec2', '2011-06-15': 'sts', '2010-05-08': 'iam'}
const NAMES: readonly ServiceName[] = ['ec2', 'iam', 'pricing', 's3', 'servicequotas', 'ssm', 'sts']

/** By the signature's scope; what is unsigned is known by its shape. */
function serviceNameOf({headers, body, method}: SignedRequest, signedFor: string | undefined): ServiceName {
  const named = NAMES.find((name) => name === signedFor)
  if (named !== undefined) return named
  const target = TARGETS[(headers['x-amz-target'] ?? '').split('.')[0] ?? '']
  if (target !== undefined) return target
  const form = method === 'POST' && headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true
  return (form ? VERSIONS[new URLSearchParams(body.toString()).get('Version') ?? ''] : undefined) ?? 's3'
}

function operationOf(request: Omit<WireRequest, 'operation'>, service: Service): string {
  const named = service.operationOf?.(request)
  if (named !== undefined) return named
  const target = request.headers['x-amz-target']
  if (target !== undefined) return target.slice(target.indexOf('.') + 1)
  return new URLSearchParams(request.body.toString()).get('Action') ?? 'Unknown'
}

/** Instances are told by the look of their ids; objects of S3 may contain anything. */
function instanceIdsIn(request: WireRequest): string[] {
  if (request.service === 's3') return []
  return [...new Set(request.body.toString().match(/\bi-[0-9a-f]{8,17}\b/g) ?? [])]
}

async function readRequest(message: IncomingMessage): Promise<SignedRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  const url = message.url ?? '/'
  const mark = url.indexOf('?')
  return {
    method: message.method ?? 'GET',
    path: mark === -1 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1)),
    headers: Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : (value ?? '')])),
    body: Buffer.concat(chunks),
  }
}

/** The date is AWS's: the SDK corrects its own by it. */
function send(message: IncomingMessage, response: ServerResponse, answer: WireResponse, now: Date): void {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
  const headers: Record<string, string> = {date: now.toUTCString(), ...answer.headers}
  // An answer to HEAD tells the length of what it does not send.
  const bodiless = message.method === 'HEAD' || answer.status === 204 || answer.status === 304
  if (headers['content-length'] === undefined && !(bodiless && message.method !== 'HEAD')) headers['content-length'] = String(body.length)
  response.writeHead(answer.status, headers)
  response.end(bodiless ? undefined : body)
}
