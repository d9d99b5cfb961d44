import {constants, createDeflate, type Deflate} from 'node:zlib'

/** What the end of the stream takes: a last block and the checksum. */
const TAIL_BYTES = 16

/** One zlib stream whose size is known while it grows, so that it can be filled up to a limit. */
export class Deflater {
  private readonly deflate: Deflate
  private readonly chunks: Buffer[] = []
  private outBytes = 0
  private pendingBytes = 0
  private readonly failed: Promise<never>

  constructor(level: number) {
    this.deflate = createDeflate({level})
    this.deflate.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk)
      this.outBytes += chunk.length
    })
    this.failed = new Promise((_, reject) => this.deflate.on('error', reject))
    this.failed.catch(() => {})
  }

  /** The most bytes that the stream has if it ends now. */
  get boundBytes(): number {
    return this.outBytes + this.deflate.readableLength + worstCase(this.pendingBytes) + TAIL_BYTES
  }

  /** The bound is the size: nothing was given since {@link settle}. */
  get isSettled(): boolean {
    return this.pendingBytes === 0
  }

  write(bytes: Uint8Array): Promise<void> {
    this.pendingBytes += bytes.length
    return this.wait(done => this.deflate.write(bytes, done))
  }

  /** Lets out all that was given, so that the bound becomes the size. */
  async settle(): Promise<void> {
    await this.wait(done => this.deflate.flush(constants.Z_SYNC_FLUSH, () => done()))
    this.pendingBytes = 0
  }

  async end(): Promise<Buffer> {
    await Promise.race([this.failed, new Promise(resolve => this.deflate.once('end', resolve).end())])
    return Buffer.concat(this.chunks)
  }

  close(): void {
    this.deflate.destroy()
  }

  private wait(begin: (done: (error?: Error | null) => void) => void): Promise<void> {
    return Promise.race([this.failed, new Promise<void>((resolve, reject) => begin(error => (error ? reject(error) : resolve())))])
  }
}

/** How much the bytes may take at worst, a flush included: blocks that do not shrink are stored with a few bytes each. */
export function worstCase(bytes: number): number {
  return bytes + Math.ceil(bytes / 2048) + 24
}
