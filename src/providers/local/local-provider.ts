import {randomUUID} from 'node:crypto'
import {join} from 'node:path'

import {RunctlError} from '../../model/errors.js'
import type {Instance} from '../../model/instance.js'
import type {CallOptions, CreateInstanceRequest, InstanceQuery, Pricing, Provider, RehearsalStore} from '../provider.js'
import {isFullDisk, rethrowDiskError} from './disk-error.js'
import {InstanceFolders} from './instance-folder.js'
import {InstanceKeeper} from './instance-keeper.js'
import {asInstance, checkTags, currentRecord, endedAt, reasonForEnding, type InstanceRecord} from './instance-record.js'
import {LocalShell} from './local-shell.js'
import type {Machine} from './machine.js'
import {forgetPowerOff, LOCAL_SELF_STOP} from './self-stop.js'

export interface LocalProviderDeps {
  /** Real path of runctl's data folder. */
  readonly dataDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly machine: Machine
  readonly now: () => Date
}

/** Instances as folders and process trees of this machine. */
export class LocalProvider implements Provider {
  readonly name = 'local'
  readonly shell: LocalShell
  readonly pricing: Pricing = {hourlyPrice: () => Promise.resolve({usdPerHour: 0, source: 'local'})}
  readonly selfStop = LOCAL_SELF_STOP
  private readonly folders: InstanceFolders
  private readonly keeper: InstanceKeeper

  constructor(private readonly deps: LocalProviderDeps) {
    this.folders = new InstanceFolders(deps.dataDir, deps.machine, deps.now)
    this.keeper = new InstanceKeeper(this.folders, deps.machine, deps.now, deps.env['RUNCTL_INSTANCE_ID'] ?? null)
    this.shell = new LocalShell(this.keeper, id => this.folders.home(id), deps.env)
  }

  async createInstance(request: CreateInstanceRequest, options: CallOptions = {}): Promise<Instance> {
    const tags = request.name === undefined ? request.tags : {...request.tags, Name: request.name}
    checkRequest(request)
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
    const {record, made} = await this.folders.create(request.requestId, fill, request.limits ?? null).catch(rethrowDiskError)
    return made ? {...asInstance(record), state: 'pending'} : asInstance(currentRecord(record, this.deps.machine.bootId()))
  }

  async *describeInstances(query: InstanceQuery, options: CallOptions = {}): AsyncIterable<Instance> {
    if (query.filters) throw new RunctlError('bad_input', 'local has no filters of its own: --tag, --project, --owner and --state are for all platforms', {next: ['runctl resources list --platform local']})
    const ids = new Set(query.ids ?? (await this.folders.ids().catch(rethrowDiskError)))
    const tags = Object.entries(query.tags ?? {})
    for (const id of ids) {
      options.signal?.throwIfAborted()
      const record = await this.keeper.look(id, options)
      if (!record || (query.states && !query.states.includes(record.state))) continue
      if (tags.every(([key, value]) => record.tags[key] === value)) yield asInstance(record)
    }
  }

  startInstance(id: string, options: CallOptions = {}): Promise<Instance> {
    const start = async (found: InstanceRecord): Promise<Instance> => {
      const record = found.state === 'stopping' ? await this.keeper.end(found, options) : found
      if (record.state === 'running') return asInstance(record)
      if (record.state !== 'stopped') throw wrongState(record, 'started')
      await forgetPowerOff(this.folders.home(id)).catch(rethrowDiskError)
      const next = await this.keeper.write({
        ...record,
        state: 'running',
        state_reason: null,
        machine_boot_id: this.deps.machine.bootId(),
        boot_id: randomUUID(),
        // A start is told by this time alone, so two never share it, whatever the clock does.
        launched_at: new Date(Math.max(this.deps.now().getTime(), Date.parse(record.launched_at) + 1)).toISOString(),
      })
      return {...asInstance(next), state: 'pending'}
    }
    return this.keeper.whileHeld(id, start, options)
  }

  stopInstance(id: string, options: CallOptions = {}): Promise<Instance> {
    return this.endInstance(id, 'stopping', options)
  }

  terminateInstance(id: string, options: CallOptions = {}): Promise<Instance> {
    return this.endInstance(id, 'shutting-down', options)
  }

  async setTags(id: string, tags: Readonly<Record<string, string>>, options: CallOptions = {}): Promise<void> {
    checkTags(tags)
    const merge = (record: InstanceRecord): Promise<unknown> => this.keeper.write({...record, tags: {...record.tags, ...tags}})
    await this.keeper.whileHeld(id, merge, options)
  }

  async openRehearsalStore({signal}: CallOptions = {}): Promise<RehearsalStore> {
    signal?.throwIfAborted()
    // Loaded where it is used: it brings a server along.
    const {openRehearsalStore} = await import('./rehearsal-store/open-rehearsal-store.js')
    return openRehearsalStore(join(this.deps.dataDir, 'local', 'rehearsals'), this.deps.now).catch(rethrowDiskError)
  }

  private async endInstance(id: string, state: 'shutting-down' | 'stopping', options: CallOptions): Promise<Instance> {
    if (this.deps.env['RUNCTL_INSTANCE_ID'] === id) {
      throw new RunctlError('wrong_state', `this command runs on instance ${id} itself and cannot end it from within; use another terminal`)
    }
    const end = async (record: InstanceRecord): Promise<Instance> => {
      if (record.state === (state === 'stopping' ? 'stopped' : 'terminated')) return asInstance(record)
      if (state === 'stopping' && ['shutting-down', 'terminated'].includes(record.state)) throw wrongState(record, 'stopped')
      const reason = record.state === 'running' ? reasonForEnding(record) : record.state_reason
      const ended = record.state === 'running' ? endedAt(record, this.deps.now()) : {}
      const ending: InstanceRecord = {...record, state, state_reason: reason, ...ended}
      await this.keeper.write(ending).catch((error: unknown) => {
        // It must be possible to stop what has filled the disk; the lock keeps others out as well as the mark does.
        if (!isFullDisk(error)) throw error
      })
      return asInstance(await this.keeper.end(ending, options))
    }
    return this.keeper.whileHeld(id, end, options)
  }
}

function checkRequest({instanceType, options = {}, requestId}: CreateInstanceRequest): void {
  if (!/^[\x21-\x7e]{1,64}$/.test(requestId)) throw new RunctlError('bad_input', 'a request id has 1 to 64 ASCII characters and no blanks')
  const [option] = Object.keys(options)
  if (option !== undefined) throw new RunctlError('bad_input', `instances of the platform local have no --${option}`)
  if (instanceType === undefined || instanceType === 'local') return
  throw new RunctlError('bad_input', `the platform local has one instance type, 'local', and not ${JSON.stringify(instanceType)}`)
}

function wrongState(record: InstanceRecord, participle: string): RunctlError {
  return new RunctlError('wrong_state', `instance ${record.id} is ${record.state} and cannot be ${participle}`, {
    next: ['runctl local status', 'runctl local create'],
    details: {instance_id: record.id, state: record.state},
  })
}
