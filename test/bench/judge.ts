/** Services that a foreign emulator of AWS answers in the bench's place, as it would answer anyone: what it says is not ours. */

import {once} from 'node:events'
import {type IncomingMessage, request as httpRequest} from 'node:http'

import {JudgedInstances} from './judge-instances.js'
import {type Service, ServiceError, type ServiceName, type WireRequest, type WireResponse} from './types.js'
import type {World} from './world.js'

const JUDGED: readonly ServiceName[] = ['ec2', 'iam', 's3', 'sts']

/** Headers of one connection, which are not those of the next. */
const HOP_BY_HOP = ['connection', 'expect', 'keep-alive', 'transfer-encoding']

/** Runs when the judge has said yes, before that is passed on. */
type Follow = (request: WireRequest) => Promise<unknown>

/**
 * The services in `own` that the judge at `url` answers. Signatures and rights are still the bench's to check, before the judge is asked; so
 * roles made there are made here too, and its instances get machines here.
 */
export function judgedServices(own: readonly Service[], world: World, url: string): readonly Service[] {
  const instances = new JudgedInstances(world, url)
  const follows: Partial<Record<ServiceName, (service: Service) => Follow>> = {
    ec2: () => () => instances.follow(),
    iam: (service) => (request) => made(service, request),
  }
  return own.filter(({name}) => JUDGED.includes(name)).map((service) => new JudgedService(service, url, follows[service.name]?.(service)))
}

async function made(service: Service, request: WireRequest): Promise<void> {
  try {
    await service.handle(request)
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
  }
}

class JudgedService implements Service {
  readonly name: ServiceName
  readonly #own: Service
  readonly #url: URL
  readonly #follow: Follow | undefined

  constructor(own: Service, url: string, follow: Follow | undefined) {
    this.name = own.name
    this.#own = own
    this.#url = new URL(url)
    this.#follow = follow
    // Only where the service has them: the endpoint asks whether it does.
    if (own.operationOf) this.operationOf = (request) => own.operationOf?.(request) ?? 'Unknown'
    if (own.permissionOf) this.permissionOf = own.permissionOf.bind(own)
    if (own.idsOf) this.idsOf = own.idsOf.bind(own)
  }

  operationOf?: NonNullable<Service['operationOf']>
  permissionOf?: NonNullable<Service['permissionOf']>
  idsOf?: NonNullable<Service['idsOf']>

  async handle(request: WireRequest): Promise<WireResponse> {
    const answer = await this.#pass(request)
    const changes = !/^(Describe|Get|Head|List)/.test(request.operation)
    if (changes && answer.status < 300) await this.#follow?.(request)
    return answer
  }

  fail(error: ServiceError, request: WireRequest): WireResponse {
    return this.#own.fail(error, request)
  }

  async #pass({method, path, query, headers, body}: WireRequest): Promise<WireResponse> {
    const target = query.size === 0 ? path : `${path}?${query.toString()}`
    const passed = httpRequest({
      host: this.#url.hostname,
      port: this.#url.port,
      method,
      path: target,
      headers: {...withoutHops(headers), 'content-length': String(body.length)},
      agent: false,
    })
    passed.end(body)
    const [message] = (await once(passed, 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk as Buffer)
    return {status: message.statusCode ?? 500, headers: withoutHops(message.headers), body: Buffer.concat(chunks)}
  }
}

function withoutHops(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !HOP_BY_HOP.includes(name))
  return Object.fromEntries(kept.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]))
}
