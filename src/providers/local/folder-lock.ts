/**
 * A lock between processes, made of symbolic links, because Node offers no lock of the system's. A link is made whole or not at
 * all, exclusively, and needs no space on a full disk.
 *
 * The links are numbered. `7` is held by the process that its target names, `7.free` was given back. Whoever finds the highest
 * number free, or its holder dead, tries to make the next one; who succeeds and sees nothing as high beside it holds the lock.
 * No number is used twice, so nobody can take away a lock that was taken over meanwhile.
 */
import {readdir, readlink, rename, symlink, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'

import {RunctlError} from '../../model/errors.js'
import {isSameBoot, type Machine} from './machine.js'

export interface HoldOptions {
  readonly signal?: AbortSignal
  /** Milliseconds to wait for the holder; then `platform_failed`. 30 s where absent. */
  readonly timeoutMs?: number
}

interface Entry {
  readonly name: string
  readonly number: number
}

/** The folder must exist; where it does not, its ENOENT is passed on. */
export class FolderLock {
  constructor(
    private readonly folder: string,
    private readonly machine: Machine,
  ) {}

  async hold<T>(work: () => Promise<T>, options: HoldOptions = {}): Promise<T> {
    const deadline = performance.now() + (options.timeoutMs ?? 30_000)
    for (let waitMs = 2; ; waitMs = Math.min(waitMs * 1.5, 50)) {
      options.signal?.throwIfAborted()
      const taken = await this.tryTake()
      if (typeof taken === 'number') return this.runAndRelease(taken, work)
      if (performance.now() > deadline) throw busy(taken.holder, this.folder)
      await delay(waitMs * (0.5 + Math.random()))
    }
  }

  /** Does nothing and gives undefined where another holds it now. */
  async holdIfFree<T>(work: () => Promise<T>): Promise<T | undefined> {
    const taken = await this.tryTake()
    return typeof taken === 'number' ? this.runAndRelease(taken, work) : undefined
  }

  private async runAndRelease<T>(number: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } finally {
      // The folder may have been given up meanwhile, and the lock with it.
      await rename(join(this.folder, String(number)), join(this.folder, `${number}.free`)).catch(ignoreMissing)
    }
  }

  private async tryTake(): Promise<number | {readonly holder: string}> {
    const before = await this.entries()
    const highest = Math.max(0, ...before.map(entry => entry.number))
    const held = before.find(entry => entry.number === highest && entry.name === String(highest))
    if (held) {
      const holder = await readlink(join(this.folder, held.name)).catch(ignoreMissing)
      if (holder === undefined || this.isAlive(holder)) return {holder: holder ?? ''}
    }
    const mine = highest + 1
    const identity = `${this.machine.pid} ${this.machine.processStart(this.machine.pid) ?? ''} ${this.machine.bootId()}`
    try {
      await symlink(identity, join(this.folder, String(mine)))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return {holder: ''}
      throw error
    }
    const after = await this.entries()
    const late = after.some(entry => entry.number >= mine && entry.name !== String(mine))
    const old = late ? [{name: String(mine)}] : after.filter(entry => entry.number < mine)
    for (const {name} of old) await unlink(join(this.folder, name)).catch(ignoreMissing)
    return late ? {holder: ''} : mine
  }

  private async entries(): Promise<readonly Entry[]> {
    const names = await readdir(this.folder)
    return names.filter(name => /^\d+(\.free)?$/.test(name)).map(name => ({name, number: Number.parseInt(name, 10)}))
  }

  private isAlive(holder: string): boolean {
    const [pid = '', start = '', bootId = ''] = holder.split(' ')
    return isSameBoot(bootId, this.machine.bootId()) && this.machine.processStart(Number(pid)) === start
  }
}

function busy(holder: string, folder: string): RunctlError {
  const pid = holder.split(' ')[0] || 'another'
  return new RunctlError('platform_failed', `process ${pid} has been holding the lock ${folder} for too long`, {next: [`ps -p ${pid}`]})
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
