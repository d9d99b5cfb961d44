/** Instances as namespaces on an overlay of this machine's file system. */

import {randomUUID} from 'node:crypto'
import {mkdir, mkdtemp, rm} from 'node:fs/promises'
import {createServer, type Server} from 'node:net'
import {homedir, tmpdir} from 'node:os'
import {join} from 'node:path'

import {type BenchInstance, type Machines, MachineStopped, type ScriptOutcome} from '../types.js'
import {type Deferred, deferred} from './deferred.js'
import {greetGuest, GuestLink} from './guest-link.js'
import {HostProcess} from './host-process.js'
import {ImdsServers} from './imds-servers.js'
import type {MachinesOptions} from './index.js'
import type {Message} from './line-messages.js'

const DEFAULT_GRACE_MS = 1000
/** A process 1 that has not gone so long after the grace is killed. */
const HANG_MS = 1000

/** One boot of an instance. */
interface Boot {
  readonly number: number
  pid: number | null
  link: GuestLink | null
  readonly up: Deferred<void>
  readonly gone: Deferred<void>
}

export class NamespaceMachines implements Machines {
  readonly kind = 'namespaces'
  readonly #options: MachinesOptions
  readonly #folder: string
  readonly #imds: ImdsServers
  readonly #boots = new Map<string, Boot>()
  readonly #removals = new Map<string, () => void>()
  readonly #disksMib = new Map<string, number | null>()
  #host!: HostProcess
  #control!: Server
  #lastNumber = 0

  private constructor(options: MachinesOptions, folder: string) {
    this.#options = options
    this.#folder = folder
    this.#imds = new ImdsServers(options.imds)
  }

  static async create(options: MachinesOptions): Promise<NamespaceMachines> {
    const folder = await mkdtemp(join(options.root ?? tmpdir(), 'rb-'))
    const machines = new NamespaceMachines(options, folder)
    try {
      await machines.#open()
    } catch (error) {
      await rm(folder, {recursive: true, force: true})
      throw error
    }
    return machines
  }

  async #open(): Promise<void> {
    await mkdir(join(this.#folder, 'imds'))
    await mkdir(join(this.#folder, 'machines'))
    this.#host = await HostProcess.start(this.#folder, (message) => {
      this.#hear(message)
    })
    void this.#host.exited.then(() => {
      for (const id of this.#boots.keys()) this.#lose(id)
      for (const removed of this.#removals.values()) removed()
    })
    this.#control = createServer((socket) => {
      greetGuest(socket, {
        up: (id, number) => {
          const boot = this.#boots.get(id)
          if (boot?.number !== number) return null
          boot.link = new GuestLink(id, socket, () => this.#options.onPowerOff?.(id))
          boot.up.resolve()
          return boot.link
        },
        failed: (id, number, error) => {
          const boot = this.#boots.get(id)
          if (boot?.number === number) boot.up.reject(new Error(`${id} does not start: ${error}`))
        },
      })
    })
    await new Promise<void>((resolve, reject) => {
      this.#control.once('error', reject)
      this.#control.listen(join(this.#folder, 'control'), resolve)
    })
  }

  #hear(message: Message): void {
    const id = String(message['gone'] ?? message['booted'] ?? message['removed'])
    if ('removed' in message) {
      this.#removals.get(id)?.()
      this.#removals.delete(id)
      return
    }
    const boot = this.#boots.get(id)
    if (boot === undefined || boot.number !== message['number']) return
    if ('booted' in message) boot.pid = Number(message['pid'])
    if ('gone' in message) this.#lose(id)
  }

  #lose(id: string): void {
    const boot = this.#boots.get(id)
    this.#boots.delete(id)
    boot?.link?.lose()
    boot?.up.reject(new Error(`${id} does not start: ${this.#host.errors()}`))
    boot?.gone.resolve()
  }

  async start(instance: BenchInstance): Promise<void> {
    const {id} = instance
    const running = this.#boots.get(id)
    if (running !== undefined) return running.up.promise
    const boot: Boot = {number: ++this.#lastNumber, pid: null, link: null, up: deferred(), gone: deferred()}
    boot.up.promise.catch(() => {})
    this.#boots.set(id, boot)
    if (!this.#disksMib.has(id)) this.#disksMib.set(id, this.#options.diskMib?.(id) ?? null)
    await this.#imds.open(id, join(this.#folder, 'imds', id))
    this.#host.send({
      boot: id,
      number: boot.number,
      boot_id: randomUUID(),
      disk_mib: this.#disksMib.get(id) ?? null,
      user: this.#options.user ?? 'ec2-user',
      env: {AWS_SSM_INSTANCE_ID: id, AWS_SSM_REGION_NAME: this.#options.imds.regionOf(instance), ...this.#options.env},
      port: this.#options.endpointPort,
      endpoint: this.#options.endpointSocket,
      user_data: instance.userData,
      sudo: this.#options.sudo?.() ?? true,
      // What lies here is this machine's own: an instance has a home for root, and no checkout of the project.
      hide: [...new Set(['/root', '/home', homedir(), process.cwd()])].filter((path) => path !== '/'),
    })
    return boot.up.promise
  }

  async stop(instance: BenchInstance, options: {readonly graceMs?: number} = {}): Promise<void> {
    const boot = this.#boots.get(instance.id)
    if (boot === undefined) return
    const graceMs = options.graceMs ?? this.#options.shutdownGraceMs ?? DEFAULT_GRACE_MS
    if (graceMs === 0 || boot.link === null) {
      boot.link?.lose()
      this.#host.send({kill: instance.id})
      return boot.gone.promise
    }
    boot.link.shutDown(graceMs)
    const hang = setTimeout(() => {
      this.#host.send({kill: instance.id})
    }, graceMs + HANG_MS)
    await boot.gone.promise
    clearTimeout(hang)
  }

  async remove(instance: BenchInstance): Promise<void> {
    await this.stop(instance, {graceMs: 0})
    await this.#imds.close(instance.id)
    const removed = new Promise<void>((resolve) => this.#removals.set(instance.id, resolve))
    this.#host.send({remove: instance.id})
    await removed
    this.#disksMib.delete(instance.id)
  }

  async run(instance: BenchInstance, script: string, options: {readonly timeoutMs: number; readonly signal: AbortSignal}): Promise<ScriptOutcome> {
    const link = this.#boots.get(instance.id)?.link
    if (link === undefined || link === null) throw new MachineStopped(instance.id)
    return link.run(script, options)
  }

  /** While it runs, the file system as the instance sees it; else what was written to its disk. */
  hostPath(instanceId: string, path: string): string {
    const pid = this.#boots.get(instanceId)?.pid ?? null
    if (pid !== null) return join(`/proc/${pid}/root`, path)
    return join(`/proc/${this.#host.pid}/root`, this.#folder, 'machines', instanceId, 'disk/upper', path)
  }

  async close(): Promise<void> {
    for (const boot of this.#boots.values()) boot.link?.lose()
    await this.#host.close()
    await this.#imds.close()
    await new Promise((resolve) => this.#control.close(resolve))
  }
}
