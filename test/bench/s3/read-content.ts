import {createHash} from 'node:crypto'

import {ServiceError, type WireRequest} from '../types.js'
import {verifiedChecksum, type Checksum} from './checksums.js'

export interface Content {
  readonly bytes: Buffer
  /** As the client declared and the bench verified it. */
  readonly checksum: Checksum | null
}

/** The bytes that a PutObject or UploadPart carries: unwrapped from aws-chunked, every declared digest checked. */
export function readContent(request: WireRequest): Content {
  const {headers, query} = request
  const declared = new Map(Object.entries(headers))
  for (const [name, value] of query) {
    if (name.toLowerCase().startsWith('x-amz-checksum-')) declared.set(name.toLowerCase(), value)
  }
  const bytes = unwrap(request, declared)
  return {bytes, checksum: verifiedChecksum(bytes, declared, headers['content-md5'])}
}

function unwrap({headers, body}: WireRequest, declared: Map<string, string>): Buffer {
  const hash = headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD'
  if (/^[0-9a-f]{64}$/.test(hash)) {
    if (createHash('sha256').update(body).digest('hex') === hash) return body
    throw new ServiceError('XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' header does not match what was computed.", 400)
  }
  if (hash === 'UNSIGNED-PAYLOAD') return body
  if (hash !== 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') throw new ServiceError('NotImplemented', `the bench does not know ${hash}`, 501)
  const {bytes, trailer} = readChunks(body)
  if (String(bytes.length) !== headers['x-amz-decoded-content-length']) throw incomplete()
  for (const name of (headers['x-amz-trailer'] ?? '').split(',').filter(Boolean)) {
    const value = trailer.get(name.trim())
    if (value === undefined) throw new ServiceError('MalformedTrailerError', 'The request contained trailing data that was not well-formed', 400)
    declared.set(name.trim(), value)
  }
  return bytes
}

function readChunks(body: Buffer): {bytes: Buffer; trailer: Map<string, string>} {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16)
    if (lineEnd < 0 || Number.isNaN(size)) throw incomplete()
    const start = lineEnd + 2
    if (size === 0) return {bytes: Buffer.concat(chunks), trailer: readTrailer(body.toString('latin1', start))}
    if (start + size + 2 > body.length) throw incomplete()
    chunks.push(body.subarray(start, start + size))
    at = start + size + 2
  }
}

function readTrailer(text: string): Map<string, string> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
}

function incomplete(): ServiceError {
  return new ServiceError('IncompleteBody', 'You did not provide the number of bytes specified by the Content-Length HTTP header', 400)
}
