import type {CallOptions, Instance, ProviderEnvironment} from 'runctl'
import path from 'node:path'

import {Connection, type HostAnswer, type HostCall} from './connection.js'
import {type LastSeen, LastSeenFiles} from './last-seen.js'
import {asInstance, type MachineRecord} from './machine-record.js'
import type {SshSettings} from './settings.js'
import {wakeHost} from './wake-host.js'

/** A host that may be off is not waited for long. */
const PROBE_TIMEOUT_MS = 5000
const OPERATION_MS = 30_000
/** A suspend command may take a minute. */
const STOP_MS = 90_000
/** One that was told to wake and has not answered by then did not. */
const WAKE_LIMIT_MS = 600_000

/** What a look at a host has found. `instance` is null where nobody has used it with runctl. */
export interface Look {
  readonly answers: boolean
  readonly record: MachineRecord | null
  readonly instance: Instance
  /** Of a host that answers. */
  readonly facts: HostFacts | null
  /** Why it does not answer. */
  readonly error: unknown
}

export interface HostFacts {
  readonly python: readonly number[]
  readonly boot_at: string | null
  readonly home: string
}

/** The hosts, each with its record on it, and what is remembered of those that are off. */
export class Machines {
  readonly #connections = new Map<string, Connection>()
  readonly #lastSeen: LastSeenFiles

  constructor(
    private readonly environment: ProviderEnvironment,
    private readonly settings: SshSettings,
    private readonly now: () => number = Date.now,
  ) {
    this.#lastSeen = new LastSeenFiles(path.join(environment.dataDir, 'ssh', 'last-seen'))
  }

  async call(host: string, call: HostCall): Promise<HostAnswer> {
    const request = {id: host, suspend: this.settings.suspend(host), ...call.request}
    return this.#connection(host).call({...call, request})
  }

  /** Rejects where the host answers in a way that tells nothing of its state: a login that is refused, a key that is not known. */
  async look(host: string, {signal}: CallOptions = {}): Promise<Look> {
    const seen = await this.#lastSeen.read(host)
    const mayBeOff = this.settings.wake(host) !== null
    try {
      return await this.#found(host, seen, {...(signal ? {signal} : {}), ...(mayBeOff ? {connectTimeoutMs: PROBE_TIMEOUT_MS} : {})})
    } catch (error) {
      if (signal?.aborted || codeOf(error) !== 'unreachable') throw error
      return this.#missed(host, seen, mayBeOff, error)
    }
  }

  async #found(host: string, seen: LastSeen, options: Pick<HostCall, 'connectTimeoutMs' | 'signal'>): Promise<Look> {
    const isWaking = seen.wakingSince !== undefined
    const request = isWaking ? {op: 'started', woken: true} : {op: 'look'}
    const {value} = await this.call(host, {request, timeoutMs: OPERATION_MS, ...options})
    let record = value['record'] as MachineRecord | null
    if (seen.releasePending) record = await this.#change(host, {op: 'release'}, options)
    if (seen.tags) record = await this.#change(host, {op: 'tag', tags: seen.tags}, options)
    await this.#remember(host, seen, {record})
    const facts = value as unknown as HostFacts
    return {answers: true, record, facts, instance: asInstance(host, record, facts.boot_at, stateOf(record)), error: null}
  }

  async #missed(host: string, seen: LastSeen, mayBeOff: boolean, error: unknown): Promise<Look> {
    const {record, releasePending, tags, wakingSince} = seen
    const known = record && tags ? {...record, tags: {...record.tags, ...tags}} : record
    const isWaking = wakingSince !== undefined && this.now() - wakingSince < WAKE_LIMIT_MS
    const off = isWaking ? 'pending' : 'stopped'
    const state = releasePending || record?.state === 'terminated' ? 'terminated' : mayBeOff ? off : stateOf(record)
    return Promise.resolve({answers: false, record: known, facts: null, instance: asInstance(host, known, null, state), error})
  }

  /** The record after it. */
  async #change(host: string, request: HostCall['request'], options: Pick<HostCall, 'signal'>): Promise<MachineRecord> {
    const {value} = await this.call(host, {request, timeoutMs: OPERATION_MS, ...options})
    return value['record'] as MachineRecord
  }

  /** A full disk here changes nothing there. */
  async #remember(host: string, before: LastSeen, seen: LastSeen): Promise<void> {
    if (JSON.stringify(before) === JSON.stringify(seen)) return
    await this.#lastSeen.write(host, seen).catch(() => undefined)
  }

  /** null: somebody else has it, and `taken` says who. */
  async claim(host: string, request: Readonly<Record<string, unknown>>, {signal}: CallOptions): Promise<{readonly instance: Instance; readonly isFresh: boolean} | {readonly taken: MachineRecord}> {
    const {value} = await this.call(host, {request: {...request, op: 'claim'}, timeoutMs: OPERATION_MS, ...(signal ? {signal} : {})})
    const record = value['record'] as MachineRecord
    if (value['made'] !== true) return {taken: record}
    await this.#remember(host, {record: null}, {record})
    return {instance: asInstance(host, record, null, stateOf(record)), isFresh: value['fresh'] === true}
  }

  async tag(host: string, tags: Readonly<Record<string, string>>, {signal}: CallOptions): Promise<void> {
    const seen = await this.#lastSeen.read(host)
    try {
      await this.#remember(host, seen, {record: await this.#change(host, {op: 'tag', tags}, signal ? {signal} : {})})
    } catch (error) {
      // Of one that is off: written when it is on again.
      if (codeOf(error) !== 'unreachable' || this.settings.wake(host) === null) throw error
      await this.#lastSeen.write(host, {...seen, tags: {...seen.tags, ...tags}})
    }
  }

  async release(host: string, look: Look, {signal}: CallOptions): Promise<Instance> {
    const seen = await this.#lastSeen.read(host)
    if (look.answers) {
      const record = await this.#change(host, {op: 'release'}, signal ? {signal} : {})
      await this.#remember(host, seen, {record})
      return asInstance(host, record, null, 'terminated')
    }
    await this.#lastSeen.write(host, {...seen, releasePending: true})
    return asInstance(host, look.record, null, 'terminated')
  }

  /** Ends what runctl started there and lets the machine go down. */
  async stop(host: string, {signal}: CallOptions): Promise<Instance> {
    const {value} = await this.call(host, {request: {op: 'stop', reason: null}, timeoutMs: STOP_MS, ...(signal ? {signal} : {})})
    const record = value['record'] as MachineRecord
    await this.#remember(host, {record: null}, {record})
    await this.#connection(host).close()
    return asInstance(host, record, null, 'stopping')
  }

  /** Rejects where the command fails. The machine is starting then, until it answers. */
  async wake(host: string, look: Look, {signal}: CallOptions): Promise<Instance> {
    const seen = await this.#lastSeen.read(host)
    await this.#connection(host).close()
    await this.#lastSeen.write(host, {...seen, wakingSince: this.now()})
    try {
      await wakeHost(host, this.settings.wake(host) ?? '', this.environment, signal)
    } catch (error) {
      await this.#lastSeen.write(host, seen)
      throw error
    }
    return {...look.instance, state: 'pending'}
  }

  #connection(host: string): Connection {
    const {dataDir, env, RunctlError} = this.environment
    const {configFile, connectTimeoutMs} = this.settings
    const connection = this.#connections.get(host) ?? new Connection(host, {dataDir, env, configFile, connectTimeoutMs, RunctlError})
    this.#connections.set(host, connection)
    return connection
  }
}

const stateOf = (record: MachineRecord | null): Instance['state'] => record?.state ?? 'running'

export function codeOf(error: unknown): string | null {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : null
}
