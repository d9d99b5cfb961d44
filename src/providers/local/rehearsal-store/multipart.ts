import {createHash, randomUUID} from 'node:crypto'
import {createReadStream, createWriteStream} from 'node:fs'
import {rm} from 'node:fs/promises'
import {pipeline} from 'node:stream/promises'

import {keptHeaders} from './put-content.js'
import {element, S3Refusal, sendXml} from './s3-answer.js'
import type {S3Request} from './s3-server.js'
import type {Content, MultipartUpload} from './stored-objects.js'

export function beginUpload({key, objects, request, response}: S3Request): void {
  const uploadId = randomUUID()
  objects.uploads.set(uploadId, {key, headers: keptHeaders(request), parts: new Map()})
  sendXml(response, 'InitiateMultipartUploadResult', element('Key', key) + element('UploadId', uploadId))
}

export function listParts(from: S3Request): void {
  const parts = sorted(find(from)).map(([number, {md5, sha256, sizeBytes}]) =>
    `<Part>${element('PartNumber', number)}${element('ETag', `"${md5}"`)}${element('Size', sizeBytes)}${element('ChecksumSHA256', base64(sha256))}</Part>`)
  sendXml(from.response, 'ListPartsResult', element('IsTruncated', 'false') + parts.join(''))
}

export async function abortUpload(from: S3Request): Promise<void> {
  find(from)
  await from.objects.drop(from.query.get('uploadId') ?? '')
  from.response.writeHead(204).end()
}

/** Puts the parts together, if what the caller lists is what is there. */
export async function completeUpload(from: S3Request): Promise<void> {
  const {key, objects, query, request, response} = from
  const upload = find(from)
  const listed = [...(await text(request)).matchAll(/<PartNumber>(\d+)<\/PartNumber>\s*<ETag>(?:"|&quot;)?([0-9a-f]+)(?:"|&quot;)?<\/ETag>/g)].map(([, number, etag]) => `${number} ${etag}`)
  const there = sorted(upload)
  if (there.length === 0 || listed.join() !== there.map(([number, {md5}]) => `${number} ${md5}`).join()) throw new S3Refusal(400, 'InvalidPart', 'the parts are not the ones that were sent')
  const parts = there.map(([, part]) => part)
  const file = objects.newFile()
  try {
    for (const part of parts) await pipeline(createReadStream(part.file), createWriteStream(file, {flags: 'a', mode: 0o600}))
  } catch (error) {
    await rm(file, {force: true})
    throw error
  }
  const of = (algorithm: 'md5' | 'sha256'): Buffer => createHash(algorithm).update(Buffer.concat(parts.map(part => Buffer.from(part[algorithm], 'hex')))).digest()
  const etag = `${of('md5').toString('hex')}-${parts.length}`
  const headers = {...upload.headers, 'x-amz-checksum-sha256': `${of('sha256').toString('base64')}-${parts.length}`}
  await objects.place({key, file, sizeBytes: parts.reduce((sum, {sizeBytes}) => sum + sizeBytes, 0), etag, headers})
  await objects.drop(query.get('uploadId') ?? '')
  sendXml(response, 'CompleteMultipartUploadResult', element('Key', key) + element('ETag', `"${etag}"`))
}

function find({key, objects, query}: S3Request): MultipartUpload {
  const upload = objects.uploads.get(query.get('uploadId') ?? '')
  if (upload?.key === key) return upload
  throw new S3Refusal(404, 'NoSuchUpload', 'there is no such upload')
}

const sorted = ({parts}: MultipartUpload): readonly [number, Content][] => [...parts].toSorted(([a], [b]) => a - b)
const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')

async function text(request: AsyncIterable<Uint8Array>): Promise<string> {
  const blocks: Uint8Array[] = []
  for await (const block of request) blocks.push(block)
  return Buffer.concat(blocks).toString('utf8')
}
