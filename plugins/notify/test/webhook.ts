import {once} from 'node:events'
import {createServer, type IncomingHttpHeaders, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** How it answers: a status, with headers; `hang`: never. */
export type Answer = 'hang' | {readonly status: number; readonly headers?: Readonly<Record<string, string>>}

/** A webhook on loopback. */
export class Webhook {
  readonly received: Received[] = []
  answer: (count: number) => Answer = () => ({status: 200})
  #arrived: (() => void)[] = []

  private constructor(private readonly server: Server) {}

  static async open(): Promise<Webhook> {
    const server = createServer()
    const webhook = new Webhook(server)
    server.on('request', (request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        webhook.received.push({headers: request.headers, body: Buffer.concat(pieces).toString()})
        const answer = webhook.answer(webhook.received.length)
        if (answer !== 'hang') response.writeHead(answer.status, answer.headers).end('thanks')
        for (const tell of webhook.#arrived.splice(0)) tell()
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return webhook
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hooks/s3cr3t-of-the-address`
  }

  /** Resolves when so many messages have come in all. */
  async has(count: number): Promise<void> {
    while (this.received.length < count) await new Promise<void>(resolve => this.#arrived.push(resolve))
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }
}
