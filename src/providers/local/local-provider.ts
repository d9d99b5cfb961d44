import {randomUUID} from 'node:crypto'

import {RunctlError} from '../../model/errors.js'
import type {Instance} from '../../model/instance.js'
import type {CallOptions, CreateInstanceRequest, InstanceQuery, Pricing, Provider} from '../provider.js'
import {isFullDisk, rethrowDiskError} from './disk-error.js'
import {INSTANCE_ID_PATTERN, InstanceFolders} from './instance-folder.js'
import {endInstanceProcesses} from './instance-processes.js'
import {asInstance, checkTags, currentRecord, reasonForEnding, type InstanceRecord} from './instance-record.js'
import {LocalShell} from './local-shell.js'
import type {Machine} from './machine.js'
import {removeFolder} from './remove-folder.js'

export interface LocalProviderDeps {
  /** Real path of runctl's data folder. */
  readonly dataDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly machine: Machine
  readonly now: () => Date
}

/** How long to go on killing what does not die: only processes that hang in the kernel do not. */
const KILL_MS = 10_000
/** The same for a look at an instance whose stop was cut off. */
const FINISH_MS = 500

/**
 * Instances as folders and process trees of this machine. Nothing runs in the background: what a cloud would do by itself, such as
 * ending a stop that was begun, is done by whoever looks next.
 */
export class LocalProvider implements Provider {
  readonly name = 'local'
  readonly shell: LocalShell
  readonly pricing: Pricing = {hourlyPrice: () => Promise.resolve({usdPerHour: 0, source: 'local'})}
  private readonly folders: InstanceFolders

  constructor(private readonly deps: LocalProviderDeps) {
    this.folders = new InstanceFolders(deps.dataDir, deps.machine, deps.now)
    const host = {
      home: (id: string) => this.folders.home(id),
      current: (id: string) => this.current(id),
      whileHeld: <T>(id: string, work: (record: InstanceRecord) => Promise<T>, signal?: AbortSignal) =>
        this.whileHeld(id, record => work(this.asOfNow(record)), signal ? {signal} : {}),
    }
    this.shell = new LocalShell(host, deps.env)
  }

  async createInstance(request: CreateInstanceRequest, options: CallOptions = {}): Promise<Instance> {
    const tags = request.name === undefined ? request.tags : {...request.tags, Name: request.name}
    if (!/^[\x21-\x7e]{1,64}$/.test(request.requestId)) throw new RunctlError('bad_input', 'a request id has 1 to 64 ASCII characters and no blanks')
    if (request.instanceType !== undefined && request.instanceType !== 'local') {
      throw new RunctlError('bad_input', `the platform local has one instance type, 'local', and not ${JSON.stringify(request.instanceType)}`)
    }
    checkTags(tags)
    options.signal?.throwIfAborted()
    const at = this.deps.now().toISOString()
    const fill = (id: string): InstanceRecord => ({
      version: 1,
      id,
      request_id: request.requestId,
      state: 'running',
      state_reason: null,
      machine_boot_id: this.deps.machine.bootId(),
      boot_id: randomUUID(),
      created_at: at,
      launched_at: at,
      terminated_at: null,
      tags,
    })
    const {record, made} = await this.folders.create(request.requestId, fill).catch(rethrowDiskError)
    return made ? {...asInstance(record), state: 'pending'} : asInstance(this.asOfNow(record))
  }

  async *describeInstances(query: InstanceQuery, options: CallOptions = {}): AsyncIterable<Instance> {
    const ids = new Set(query.ids ?? (await this.folders.ids().catch(rethrowDiskError)))
    const tags = Object.entries(query.tags ?? {})
    for (const id of ids) {
      options.signal?.throwIfAborted()
      const found = await this.folders.read(id).catch(rethrowDiskError)
      if (!found) continue
      const instance = asInstance(this.asOfNow(await this.finish(found, options).catch(rethrowDiskError)))
      if (query.states && !query.states.includes(instance.state)) continue
      if (tags.every(([key, value]) => instance.tags[key] === value)) yield instance
    }
  }

  startInstance(id: string, options: CallOptions = {}): Promise<Instance> {
    return this.whileHeld(id, async found => {
      const record = this.asOfNow(found.state === 'stopping' ? await this.end(found, KILL_MS, options) : found)
      if (record.state === 'running') return asInstance(record)
      if (record.state !== 'stopped') throw wrongState(record, 'started')
      const next = await this.write({
        ...record,
        state: 'running',
        state_reason: null,
        machine_boot_id: this.deps.machine.bootId(),
        boot_id: randomUUID(),
        launched_at: this.laterThan(record.launched_at),
      })
      return {...asInstance(next), state: 'pending'}
    }, options)
  }

  stopInstance(id: string, options: CallOptions = {}): Promise<Instance> {
    return this.endInstance(id, 'stopping', options)
  }

  terminateInstance(id: string, options: CallOptions = {}): Promise<Instance> {
    return this.endInstance(id, 'shutting-down', options)
  }

  async setTags(id: string, tags: Readonly<Record<string, string>>, options: CallOptions = {}): Promise<void> {
    checkTags(tags)
    await this.whileHeld(id, record => this.write({...record, tags: {...record.tags, ...tags}}), options)
  }

  private async endInstance(id: string, state: 'shutting-down' | 'stopping', options: CallOptions): Promise<Instance> {
    if (this.deps.env['RUNCTL_INSTANCE_ID'] === id) {
      throw new RunctlError('wrong_state', `this command runs on instance ${id} itself and cannot end the instance from within; use another terminal`)
    }
    return this.whileHeld(id, async found => {
      const record = this.asOfNow(found)
      if (record.state === 'terminated' || (record.state === 'stopped' && state === 'stopping')) return asInstance(record)
      if (record.state === 'shutting-down' && state === 'stopping') throw wrongState(record, 'stopped')
      const reason = record.state === 'running' ? reasonForEnding(record) : record.state_reason
      const ending: InstanceRecord = {...record, state, state_reason: reason}
      // A full disk must not keep anybody from stopping; the lock keeps others out as well as the mark does.
      await this.write(ending).catch((error: unknown) => {
        if (!isFullDisk(error)) throw error
      })
      return asInstance(await this.end(ending, KILL_MS, options))
    }, options)
  }

  /** Only while holding the lock. Brings `stopping` and `shutting-down` to their end. */
  private async end(record: InstanceRecord, killMs: number, {signal}: CallOptions): Promise<InstanceRecord> {
    const place = {id: record.id, home: this.folders.home(record.id)}
    const left = await endInstanceProcesses(place, this.deps.machine, {ms: killMs, ...(signal ? {signal} : {})})
    if (left.length > 0) {
      throw new RunctlError('platform_failed', `instance ${record.id} is still ${record.state}: process ${left.slice(0, 10).join(', ')} cannot be killed`, {
        next: [`ps -fp ${left.slice(0, 10).join(',')}`, `runctl local ${record.state === 'stopping' ? 'stop' : 'terminate'} ${record.id}`],
        details: {instance_id: record.id, pids: left},
      })
    }
    if (record.state === 'stopping') return this.write({...record, state: 'stopped'})
    await removeFolder(place.home)
    return this.write({...record, state: 'terminated', terminated_at: this.deps.now().toISOString()})
  }

  /** Whoever began a stop may have been killed before its end. */
  private async finish(record: InstanceRecord, options: CallOptions): Promise<InstanceRecord> {
    if (record.state !== 'stopping' && record.state !== 'shutting-down') return record
    const finished = await this.folders.lock(record.id).holdIfFree(async () => {
      const found = (await this.folders.read(record.id)) ?? record
      if (found.state !== 'stopping' && found.state !== 'shutting-down') return found
      return this.end(found, FINISH_MS, options).catch((error: unknown) => {
        if (error instanceof RunctlError) return found
        throw error
      })
    })
    return finished ?? record
  }

  private async current(id: string): Promise<InstanceRecord> {
    const record = await this.folders.read(id).catch(rethrowDiskError)
    if (!record) throw notFound(id)
    return this.asOfNow(record)
  }

  /** Gives the record as it was written; see {@link asOfNow}. */
  private async whileHeld<T>(id: string, work: (record: InstanceRecord) => Promise<T>, options: CallOptions): Promise<T> {
    // Before the lock: its folder must exist.
    await this.current(id)
    const lock = this.folders.lock(id)
    return lock.hold(async () => {
      const record = await this.folders.read(id)
      if (!record) throw notFound(id)
      return work(record)
    }, options).catch(rethrowDiskError)
  }

  private asOfNow(record: InstanceRecord): InstanceRecord {
    return currentRecord(record, this.deps.machine.bootId())
  }

  private async write(record: InstanceRecord): Promise<InstanceRecord> {
    await this.folders.write(record)
    return record
  }

  /** The start is told by this time alone, so two never share it, whatever the clock does. */
  private laterThan(before: string): string {
    return new Date(Math.max(this.deps.now().getTime(), Date.parse(before) + 1)).toISOString()
  }
}

function notFound(id: string): RunctlError {
  const what = INSTANCE_ID_PATTERN.test(id) ? 'there is no instance' : 'no instance of the platform local has an id like'
  return new RunctlError('not_found', `${what} ${JSON.stringify(id).slice(1, -1)}`, {next: ['runctl local status'], details: {instance_id: id}})
}

function wrongState(record: InstanceRecord, participle: string): RunctlError {
  return new RunctlError('wrong_state', `instance ${record.id} is ${record.state} and cannot be ${participle}`, {
    next: ['runctl local status', 'runctl local create'],
    details: {instance_id: record.id, state: record.state},
  })
}
