import {createHash, randomUUID} from 'node:crypto'
import {mkdir, open, readdir, readFile, rename, rm} from 'node:fs/promises'
import {hostname} from 'node:os'
import path from 'node:path'

import {RunctlError} from '../model/errors.js'
import {isAlive, thisProcess, type ProcessMark} from './process-mark.js'

/** How long a create that was cut off is remembered: a platform forgets a key and what it made after about as long. */
const REMEMBERED_MS = 3_600_000
/** A process of another machine (a home folder on the network) cannot be looked at: for so long it counts as alive. */
const FOREIGN_MS = 120_000

export interface PendingCreatesOptions {
  /** runctl's own folder for durable data. */
  readonly dataDir: string
  readonly platform: string
  /** What else a create depends on: the platform's settings. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly now: () => Date
  readonly process?: ProcessMark
}

interface Stored {
  readonly begun_at: string
  readonly request_ids: readonly string[]
}

interface PendingEntry {
  readonly requestIds: readonly string[]
  readonly resumedFrom: string | null
  replace(requestId: string): Promise<string>
  settle(): Promise<void>
}

/**
 * Creates that are on their way, a file each below `pending-creates/`. Its name says which request (a digest) and which process: taking over
 * one that was cut off is one rename, so that of two processes which try, one alone gets it.
 */
export class PendingCreates {
  private readonly folder: string
  private readonly self: ProcessMark

  constructor(private readonly options: PendingCreatesOptions) {
    this.folder = path.join(options.dataDir, 'pending-creates')
    this.self = options.process ?? thisProcess()
  }

  /** `request` is JSON. Rejects with `platform_failed` where it cannot be written down: nothing may be asked then. */
  async begin(request: object, requestIds: readonly string[]): Promise<PendingEntry> {
    const digest = this.digest(request)
    try {
      await mkdir(this.folder, {recursive: true, mode: 0o700})
      const resumed = await this.takeOver(digest, requestIds.length)
      const file = resumed?.file ?? path.join(this.folder, this.nameFor(digest))
      const stored = resumed?.stored ?? {begun_at: this.options.now().toISOString(), request_ids: requestIds}
      if (!resumed) await this.write(file, stored)
      return this.entry(file, stored, resumed !== null)
    } catch (error) {
      throw new RunctlError('platform_failed', `nothing was created: the request could not be written down in ${this.folder}: ${(error as Error).message}`, {cause: error})
    }
  }

  private entry(file: string, first: Stored, isResumed: boolean): PendingEntry {
    let stored = first
    return {
      requestIds: first.request_ids,
      resumedFrom: isResumed ? first.begun_at : null,
      replace: async requestId => {
        const fresh = `req-${randomUUID()}`
        stored = {...stored, request_ids: stored.request_ids.map(id => (id === requestId ? fresh : id))}
        await this.write(file, stored)
        return fresh
      },
      settle: async () => rm(file, {force: true}),
    }
  }

  private async takeOver(digest: string, count: number): Promise<{readonly file: string; readonly stored: Stored} | null> {
    for (const name of (await readdir(this.folder)).toSorted()) {
      const [ofDigest, host = '', pid = '', startedAt = ''] = name.split('.')
      if (!name.endsWith('.json')) continue
      const old = path.join(this.folder, name)
      const stored = await readStored(old)
      const ageMs = stored === null ? Infinity : this.options.now().getTime() - Date.parse(stored.begun_at)
      const isOurs = host === hostDigest()
      if (isOurs ? isAlive({pid: Number(pid), startedAt}) : ageMs < FOREIGN_MS) continue
      if (stored === null || ageMs > REMEMBERED_MS) {
        await rm(old, {force: true})
        continue
      }
      if (ofDigest !== digest || stored.request_ids.length !== count) continue
      const file = path.join(this.folder, this.nameFor(digest))
      if (await renamed(old, file)) return {file, stored}
    }
    return null
  }

  private digest(request: object): string {
    const {platform, settings} = this.options
    return createHash('sha256').update(canonical({platform, settings, request})).digest('hex').slice(0, 32)
  }

  private nameFor(digest: string): string {
    return [digest, hostDigest(), this.self.pid, this.self.startedAt, randomUUID().slice(0, 8), 'json'].join('.')
  }

  private async write(file: string, stored: Stored): Promise<void> {
    const temporary = `${file}.tmp`
    const handle = await open(temporary, 'w', 0o600)
    try {
      await handle.writeFile(JSON.stringify(stored))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  }
}

const hostDigest = (): string => createHash('sha256').update(hostname()).digest('hex').slice(0, 8)

/** The same for the same values, whatever the order of names is. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner)
}

/** false where another process was quicker. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** null for what is no entry, or is gone. */
async function readStored(file: string): Promise<Stored | null> {
  try {
    const {begun_at: begunAt, request_ids: requestIds} = JSON.parse(await readFile(file, 'utf8')) as Partial<Stored>
    if (typeof begunAt !== 'string' || Number.isNaN(Date.parse(begunAt)) || !Array.isArray(requestIds)) return null
    return requestIds.every(id => typeof id === 'string') ? {begun_at: begunAt, request_ids: requestIds} : null
  } catch {
    return null
  }
}
