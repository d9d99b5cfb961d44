import type {ReadFilesRequest} from '../../agent/protocol.js'
import type {AgentPort} from './agent-port.js'
import {worstCase} from './deflater.js'

type Read = ReadFilesRequest['reads'][number]
type Limits = Pick<AgentPort, 'maxInputBytes' | 'maxOutputBytes'>

/** A file, or the rest of one, that is to be read. */
export interface PendingRead {
  readonly path: string
  readonly size: number
  readonly offset: number
}

/** The agent's own limit is 64 MiB; this is what is held in memory at a time. */
const MOST_READ_BYTES = 16 << 20
const ENVELOPE_BYTES = 200
/** Names of the fields, numbers and a digest. */
const READ_BYTES = 200

/**
 * The first call for these files: as much as surely fits into an answer, even if nothing shrinks. Whole files, or a part of the
 * first one alone. Throws a plain Error where the limits are too small for any.
 */
export function planReads(pending: readonly PendingRead[], base: string, limits: Limits): Read[] {
  const reads: Read[] = []
  let inputRoom = limits.maxInputBytes - escapedLength(base) - ENVELOPE_BYTES
  let describedBytes = ENVELOPE_BYTES
  let content = 0
  for (const {path, size, offset} of pending) {
    const described = escapedLength(path) + READ_BYTES
    const room = Math.min(MOST_READ_BYTES, mostContent(limits.maxOutputBytes - describedBytes - described)) - content
    if (inputRoom < described || room <= 0) break
    const length = Math.min(size - offset, room)
    // Only the first one may be read in parts: the others begin with nothing of them here.
    if (length < size - offset && reads.length > 0) break
    reads.push({path, offset, length, ...(offset + length === size && offset > 0 ? {digest: true} : {})})
    inputRoom -= described
    describedBytes += described
    content += length
    if (length < size - offset) break
  }
  const {maxInputBytes, maxOutputBytes} = limits
  if (reads.length === 0) throw new Error(`calls of ${maxInputBytes} bytes that give back ${maxOutputBytes} are too small to read files`)
  return reads
}

/** The most bytes whose zlib stream in base64 is within `room` whatever they are. */
function mostContent(room: number): number {
  const packed = Math.floor(room / 4) * 3 - 32
  let bytes = Math.max(0, Math.floor((packed - 24) * (2048 / 2049)) - 1)
  while (bytes > 0 && worstCase(bytes) > packed) bytes--
  return bytes
}

/** In JSON, in ASCII alone. */
function escapedLength(text: string): number {
  return JSON.stringify(text).replace(/[^\x20-\x7e]/g, '\\u0000').length
}
