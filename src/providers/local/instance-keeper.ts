import {RunctlError} from '../../model/errors.js'
import {TAGS} from '../../model/instance.js'
import type {CallOptions} from '../provider.js'
import {isFullDisk, rethrowDiskError} from './disk-error.js'
import {INSTANCE_ID_PATTERN, type InstanceFolders} from './instance-folder.js'
import {endInstanceProcesses} from './instance-processes.js'
import {currentRecord, endedAt, type InstanceRecord} from './instance-record.js'
import type {Machine} from './machine.js'
import {removeFolder} from './remove-folder.js'
import {selfStopWish} from './self-stop.js'

/** How long to go on killing what does not die: only processes that hang in the kernel do not. */
const KILL_MS = 10_000
/** The same for a look at an instance whose stop was cut off. */
const FINISH_MS = 500

/**
 * The records of instances as they are now, and changes to them one at a time. Nothing runs in the background: what a cloud would do
 * by itself, such as ending a stop that was begun, is done by whoever looks next.
 */
export class InstanceKeeper {
  constructor(
    private readonly folders: InstanceFolders,
    private readonly machine: Machine,
    private readonly now: () => Date,
    /** The instance that this process belongs to, if any: it cannot be ended from within. */
    private readonly within: string | null,
  ) {}

  /** null where there is none. */
  async look(id: string, options: CallOptions): Promise<InstanceRecord | null> {
    const found = await this.folders.read(id).catch(rethrowDiskError)
    if (!found) return null
    const ended = await this.finish(found, options).catch(rethrowDiskError)
    return this.asOfNow(await this.powerOff(ended, options).catch(rethrowDiskError))
  }

  /** Rejects with `not_found`. */
  async current(id: string): Promise<InstanceRecord> {
    const record = await this.folders.read(id).catch(rethrowDiskError)
    if (!record) throw notFound(id)
    return this.asOfNow(record)
  }

  /** While the work goes on, nobody else changes the instance or starts a script on it. */
  async whileHeld<T>(id: string, work: (record: InstanceRecord) => Promise<T>, options: CallOptions): Promise<T> {
    // Before the lock: its folder must exist.
    await this.powerOff(await this.current(id), options).catch(rethrowDiskError)
    const held = this.folders.lock(id).hold(async () => work(await this.current(id)), options)
    return held.catch(rethrowDiskError)
  }

  /** Only while holding. */
  async write(record: InstanceRecord): Promise<InstanceRecord> {
    await this.folders.write(record)
    return record
  }

  /** Only while holding. Brings `stopping` to `stopped` and `shutting-down` to `terminated`. */
  async end(record: InstanceRecord, {signal}: CallOptions, killMs = KILL_MS): Promise<InstanceRecord> {
    const place = {id: record.id, home: this.folders.home(record.id)}
    const left = await endInstanceProcesses(place, this.machine, {ms: killMs, ...(signal ? {signal} : {})})
    if (left.length > 0) throw cannotKill(record, left)
    if (record.state === 'stopping') return this.write({...record, state: 'stopped'})
    await removeFolder(place.home)
    return this.write({...record, state: 'terminated', terminated_at: this.now().toISOString()})
  }

  /** Whoever began a stop may have been killed before its end. */
  private async finish(record: InstanceRecord, options: CallOptions): Promise<InstanceRecord> {
    if (!isEnding(record)) return record
    const finished = await this.folders.lock(record.id).holdIfFree(async () => {
      const found = (await this.folders.read(record.id)) ?? record
      if (!isEnding(found)) return found
      return this.end(found, options, FINISH_MS).catch((error: unknown) => {
        if (error instanceof RunctlError) return found
        throw error
      })
    })
    return finished ?? record
  }

  /** An instance that wants to end its own time is stopped. */
  private async powerOff(record: InstanceRecord, options: CallOptions): Promise<InstanceRecord> {
    if (this.asOfNow(record).state !== 'running' || record.id === this.within) return record
    const home = this.folders.home(record.id)
    if ((await selfStopWish(home, record, this.now())) === null) return record
    const stopped = await this.folders.lock(record.id).holdIfFree(async () => {
      const found = (await this.folders.read(record.id)) ?? record
      const wish = found.state === 'running' && found.boot_id === record.boot_id ? await selfStopWish(home, found, this.now()) : null
      if (!wish) return found
      const tags = wish.detail === null ? found.tags : {...found.tags, [TAGS.guard]: wish.detail}
      const stopping: InstanceRecord = {...found, state: 'stopping', state_reason: wish.reason, ...endedAt(found, wish.at), tags}
      await this.folders.write(stopping).catch((error: unknown) => {
        if (!isFullDisk(error)) throw error
      })
      return this.end(stopping, options, FINISH_MS).catch((error: unknown) => {
        if (error instanceof RunctlError) return stopping
        throw error
      })
    })
    return stopped ?? record
  }

  private asOfNow(record: InstanceRecord): InstanceRecord {
    return currentRecord(record, this.machine.bootId())
  }
}

function isEnding({state}: InstanceRecord): boolean {
  return state === 'stopping' || state === 'shutting-down'
}

function notFound(id: string): RunctlError {
  const what = INSTANCE_ID_PATTERN.test(id) ? 'there is no instance' : 'no instance of the platform local has an id like'
  return new RunctlError('not_found', `${what} ${JSON.stringify(id).slice(1, -1)}`, {
    next: ['runctl local status'],
    details: {instance_id: id},
  })
}

function cannotKill({id, state}: InstanceRecord, pids: readonly number[]): RunctlError {
  const some = pids.slice(0, 10)
  return new RunctlError('platform_failed', `instance ${id} is still ${state}: process ${some.join(', ')} cannot be killed`, {
    next: [`ps -fp ${some.join(',')}`, `runctl local ${state === 'stopping' ? 'stop' : 'terminate'} ${id}`],
    details: {instance_id: id, pids},
  })
}
