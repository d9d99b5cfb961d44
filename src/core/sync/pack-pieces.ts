import {createHash, type Hash} from 'node:crypto'
import type {FileHandle} from 'node:fs/promises'

import type {BlobPiece} from '../../agent/protocol.js'
import {Deflater, worstCase} from './deflater.js'
import {FileChangedError} from './file-changed.js'
import {openFile} from './hash-files.js'

/** Content by its digest: a file, or bytes that are in memory. */
export type Blob = {readonly sha256: string; readonly size: number} & (
  | {readonly bytes: Uint8Array}
  | {readonly path: string; readonly absolutePath: string}
)

export interface PackedPieces {
  readonly pieces: readonly BlobPiece[]
  /** zlib; absent where there are no pieces. */
  readonly attachment: Uint8Array | undefined
}

/** More than this is not held in memory for one call, whatever it could take. */
const MOST_PACKED_BYTES = 32 << 20
const MOST_RAW_BYTES = 256 << 20
const BLOCK_BYTES = 256 * 1024
/** A piece smaller than this is not worth its description, unless it is the rest of its blob. */
const LEAST_PIECE_BYTES = 512
const SMALL_CALL_BYTES = 1 << 20

/** Cuts blobs into calls: each is filled as far as the budget goes. Files are read as they are packed, and never whole. */
export class PiecePacker {
  private readonly queue: Blob[]
  private offset = 0
  private handle: FileHandle | null = null
  private hash: Hash = createHash('sha256')

  constructor(blobs: readonly Blob[], private readonly signal?: AbortSignal) {
    this.queue = blobs.filter(blob => blob.size > 0)
  }

  get isEmpty(): boolean {
    return this.queue.length === 0
  }

  /**
   * At most `budgetBytes` for the JSON of the pieces and the attachment together; no pieces where it is too little for any.
   * FileChangedError where a file is not what it was when it was hashed.
   */
  async next(budgetBytes: number): Promise<PackedPieces> {
    const budget = Math.min(budgetBytes, MOST_PACKED_BYTES)
    // Where calls are small they are what takes the time, not the processor.
    const deflater = new Deflater(budget <= SMALL_CALL_BYTES ? 6 : 1)
    try {
      const pieces = await this.fill(deflater, budget)
      const attachment = await deflater.end()
      return {pieces, attachment: pieces.length > 0 ? attachment : undefined}
    } finally {
      deflater.close()
    }
  }

  private async fill(deflater: Deflater, budgetBytes: number): Promise<BlobPiece[]> {
    const pieces: BlobPiece[] = []
    let describedBytes = 0
    let rawLeft = MOST_RAW_BYTES
    for (let blob = this.queue[0]; blob; blob = this.queue[0]) {
      const left = blob.size - this.offset
      const piece = {sha256: blob.sha256, size: blob.size, offset: this.offset, length: left}
      const room = budgetBytes - describedBytes - describedLength(piece) - deflater.boundBytes
      const length = Math.min(left, rawLeft, BLOCK_BYTES, bytesThatFit(room))
      if (length < Math.min(left, LEAST_PIECE_BYTES)) {
        if (rawLeft === length || deflater.isSettled) break
        await deflater.settle()
        continue
      }
      await deflater.write(await this.read(blob, length))
      describedBytes += addPiece(pieces, {...piece, length})
      rawLeft -= length
      this.offset += length
      if (this.offset === blob.size) await this.finishBlob(blob)
    }
    return pieces
  }

  async close(): Promise<void> {
    await this.handle?.close()
    this.handle = null
  }

  private async read(blob: Blob, length: number): Promise<Uint8Array> {
    this.signal?.throwIfAborted()
    const block = 'bytes' in blob ? blob.bytes.subarray(this.offset, this.offset + length) : await this.readFile(blob, length)
    this.hash.update(block)
    return block
  }

  private async readFile(file: {readonly path: string; readonly absolutePath: string}, length: number): Promise<Uint8Array> {
    this.handle ??= await openFile(file)
    const block = Buffer.allocUnsafe(length)
    for (let filled = 0; filled < length; ) {
      const {bytesRead} = await this.handle.read(block, filled, length - filled, this.offset + filled)
      if (bytesRead === 0) throw new FileChangedError(file.path)
      filled += bytesRead
    }
    return block
  }

  private async finishBlob(blob: Blob): Promise<void> {
    if (this.hash.digest('hex') !== blob.sha256) throw new FileChangedError('path' in blob ? blob.path : blob.sha256)
    await this.close()
    this.queue.shift()
    this.offset = 0
    this.hash = createHash('sha256')
  }
}

/** The most bytes whose worst case is within `room`. */
function bytesThatFit(room: number): number {
  let bytes = Math.max(0, Math.floor(((room - 24) * 2048) / 2049) - 1)
  while (bytes > 0 && worstCase(bytes) > room) bytes--
  return bytes
}

/** A piece that goes on where the last one ends becomes part of it. The result is how much longer the description is at most. */
function addPiece(pieces: BlobPiece[], piece: BlobPiece): number {
  const last = pieces[pieces.length - 1]
  if (last === undefined || last.sha256 !== piece.sha256 || last.offset + last.length !== piece.offset) {
    pieces.push(piece)
    return describedLength(piece)
  }
  pieces[pieces.length - 1] = {...last, length: last.length + piece.length}
  return 1
}

/** Of the piece's JSON, with a comma, and digits to spare for a length that grows. */
function describedLength(piece: BlobPiece): number {
  return JSON.stringify({...piece, length: piece.size}).length + 1
}
