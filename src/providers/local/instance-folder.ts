/**
 * The folders of all instances: `instances/<id>/` with `instance.json`, `home/` and `lock/`. Folders come and go by one rename,
 * so none is ever seen half made or half removed.
 */
import {createHash, randomBytes} from 'node:crypto'
import {mkdir, readdir, readFile, rename, rm, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {RunctlError} from '../../model/errors.js'
import type {FirstLimits} from '../provider.js'
import {FolderLock} from './folder-lock.js'
import {isForgotten, parseRecord, REMEMBERED_MS, type InstanceRecord} from './instance-record.js'
import type {Machine} from './machine.js'
import {removeFolder} from './remove-folder.js'
import {layDownLimits} from './self-stop.js'

export const INSTANCE_ID_PATTERN = /^local-[0-9a-f]{8}$/

export interface CreatedFolder {
  readonly record: InstanceRecord
  /** False where it was made before, or by another process just now. */
  readonly made: boolean
}

export class InstanceFolders {
  private readonly root: string

  /** `dataDir` must be a real path: it is compared with what the kernel says of processes. */
  constructor(
    private readonly dataDir: string,
    private readonly machine: Machine,
    private readonly now: () => Date,
  ) {
    this.root = join(dataDir, 'local', 'instances')
  }

  home(id: string): string {
    return join(this.root, id, 'home')
  }

  lock(id: string): FolderLock {
    return new FolderLock(join(this.root, id, 'lock'), this.machine)
  }

  /** Ids in no promised order. Removes what was forgotten long ago, and what a killed create or remove left behind. */
  async ids(): Promise<readonly string[]> {
    const names = await readdir(this.root).catch(missingAsNull)
    for (const name of names ?? []) {
      if (!name.startsWith('.')) continue
      const info = await stat(join(this.root, name)).catch(missingAsNull)
      // The file system's clock is the real one.
      if (info && Date.now() - info.mtimeMs > REMEMBERED_MS) await removeFolder(join(this.root, name))
    }
    return (names ?? []).filter(name => INSTANCE_ID_PATTERN.test(name))
  }

  /** null where there is none (any more). */
  async read(id: string): Promise<InstanceRecord | null> {
    if (!INSTANCE_ID_PATTERN.test(id)) return null
    const path = join(this.root, id, 'instance.json')
    const text = await readFile(path, 'utf8').catch(missingAsNull)
    if (text === null) return null
    const record = parseRecord(text, path)
    if (!isForgotten(record, this.now())) return record
    await this.remove(id)
    return null
  }

  /** Only while holding the lock. */
  async write(record: InstanceRecord): Promise<void> {
    await writeWhole(join(this.root, record.id), record)
  }

  /**
   * Makes the instance of this request, or gives the one that it made before. The id follows from the request, so that of two
   * processes which try at once exactly one gets to make it.
   */
  async create(requestId: string, fill: (id: string) => InstanceRecord, limits: FirstLimits | null = null): Promise<CreatedFolder> {
    for (let attempt = 0; attempt < 20; attempt++) {
      const id = this.idOf(requestId, attempt)
      const existing = await this.read(id)
      if (existing?.request_id === requestId) return {record: existing, made: false}
      if (existing) continue
      const record = fill(id)
      if (await this.moveIn(record, limits)) return {record, made: true}
      const quicker = await this.read(id)
      if (quicker?.request_id === requestId) return {record: quicker, made: false}
    }
    throw new RunctlError('platform_failed', 'no free instance id was found', {next: ['runctl local status']})
  }

  private idOf(requestId: string, attempt: number): string {
    // With the data folder: equal requests in two of them must not lead to instances that share the mark on their processes.
    const digest = createHash('sha256').update(JSON.stringify([this.dataDir, requestId, attempt])).digest('hex')
    return `local-${digest.slice(0, 8)}`
  }

  /** False where another process was quicker. */
  private async moveIn(record: InstanceRecord, limits: FirstLimits | null): Promise<boolean> {
    const staging = join(this.root, `.new-${randomBytes(6).toString('hex')}`)
    await mkdir(join(staging, 'home'), {recursive: true, mode: 0o700})
    await mkdir(join(staging, 'lock'))
    if (limits) await layDownLimits(join(staging, 'home'), limits)
    await writeWhole(staging, record)
    try {
      await rename(staging, join(this.root, record.id))
      return true
    } catch (error) {
      await removeFolder(staging)
      if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      return false
    }
  }

  private async remove(id: string): Promise<void> {
    const trash = join(this.root, `.old-${randomBytes(6).toString('hex')}`)
    const moved = await rename(join(this.root, id), trash).catch(missingAsNull)
    if (moved !== null) await removeFolder(trash)
  }
}

async function writeWhole(folder: string, record: InstanceRecord): Promise<void> {
  const temporary = join(folder, `.instance-${randomBytes(6).toString('hex')}`)
  try {
    await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`, {mode: 0o600, flush: true})
    await rename(temporary, join(folder, 'instance.json'))
  } catch (error) {
    await rm(temporary, {force: true})
    throw error
  }
}

function missingAsNull(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
  throw error
}
