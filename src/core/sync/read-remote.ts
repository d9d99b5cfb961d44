import {promisify} from 'node:util'
import {inflate} from 'node:zlib'

import {isRunctlError} from '../../model/errors.js'
import {transferTimeoutMs, type AgentPort} from './agent-port.js'
import {callsAtOnce, CallsAhead, warnOfManyCalls} from './calls-ahead.js'
import type {LocalCopy} from './find-unchanged.js'
import {mapConcurrently} from './map-concurrently.js'
import {PartFile} from './part-file.js'
import {planReads} from './plan-reads.js'
import {showBytes} from './show-name.js'

const inflateBytes = promisify<Buffer, Buffer>(inflate)

export interface ReadDeps {
  readonly agent: AgentPort
  readonly signal?: AbortSignal
  /** Told after each call: bytes that are here, of those that are to come. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
  /** Told before what it warns of begins. */
  readonly onWarning?: (message: string) => void
  /** The command that gives the platform a better way for many bytes, if there is one: `runctl aws setup`. */
  readonly betterWay?: string
}

export interface ReadResult {
  /** Digest by path of what is in place now. */
  readonly copied: ReadonlyMap<string, string>
  /** Changed or gone while they were read, or wrong on arrival: nothing of them is in place. */
  readonly changed: readonly LocalCopy[]
  /** Bytes that came in this run; a part that was here already does not count. */
  readonly bytes: number
  readonly rounds: number
}

const MOST_FILES_A_CALL = 1000
const WRITES_AT_A_TIME = 16
/** The agent reads a file of this size for its digest alone at such a speed, or better. */
const DIGEST_BYTES_PER_MS = 50_000

/** Copies the files, several small ones a call, big ones in as many calls as they take. `base` is absolute, on the instance. */
export async function readRemote(copies: readonly LocalCopy[], base: string, isSingle: boolean, deps: ReadDeps): Promise<ReadResult> {
  const bytes = copies.reduce((sum, {entry}) => sum + entry.size, 0)
  const {maxOutputBytes} = deps.agent
  // In base64.
  const warning = warnOfManyCalls(showBytes(bytes), Math.ceil((bytes * 4) / 3 / maxOutputBytes), maxOutputBytes, deps.betterWay)
  if (warning !== null) deps.onWarning?.(warning)
  const reader = new RemoteReader(copies, base, isSingle, deps)
  try {
    await reader.run()
  } finally {
    await reader.close()
  }
  return reader
}

interface Arrived {
  readonly reads: readonly {readonly length: number; readonly size: number; readonly sha256: string | null}[]
  readonly data: Buffer
}

type Reads = ReturnType<typeof planReads>

class RemoteReader implements ReadResult {
  readonly copied = new Map<string, string>()
  readonly changed: LocalCopy[] = []
  bytes = 0
  rounds = 0
  private readonly queue: LocalCopy[]
  private readonly totalBytes: number
  private doneBytes = 0
  private mostFiles = MOST_FILES_A_CALL
  private readonly ahead = new CallsAhead<Arrived | null>(reads => this.call(JSON.parse(reads) as Reads))
  /** Of the first file in the queue. */
  private part: PartFile | null = null

  constructor(
    copies: readonly LocalCopy[],
    private readonly base: string,
    private readonly isSingle: boolean,
    private readonly deps: ReadDeps,
  ) {
    this.queue = [...copies]
    this.totalBytes = copies.reduce((sum, {entry}) => sum + entry.size, 0)
  }

  async run(): Promise<void> {
    for (let first = this.queue[0]; first; first = this.queue[0]) {
      this.part ??= await this.openPart(first, true)
      const plans = this.plan(this.part.offset)
      const arrived = await this.ahead.take(plans.map(reads => JSON.stringify(reads)))
      const count = plans[0]?.length ?? 0
      // One of several is gone: fewer at a time, until it is the only one.
      this.mostFiles = arrived ? Math.min(this.mostFiles * 2, MOST_FILES_A_CALL) : Math.max(1, count >> 1)
      if (arrived) await this.take(arrived)
      else if (count === 1) await this.giveUp()
      this.deps.onProgress?.(this.doneBytes, this.totalBytes)
    }
  }

  /** The next call, and where calls are small those that follow it if all goes well. `offset`: where the first file goes on. */
  private plan(offset: number): Reads[] {
    const {agent} = this.deps
    const plans: Reads[] = []
    for (let at = 0; at < this.queue.length && plans.length < callsAtOnce(agent.maxOutputBytes); ) {
      const pending = this.queue.slice(at, at + this.mostFiles).map(({entry}, index) => {
        return {path: this.isSingle ? '' : entry.path, size: entry.size, offset: index === 0 ? offset : 0}
      })
      const reads = planReads(pending, this.base, agent)
      plans.push(reads)
      const [first] = reads
      const end = first && reads.length === 1 ? first.offset + first.length : null
      const isPart = end !== null && end < (pending[0]?.size ?? 0)
      offset = isPart ? end : 0
      if (!isPart) at += reads.length
    }
    return plans
  }

  /** Leaves the part that was begun for a next time. */
  async close(): Promise<void> {
    await this.ahead.drain()
    await this.part?.leave()
    this.part = null
  }

  private async giveUp(): Promise<void> {
    await this.part?.discard()
    this.part = null
    this.changed.push(this.queue.shift() as LocalCopy)
  }

  /** null where one of the files is gone or cannot be read. */
  private async call(reads: Reads): Promise<Arrived | null> {
    const {agent, signal} = this.deps
    const asked = reads.reduce((sum, read) => sum + read.length, 0)
    const digested = reads.reduce((sum, read) => sum + (read.digest ? read.offset + read.length : 0), 0)
    const timeoutMs = transferTimeoutMs(asked) + Math.ceil(digested / DIGEST_BYTES_PER_MS)
    this.rounds++
    try {
      const answer = await agent.call('read-files', {base: this.base, reads}, {...(signal ? {signal} : {}), timeoutMs})
      return {reads: answer.reads, data: await inflateBytes(Buffer.from(answer.data, 'base64'))}
    } catch (error) {
      if (isRunctlError(error) && (error.code === 'not_found' || error.code === 'bad_input')) return null
      throw error
    }
  }

  /** Puts what came in place. Only what was read alone may be a part of a file. */
  private async take({reads, data}: Arrived): Promise<void> {
    const [only] = reads.length === 1 ? reads : []
    const size = this.queue[0]?.entry.size ?? 0
    if (only && this.part && only.length > 0 && only.size === size && this.part.offset + only.length < size) {
      await this.part.write(data)
      this.count(only.length)
      return
    }
    let at = 0
    const arrived = reads.map((read, index) => {
      const bytes = data.subarray(at, (at += read.length))
      return {read, index, copy: this.queue[index] as LocalCopy, bytes}
    })
    // Side by side: most of the time goes into waiting for the disk.
    await mapConcurrently(arrived, WRITES_AT_A_TIME, one => this.place(one.copy, one.read, one.bytes, one.index === 0 ? this.part : null))
    this.part = null
    this.queue.splice(0, reads.length)
  }

  private async place(copy: LocalCopy, read: Arrived['reads'][number], bytes: Uint8Array, begun: PartFile | null): Promise<void> {
    const part = begun ?? (await this.openPart(copy, false))
    try {
      await part.write(bytes)
      this.count(bytes.length)
      const isWhole = read.size === copy.entry.size && part.offset === read.size
      if (await part.finish(isWhole ? read.sha256 : null)) this.copied.set(copy.entry.path, read.sha256 as string)
      else this.changed.push(copy)
    } catch (error) {
      await part.leave()
      throw error
    }
  }

  private count(bytes: number): void {
    this.bytes += bytes
    this.doneBytes += bytes
  }

  private async openPart({entry, local}: LocalCopy, resume: boolean): Promise<PartFile> {
    const {size, mtime_ns, mode} = entry
    const part = await PartFile.open(local, {path: `${this.base}/${entry.path}`, size, mtime_ns, mode}, resume)
    this.doneBytes += part.offset
    return part
  }
}
