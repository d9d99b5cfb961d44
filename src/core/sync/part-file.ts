import {createHash, type Hash} from 'node:crypto'
import {constants} from 'node:fs'
import {open, readdir, rename, rm, type FileHandle} from 'node:fs/promises'
import path from 'node:path'

import {explainLocalError} from './local-destination.js'

const SUFFIX = '.runctl-part'
const BLOCK_BYTES = 1 << 20

/** What tells one state of a remote file from another. */
export interface RemoteState {
  readonly path: string
  readonly size: number
  readonly mtime_ns: string
  readonly mode: number
}

/**
 * A file on its way, beside its final name. Its own name holds the state of the remote file, so that a copy which was cut off goes on
 * where it ended if that file is still the same, and begins anew if not.
 */
export class PartFile {
  private constructor(
    private readonly handle: FileHandle,
    private readonly partPath: string,
    private readonly finalPath: string,
    private readonly remote: RemoteState,
    private readonly hash: Hash,
    /** Bytes that are here. */
    public offset: number,
  ) {}

  /** `resume: false` begins anew whatever is here. */
  static async open(finalPath: string, remote: RemoteState, resume: boolean): Promise<PartFile> {
    const folder = path.dirname(finalPath)
    const prefix = `.${shortDigest(path.basename(finalPath))}-`
    const name = prefix + shortDigest(JSON.stringify([remote.path, remote.size, remote.mtime_ns])) + SUFFIX
    try {
      // Small files are not worth a look into the folder for each.
      for (const other of resume ? await readdir(folder) : []) {
        if (other !== name && other.startsWith(prefix) && other.endsWith(SUFFIX)) await rm(path.join(folder, other), {force: true})
      }
      const partPath = path.join(folder, name)
      const flags = constants.O_RDWR | constants.O_CREAT | (resume ? 0 : constants.O_TRUNC) | (constants.O_NOFOLLOW ?? 0)
      const handle = await open(partPath, flags, 0o600)
      const part = new PartFile(handle, partPath, finalPath, remote, createHash('sha256'), 0)
      if (resume) await part.takeUp()
      return part
    } catch (error) {
      throw explainLocalError(error, finalPath)
    }
  }

  private async takeUp(): Promise<void> {
    const {size} = await this.handle.stat()
    if (size > this.remote.size) await this.handle.truncate(0)
    const block = Buffer.allocUnsafe(BLOCK_BYTES)
    for (;;) {
      const {bytesRead} = await this.handle.read(block, 0, block.length, this.offset)
      if (bytesRead === 0) return
      this.hash.update(block.subarray(0, bytesRead))
      this.offset += bytesRead
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.handle.write(bytes, done, bytes.length - done, this.offset + done)).bytesWritten
      }
    } catch (error) {
      throw explainLocalError(error, this.finalPath)
    }
    this.hash.update(bytes)
    this.offset += bytes.length
  }

  /** Puts the file in place, with the remote times and mode, if its digest is this one; false, and nothing left, if not. */
  async finish(sha256: string | null): Promise<boolean> {
    const found = this.hash.digest('hex')
    if (found !== sha256) {
      await this.discard()
      return false
    }
    try {
      const seconds = Number(BigInt(this.remote.mtime_ns) / 1000n) / 1e6
      await this.handle.chmod(this.remote.mode & 0o777)
      await this.handle.utimes(seconds, seconds)
      await this.handle.sync()
      await this.handle.close()
      await rename(this.partPath, this.finalPath)
      return true
    } catch (error) {
      throw explainLocalError(error, this.finalPath)
    }
  }

  /** Leaves the part for a next time. */
  async leave(): Promise<void> {
    if (this.offset === 0) return this.discard()
    await this.handle.close().catch(() => {})
  }

  async discard(): Promise<void> {
    await this.handle.close().catch(() => {})
    await rm(this.partPath, {force: true})
  }
}

function shortDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
