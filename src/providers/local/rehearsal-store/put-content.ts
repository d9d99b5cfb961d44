import type {IncomingMessage, ServerResponse} from 'node:http'
import {rm} from 'node:fs/promises'

import {receiveContent} from './receive-content.js'
import {S3Refusal} from './s3-answer.js'
import type {S3Request} from './s3-server.js'
import type {Content} from './stored-objects.js'

/** One object in one request, or a part of one. */
export async function putContent({atHalf, key, objects, query, request, response}: S3Request): Promise<void> {
  const uploadId = query.get('uploadId')
  const content = await receive(request, objects.newFile(), atHalf)
  const checksum = base64(content.sha256)
  if (uploadId !== null) {
    const upload = objects.uploads.get(uploadId)
    if (!upload) {
      await rm(content.file, {force: true})
      throw new S3Refusal(404, 'NoSuchUpload', 'there is no such upload')
    }
    const before = upload.parts.get(Number(query.get('partNumber')))
    upload.parts.set(Number(query.get('partNumber')), content)
    if (before) await rm(before.file, {force: true})
  } else {
    const object = {key, file: content.file, sizeBytes: content.sizeBytes, etag: content.md5, headers: {...keptHeaders(request), 'x-amz-checksum-sha256': checksum}}
    if (!(await objects.place(object, {ifAbsent: request.headers['if-none-match'] === '*'}))) throw new S3Refusal(412, 'PreconditionFailed', 'something is there')
  }
  done(response, content.md5, checksum)
}

const done = (response: ServerResponse, etag: string, checksum: string): void =>
  void response.writeHead(200, {etag: `"${etag}"`, 'x-amz-checksum-sha256': checksum, 'content-length': 0}).end()

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')

export const keptHeaders = ({headers}: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (name.startsWith('x-amz-meta-') && typeof value === 'string' ? [[name, value]] : [])))

/** The body, if it is what its digests say. */
async function receive(request: IncomingMessage, file: string, atHalf: S3Request['atHalf']): Promise<Content> {
  const length = Number(request.headers['content-length'])
  if (!Number.isInteger(length)) throw new S3Refusal(411, 'MissingContentLength', 'the length of a body must be told before it')
  const content = await receiveContent(request as AsyncIterable<Uint8Array>, file, length, atHalf(length))
  const refuse = async (reason: string): Promise<never> => {
    await rm(file, {force: true})
    throw new S3Refusal(400, reason, 'the body is not what its digest says')
  }
  const told = request.headers['x-amz-content-sha256']
  if (typeof told === 'string' && /^[0-9a-f]{64}$/.test(told) && told !== content.sha256) return refuse('XAmzContentSHA256Mismatch')
  const checksum = request.headers['x-amz-checksum-sha256']
  if (checksum !== undefined && checksum !== base64(content.sha256)) return refuse('BadDigest')
  return content
}
