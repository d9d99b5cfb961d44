import {createHash} from 'node:crypto'
import {gunzipSync} from 'node:zlib'

import type {ShellResult} from '../../provider.js'
import {INLINE_OUTPUT_BYTES} from './wrapper.js'

/** What the wrapper says about a script that ended. */
export interface DoneAnswer {
  readonly kind: 'done'
  /** The folder on the instance where the output lies for an hour. */
  readonly folder: string
  readonly exitCode: number
  readonly stdoutBytes: number
  readonly stderrBytes: number
  /** Length of the gzip stream of both. */
  readonly packedBytes: number
  /** Of both, unpacked. */
  readonly sha256: string
  /** The gzip stream was put to the URL that the command gave. */
  readonly uploaded: boolean
  /** The stream's first bytes: {@link INLINE_OUTPUT_BYTES}, or all; none where it was uploaded. */
  readonly packed: Uint8Array
}
/** Why there is no result. */
export interface FailedAnswer {
  readonly kind: 'big' | 'interrupted' | 'noinput' | 'nospace' | 'timeout'
}
export type Answer = DoneAnswer | FailedAnswer

const FRAME = /^RUNCTL1 (\S+) (put|-) (?:done (\d+) (\d+) (\d+) (\d+) ([0-9a-f]{64})|(big|interrupted|noinput|nospace|timeout))\r?$/m

/** null where the text holds no answer, or one that was cut off. */
export function parseAnswer(text: string): Answer | null {
  const found = FRAME.exec(text)
  if (!found) return null
  const [frame, folder = '', put, exitCode, stdoutBytes, stderrBytes, packedBytes, sha256 = '', failed] = found
  if (failed !== undefined) return {kind: failed as FailedAnswer['kind']}
  const uploaded = put === 'put'
  const length = uploaded ? 0 : Math.min(Number(packedBytes), INLINE_OUTPUT_BYTES)
  const packed = decode(text.slice(found.index + frame.length), length)
  if (packed === null) return null
  return {
    kind: 'done',
    folder,
    exitCode: Number(exitCode),
    stdoutBytes: Number(stdoutBytes),
    stderrBytes: Number(stderrBytes),
    packedBytes: Number(packedBytes),
    sha256,
    uploaded,
    packed,
  }
}

/** Exactly so many bytes from the base64 at the front of a text; what follows it is not looked at. */
export function decode(text: string, length: number): Uint8Array | null {
  const base64 = /^[A-Za-z0-9+/=\s]*/.exec(text)?.[0].replaceAll(/\s/g, '') ?? ''
  const bytes = Buffer.from(base64.slice(0, Math.ceil(length / 3) * 4), 'base64')
  return bytes.length === length ? bytes : null
}

/** null where it is not what the instance said it would be. */
export function unpackResult(answer: DoneAnswer, packed: Uint8Array): ShellResult | null {
  let bytes: Buffer
  try {
    bytes = gunzipSync(packed, {maxOutputLength: answer.stdoutBytes + answer.stderrBytes + 1})
  } catch {
    return null
  }
  if (bytes.length !== answer.stdoutBytes + answer.stderrBytes || createHash('sha256').update(bytes).digest('hex') !== answer.sha256) return null
  return {exitCode: answer.exitCode, stdout: bytes.subarray(0, answer.stdoutBytes), stderr: bytes.subarray(answer.stdoutBytes)}
}
