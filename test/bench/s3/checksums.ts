import {createHash} from 'node:crypto'
import {crc32} from 'node:zlib'

import {ServiceError} from '../types.js'
import {S3Error} from './s3-error.js'

export type ChecksumName = 'crc32' | 'crc32c' | 'sha1' | 'sha256'
export type ChecksumType = 'COMPOSITE' | 'FULL_OBJECT'

export interface Checksum {
  readonly name: ChecksumName
  /** Base64; `…-3` for one made of the checksums of three parts. */
  readonly value: string
  readonly type: ChecksumType
}

const NAMES: readonly string[] = ['crc32', 'crc32c', 'sha1', 'sha256']

export function isChecksumName(name: string): name is ChecksumName {
  return NAMES.includes(name)
}

/** Base64, as it is on the wire. */
export function checksumOf(name: ChecksumName, content: Buffer): string {
  if (name === 'sha1' || name === 'sha256') return createHash(name).update(content).digest('base64')
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(name === 'crc32' ? crc32(content) : crc32c(content))
  return bytes.toString('base64')
}

export function md5Hex(content: Buffer): string {
  return createHash('md5').update(content).digest('hex')
}

/** A checksum over the parts' checksums, as multipart uploads have it unless they ask for FULL_OBJECT. */
export function compositeChecksum(name: ChecksumName, parts: readonly string[]): string {
  return `${checksumOf(name, Buffer.concat(parts.map((part) => Buffer.from(part, 'base64'))))}-${parts.length}`
}

export function compositeEtag(md5s: readonly string[]): string {
  return `${md5Hex(Buffer.concat(md5s.map((md5) => Buffer.from(md5, 'hex'))))}-${md5s.length}`
}

/**
 * The checksum that a request declares in its headers, its trailer or, presigned, its query. Throws where the content has another,
 * or the header `content-md5` does not fit. null where none is declared.
 */
export function verifiedChecksum(content: Buffer, declared: ReadonlyMap<string, string>, contentMd5: string | undefined): Checksum | null {
  if (contentMd5 !== undefined) checkMd5(content, contentMd5)
  const found = [...declared].filter(([name]) => /^x-amz-checksum-(?!algorithm$|type$|mode$)/.test(name))
  const [first] = found
  if (!first) return null
  if (found.length > 1) throw new ServiceError('InvalidRequest', 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.', 400)
  const name = first[0].slice('x-amz-checksum-'.length)
  if (!isChecksumName(name)) throw new ServiceError('NotImplemented', `the bench does not know the checksum ${name}`, 501)
  const value = checksumOf(name, content)
  if (value !== first[1]) {
    throw new ServiceError('BadDigest', `The ${name.toUpperCase()} you specified did not match the calculated checksum.`, 400)
  }
  return {name, value, type: 'FULL_OBJECT'}
}

function checkMd5(content: Buffer, contentMd5: string): void {
  if (Buffer.from(contentMd5, 'base64').length !== 16) throw new ServiceError('InvalidDigest', 'The Content-MD5 you specified was invalid.', 400)
  const calculated = createHash('md5').update(content).digest('base64')
  if (calculated === contentMd5) return
  const elements = {ExpectedDigest: contentMd5, CalculatedDigest: calculated}
  throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.', 400, {elements})
}

export function checksumHeaders(checksum: Checksum | null): Record<string, string> {
  return checksum === null ? {} : {[`x-amz-checksum-${checksum.name}`]: checksum.value, 'x-amz-checksum-type': checksum.type}
}

const CRC32C_TABLE = Uint32Array.from({length: 256}, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82_f6_3b_78 : value >>> 1
  return value >>> 0
})

function crc32c(content: Buffer): number {
  let value = 0xff_ff_ff_ff
  for (const byte of content) value = (value >>> 8) ^ (CRC32C_TABLE[(value ^ byte) & 0xff] ?? 0)
  return (value ^ 0xff_ff_ff_ff) >>> 0
}
