import {randomBytes} from 'node:crypto'
import {mkdir, readFile, rename, writeFile} from 'node:fs/promises'
import path from 'node:path'

import type {MachineRecord} from './machine-record.js'

/** What this machine remembers of a host, for when it does not answer. */
export interface LastSeen {
  readonly record: MachineRecord | null
  /** Milliseconds since 1970: when it was told to wake. It is starting until it answers. */
  readonly wakingSince?: number
  /** Released while it was off: done when it answers next. */
  readonly releasePending?: true
  /** Set while it was off. */
  readonly tags?: Readonly<Record<string, string>>
}

const NOTHING: LastSeen = {record: null}

export class LastSeenFiles {
  constructor(private readonly folder: string) {}

  async read(host: string): Promise<LastSeen> {
    try {
      return JSON.parse(await readFile(this.#file(host), 'utf8')) as LastSeen
    } catch {
      return NOTHING
    }
  }

  /** Rejects where it cannot be written: what is pending must not be lost in silence. */
  async write(host: string, seen: LastSeen): Promise<void> {
    await mkdir(this.folder, {recursive: true, mode: 0o700})
    const fresh = `${this.#file(host)}.${randomBytes(6).toString('hex')}`
    await writeFile(fresh, JSON.stringify(seen), {mode: 0o600})
    await rename(fresh, this.#file(host))
  }

  /** A host's name has no sign that a path would read as anything else. */
  #file(host: string): string {
    return path.join(this.folder, `${host}.json`)
  }
}
