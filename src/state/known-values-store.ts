import {randomBytes} from 'node:crypto'
import {mkdir, readFile, rename, rm, writeFile} from 'node:fs/promises'
import path from 'node:path'

import type {KnownValues} from '../model/known-values.js'

/** More than one looks through in a menu; the files stay quick to read. */
const MOST = 500

/**
 * What completion offers, a file for each platform (`KnownValues`). It is a cache: two processes that write at once may lose what one of them saw, never leave
 * half a file.
 */
export class KnownValuesStore {
  constructor(private readonly folder: string) {}

  /** Of a file that is missing or is anything else, nothing is known, and it is to be refreshed at once. */
  async read(platform: string): Promise<KnownValues> {
    try {
      const found = JSON.parse(await readFile(this.#file(platform), 'utf8')) as Partial<KnownValues> | null
      if (found?.version === 1 && [found.instances, found.runs, found.checkpoints].every(list => Array.isArray(list)) && typeof found.suggestions === 'object') return found as KnownValues
    } catch {
      // Empty, as below.
    }
    return {version: 1, platform, refreshAfter: AT_ONCE, suggestAfter: AT_ONCE, instances: [], runs: [], checkpoints: [], suggestions: {}}
  }

  /** Rejects where the folder cannot be written to. For the user alone: names and projects are nobody else's business. */
  async change(platform: string, change: (known: KnownValues) => KnownValues): Promise<void> {
    const {checkpoints, instances, runs, ...rest} = change(await this.read(platform))
    const bounded: KnownValues = {...rest, instances: instances.slice(0, MOST), runs: runs.slice(0, MOST), checkpoints: checkpoints.slice(0, MOST)}
    await mkdir(this.folder, {recursive: true, mode: 0o700})
    const temporary = `${this.#file(platform)}.${randomBytes(4).toString('hex')}.tmp`
    try {
      await writeFile(temporary, JSON.stringify(bounded), {mode: 0o600, flag: 'wx'})
      await rename(temporary, this.#file(platform))
    } catch (error) {
      await rm(temporary, {force: true})
      throw error
    }
  }

  #file(platform: string): string {
    return path.join(this.folder, `${platform}.json`)
  }
}

const AT_ONCE = new Date(0).toISOString()
