import {randomBytes} from 'node:crypto'
import {mkdir, readdir, readFile, rename, rm, writeFile} from 'node:fs/promises'
import path from 'node:path'

import {hostOf} from './settings.js'

/** A message that waits. It holds the address, so that a later change of the configuration sends nothing to a wrong place: the file is its owner's alone. */
export interface Waiting {
  readonly version: 1
  readonly id: string
  readonly event: string
  /** ISO 8601. */
  readonly at: string
  /** Milliseconds since 1970: tried again until then, and once in any case. */
  readonly giveUpAt: number
  readonly url: string
  readonly body: string
}

/** A message that nobody will get. Without its address. */
export interface Undelivered {
  readonly id: string
  readonly event: string
  readonly at: string
  readonly failed_at: string
  /** Of the address. */
  readonly host: string
  readonly why: string
}

export interface Kept<T> {
  readonly file: string
  readonly message: T
}

export const MOST_WAITING = 1000
const MOST_FAILED = 1000

/** Files of one message each, by name in the order in which they were laid down. Safe for any number of processes at once. */
export class Spool {
  readonly #waiting: string
  readonly #failed: string

  constructor(readonly folder: string, private readonly most = MOST_WAITING) {
    this.#waiting = path.join(folder, 'waiting')
    this.#failed = path.join(folder, 'failed')
  }

  /** Rejects where the disk takes nothing. */
  async add(message: Waiting): Promise<void> {
    await writeWhole(this.#waiting, fileName(Date.parse(message.at), message.id), message)
    const names = await namesIn(this.#waiting)
    for (const name of names.slice(0, Math.max(0, names.length - this.most))) {
      const file = path.join(this.#waiting, name)
      const oldest = await readWhole<Waiting>(file)
      if (isWaiting(oldest)) await this.giveUp({file, message: oldest}, `${this.most} later messages were waiting`)
    }
  }

  /** Oldest first. What is no message is set aside, so that it holds up nothing. */
  async waiting(): Promise<readonly Kept<Waiting>[]> {
    return all(this.#waiting, isWaiting)
  }

  async isEmpty(): Promise<boolean> {
    return (await namesIn(this.#waiting)).length === 0
  }

  async done({file}: Kept<Waiting>): Promise<void> {
    await rm(file, {force: true})
  }

  async giveUp(kept: Kept<Waiting>, why: string, now = new Date()): Promise<void> {
    const {at, event, id, url} = kept.message
    const undelivered: Undelivered = {id, event, at, failed_at: now.toISOString(), host: hostOf(url), why}
    await writeWhole(this.#failed, fileName(now.getTime(), id), undelivered)
    await this.done(kept)
    const names = await namesIn(this.#failed)
    for (const name of names.slice(0, Math.max(0, names.length - MOST_FAILED))) await rm(path.join(this.#failed, name), {force: true})
  }

  /** Oldest first. */
  async undelivered(): Promise<readonly Undelivered[]> {
    return (await all(this.#failed, isUndelivered)).map(({message}) => message)
  }

  /** Those that nobody was told of; from now on they count as told. */
  async takeUntold(): Promise<readonly Undelivered[]> {
    const mark = path.join(this.folder, 'told')
    const told = await readFile(mark, 'utf8').catch(() => '')
    const untold = (await all(this.#failed, isUndelivered)).filter(({file}) => path.basename(file) > told)
    const last = untold.at(-1)
    if (last !== undefined) await writeWhole(this.folder, 'told', path.basename(last.file))
    return untold.map(({message}) => message)
  }
}

/** Names sort by time. */
function fileName(ms: number, id: string): string {
  return `${String(Math.max(0, ms)).padStart(15, '0')}-${id}.json`
}

/** Whole or not at all, and readable by its owner alone. */
export async function writeWhole(folder: string, name: string, value: unknown): Promise<void> {
  await mkdir(folder, {recursive: true, mode: 0o700})
  const fresh = path.join(folder, `.${randomBytes(6).toString('hex')}`)
  try {
    await writeFile(fresh, typeof value === 'string' ? value : JSON.stringify(value), {mode: 0o600, flag: 'wx'})
    await rename(fresh, path.join(folder, name))
  } catch (error) {
    await rm(fresh, {force: true})
    throw error
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter(name => name.endsWith('.json')).toSorted()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function all<T>(folder: string, isRight: (value: unknown) => value is T): Promise<readonly Kept<T>[]> {
  const kept: Kept<T>[] = []
  for (const name of await namesIn(folder)) {
    const file = path.join(folder, name)
    const message = await readWhole<unknown>(file)
    if (isRight(message)) kept.push({file, message})
    // One that another process took meanwhile is simply gone.
    else if (message !== null) await rename(file, `${file}.damaged`).catch(() => undefined)
  }
  return kept
}

/** null: it is not there any more; undefined: it is no JSON. */
async function readWhole<T>(file: string): Promise<T | null | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    return JSON.parse(text) as T
  } catch {
    return undefined
  }
}

function isWaiting(value: unknown): value is Waiting {
  const one = value as Partial<Waiting> | null | undefined
  return one?.version === 1 && [one.id, one.event, one.at, one.url, one.body].every(text => typeof text === 'string') && typeof one.giveUpAt === 'number' && URL.canParse(one.url ?? '')
}

function isUndelivered(value: unknown): value is Undelivered {
  const one = value as Partial<Undelivered> | null | undefined
  return [one?.id, one?.event, one?.at, one?.failed_at, one?.host, one?.why].every(text => typeof text === 'string')
}
