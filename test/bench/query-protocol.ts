/** EC2, STS and IAM: a form with an `Action` in, XML out. */

import {randomUUID} from 'node:crypto'

import {decodeForm, type Dialect, encodeXml, operationSchemas} from './model-codec.js'
import {type Service, ServiceError, type ServiceName, type WireRequest, type WireResponse} from './types.js'
import {writeXml, type XmlValue} from './xml.js'

/** Takes an operation's input and gives its output, both as the SDK's types have them. */
export type Handler = (input: never, request: WireRequest) => object | Promise<object>

const XML = {'content-type': 'text/xml;charset=UTF-8'}
const PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n'
const NAMESPACES = {
  ec2: 'http://ec2.amazonaws.com/doc/2016-11-15/',
  iam: 'https://iam.amazonaws.com/doc/2010-05-08/',
  sts: 'https://sts.amazonaws.com/doc/2011-06-15/',
}

export interface QueryServiceParts {
  readonly name: keyof typeof NAMESPACES & ServiceName
  /** The exports of the SDK's package: `RunInstances$` is an operation's schema. */
  readonly model: Readonly<Record<string, unknown>>
  readonly handlers: Readonly<Record<string, Handler>>
}

export class QueryService implements Service {
  readonly name: QueryServiceParts['name']
  readonly #parts: QueryServiceParts
  readonly #dialect: Dialect

  constructor(parts: QueryServiceParts) {
    this.name = parts.name
    this.#parts = parts
    this.#dialect = parts.name === 'ec2' ? 'ec2' : 'query'
  }

  async handle(request: WireRequest): Promise<WireResponse> {
    const handler = this.#parts.handlers[request.operation]
    if (handler === undefined) throw new ServiceError('InvalidAction', `The action ${request.operation} is not valid for this web service.`)
    const {input, output} = operationSchemas(this.#parts.model[`${request.operation}$`])
    const decoded = decodeForm(new URLSearchParams(request.body.toString()), input, this.#dialect)
    const result = encodeXml(await handler(decoded as never, request), output, this.#dialect)
    return {status: 200, headers: XML, body: PROLOGUE + this.#document(request.operation, (result ?? {}) as Record<string, XmlValue>)}
  }

  fail(error: ServiceError): WireResponse {
    const {code, message, status} = error
    const content =
      this.#dialect === 'ec2'
        ? writeXml('Response', {Errors: {Error: {Code: code, Message: message}}, RequestID: randomUUID()}, 'item')
        : writeXml('ErrorResponse', {Error: {Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message}, RequestId: randomUUID()}, 'member')
    return {status, headers: XML, body: PROLOGUE + content}
  }

  #document(operation: string, result: Readonly<Record<string, XmlValue>>): string {
    const open = `<${operation}Response xmlns="${NAMESPACES[this.name]}">`
    const content =
      this.#dialect === 'ec2'
        ? Object.entries({requestId: randomUUID(), ...result}).map(([name, value]) => writeXml(name, value, 'item'))
        : [writeXml(`${operation}Result`, result, 'member'), writeXml('ResponseMetadata', {RequestId: randomUUID()}, 'member')]
    return `${open}${content.join('')}</${operation}Response>`
  }
}
