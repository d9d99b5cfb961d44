/** One metadata server an instance, from its first start until it is removed. */

import type {Server} from 'node:http'
import type {AddressInfo} from 'node:net'

import {Imds, type ImdsSource} from '../imds.js'

export class ImdsServers {
  readonly #source: ImdsSource
  readonly #servers = new Map<string, Server>()

  constructor(source: ImdsSource) {
    this.#source = source
  }

  /** Listens on a unix socket, or on a free port of 127.0.0.1, unless it does already; answers with that port. */
  async open(instanceId: string, socketPath: string | null): Promise<number | null> {
    let server = this.#servers.get(instanceId)
    if (server === undefined) {
      const created = new Imds(this.#source, instanceId).createServer()
      server = created
      this.#servers.set(instanceId, created)
      await new Promise<void>((resolve, reject) => {
        created.once('error', reject)
        if (socketPath === null) created.listen(0, '127.0.0.1', resolve)
        else created.listen(socketPath, resolve)
      })
    }
    const address: AddressInfo | string | null = server.address()
    return typeof address === 'object' ? (address?.port ?? null) : null
  }

  async close(instanceId?: string): Promise<void> {
    const ids = instanceId === undefined ? [...this.#servers.keys()] : [instanceId]
    await Promise.all(ids.map((id) => this.#close(id)))
  }

  async #close(instanceId: string): Promise<void> {
    const server = this.#servers.get(instanceId)
    this.#servers.delete(instanceId)
    if (server === undefined) return
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}
