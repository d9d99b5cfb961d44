import {randomBytes} from 'node:crypto'
import {mkdir, readFile, rename, rm, stat, utimes, writeFile} from 'node:fs/promises'
import path from 'node:path'

/** A holder says that it is alive every few seconds: a pid alone may belong to somebody else by now. */
export const ALIVE_EVERY_MS = 5000
const STALE_MS = 60_000

/** One sender at a time. After kill -9 the next one takes over. */
export class SenderLock {
  readonly #file: string
  readonly #token = `${process.pid} ${randomBytes(6).toString('hex')}`

  constructor(private readonly folder: string) {
    this.#file = path.join(folder, 'sender')
  }

  /** Somebody holds it who lives. */
  async isHeld(): Promise<boolean> {
    try {
      const [text, {mtimeMs}] = await Promise.all([readFile(this.#file, 'utf8'), stat(this.#file)])
      const pid = Number.parseInt(text, 10)
      // Empty: it was made this instant.
      return Math.abs(Date.now() - mtimeMs) < STALE_MS && (text === '' || isAlive(pid))
    } catch {
      return false
    }
  }

  async take(): Promise<boolean> {
    await mkdir(this.folder, {recursive: true, mode: 0o700})
    for (let turn = 0; turn < 3; turn += 1) {
      try {
        await writeFile(this.#file, this.#token, {flag: 'wx', mode: 0o600})
        return true
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      if (await this.isHeld()) return false
      await this.#setAside()
    }
    return false
  }

  async tellAlive(): Promise<void> {
    const now = new Date()
    await utimes(this.#file, now, now).catch(() => undefined)
  }

  /** It is still this one's: nobody took it for dead while it slept. */
  async isOwn(): Promise<boolean> {
    return (await readFile(this.#file, 'utf8').catch(() => '')) === this.#token
  }

  async release(): Promise<void> {
    if (await this.isOwn()) await rm(this.#file, {force: true})
  }

  /** Of two that take a dead one away, the later might take the lock that the earlier has just made: what it moved is looked at, and put back. */
  async #setAside(): Promise<void> {
    const aside = `${this.#file}.${randomBytes(6).toString('hex')}`
    try {
      await rename(this.#file, aside)
    } catch {
      return
    }
    const moved = Number.parseInt(await readFile(aside, 'utf8').catch(() => ''), 10)
    const {mtimeMs} = await stat(aside)
    const lives = Date.now() - mtimeMs < STALE_MS && isAlive(moved)
    if (lives) await rename(aside, this.#file)
    else await rm(aside, {force: true})
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
