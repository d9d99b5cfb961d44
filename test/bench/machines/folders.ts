/** Instances as folders and process groups, where there are no namespaces: paths, users and addresses are this machine's own. */

import {type ChildProcess, spawn} from 'node:child_process'
import {randomUUID} from 'node:crypto'
import {once} from 'node:events'
import {type FSWatcher, watch} from 'node:fs'
import {mkdir, mkdtemp, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

import {type BenchInstance, type Machines, MachineStopped, type ScriptOutcome} from '../types.js'
import {type Deferred, deferred} from './deferred.js'
import {bootScripts, furnish} from './folder-boot.js'
import {runScript} from './folder-script.js'
import {ImdsServers} from './imds-servers.js'
import type {MachinesOptions} from './index.js'
import {onMessages} from './line-messages.js'

const SWEEPER = fileURLToPath(new URL('guest/sweeper.py', import.meta.url))
const DEFAULT_GRACE_MS = 1000

interface Boot {
  readonly id: string
  readonly stopped: AbortController
}

export class FolderMachines implements Machines {
  readonly kind = 'folders'
  readonly #options: MachinesOptions
  readonly #folder: string
  readonly #imds: ImdsServers
  readonly #sweeper: ChildProcess
  readonly #boots = new Map<string, Boot>()
  readonly #ending = new Map<string, Deferred<void>>()
  readonly #watchers = new Map<string, FSWatcher>()

  private constructor(options: MachinesOptions, folder: string) {
    this.#options = options
    this.#folder = folder
    this.#imds = new ImdsServers(options.imds)
    // It ends what is left, and the folder, when its standard input ends, however this process does.
    this.#sweeper = spawn('python3', ['-B', '-E', SWEEPER], {stdio: ['pipe', 'pipe', 'inherit'], detached: true})
    this.#sweeper.stdin?.on('error', () => {})
    if (this.#sweeper.stdout !== null) {
      onMessages(this.#sweeper.stdout, (message) => {
        const id = String(message['ended'])
        this.#ending.get(id)?.resolve()
        this.#ending.delete(id)
      })
    }
    this.#tellSweeper({folder})
  }

  static async create(options: MachinesOptions): Promise<FolderMachines> {
    const folder = await realpath(await mkdtemp(join(options.root ?? tmpdir(), 'rb-')))
    return new FolderMachines(options, folder)
  }

  #tellSweeper(message: unknown): void {
    this.#sweeper.stdin?.write(`${JSON.stringify(message)}\n`)
  }

  async start(instance: BenchInstance): Promise<void> {
    if (this.#boots.has(instance.id)) return
    const boot: Boot = {id: randomUUID(), stopped: new AbortController()}
    this.#boots.set(instance.id, boot)
    const folder = join(this.#folder, instance.id)
    const isFirst = await mkdir(join(folder, 'home'), {recursive: true}) !== undefined
    await furnish(folder, {bootId: boot.id, sudo: this.#options.sudo?.() ?? true})
    this.#watchers.set(instance.id, watch(join(folder, 'power'), () => this.#options.onPowerOff?.(instance.id)))
    await this.#imds.open(instance.id, null)
    void this.#runAtBoot(instance, boot, isFirst)
  }

  async #runAtBoot(instance: BenchInstance, boot: Boot, isFirst: boolean): Promise<void> {
    const forever = {timeoutMs: 2 ** 31 - 1, signal: new AbortController().signal, stopped: boot.stopped.signal}
    for (const file of await bootScripts(join(this.#folder, instance.id), isFirst ? instance.userData : null)) {
      await runScript({file, env: await this.#env(instance, boot), ...forever}).catch(() => {})
    }
  }

  async stop(instance: BenchInstance, options: {readonly graceMs?: number} = {}): Promise<void> {
    this.#boots.get(instance.id)?.stopped.abort(new MachineStopped(instance.id))
    this.#boots.delete(instance.id)
    this.#watchers.get(instance.id)?.close()
    let ending = this.#ending.get(instance.id)
    if (ending === undefined) {
      ending = deferred()
      this.#ending.set(instance.id, ending)
      this.#tellSweeper({end: instance.id, grace_ms: options.graceMs ?? this.#options.shutdownGraceMs ?? DEFAULT_GRACE_MS})
    }
    await ending.promise
  }

  async remove(instance: BenchInstance): Promise<void> {
    await this.stop(instance, {graceMs: 0})
    await this.#imds.close(instance.id)
    await rm(join(this.#folder, instance.id), {recursive: true, force: true})
  }

  async run(instance: BenchInstance, script: string, options: {readonly timeoutMs: number; readonly signal: AbortSignal}): Promise<ScriptOutcome> {
    const boot = this.#boots.get(instance.id)
    if (boot === undefined) throw new MachineStopped(instance.id)
    const folder = join(this.#folder, instance.id)
    const file = join(folder, `script-${randomUUID()}.sh`)
    await writeFile(file, `${script}\n`, {mode: 0o700})
    const env = await this.#env(instance, boot)
    return runScript({file, env, timeoutMs: options.timeoutMs, signal: options.signal, stopped: boot.stopped.signal})
  }

  async #env(instance: BenchInstance, boot: Boot): Promise<Record<string, string>> {
    const folder = join(this.#folder, instance.id)
    const port = await this.#imds.open(instance.id, null)
    return {
      PATH: `${join(folder, 'bin')}:/usr/bin:/bin:${process.env['PATH'] ?? ''}`,
      // Unlike the agent's scripts, for the same reason as getent.
      HOME: join(folder, 'home'),
      AWS_SSM_INSTANCE_ID: instance.id,
      AWS_SSM_REGION_NAME: this.#options.imds.regionOf(instance),
      AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port ?? 0}`,
      RUNCTL_BENCH_MACHINE: folder,
      RUNCTL_BOOT_ID: boot.id,
      // What runctl sets up as root stays in the folder.
      RUNCTL_WATCH_ROOT: join(folder, 'root'),
      ...this.#options.env,
    }
  }

  hostPath(instanceId: string, path: string): string {
    return join(this.#folder, instanceId, path)
  }

  async close(): Promise<void> {
    for (const [id, boot] of this.#boots) boot.stopped.abort(new MachineStopped(id))
    this.#boots.clear()
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#sweeper.stdin?.end()
    if (this.#sweeper.exitCode === null) await once(this.#sweeper, 'close')
    await this.#imds.close()
  }
}
