import {createReadStream} from 'node:fs'
import {pipeline} from 'node:stream/promises'

import {element, S3Refusal, sendXml} from './s3-answer.js'
import type {S3Request} from './s3-server.js'
import type {StoredObject} from './stored-objects.js'

/** GET, whole or a range, and HEAD. */
export async function readObject({key, objects, request, response}: S3Request): Promise<void> {
  const found = objects.find(key)
  if (!found) throw new S3Refusal(404, 'NoSuchKey', 'there is no such object')
  const wanted = request.headers['if-match']
  if (wanted !== undefined && wanted !== `"${found.etag}"`) throw new S3Refusal(412, 'PreconditionFailed', 'it is another object now')
  const range = readRange(request.headers.range, found)
  const length = range ? range.last - range.first + 1 : found.sizeBytes
  response.writeHead(range ? 206 : 200, {
    ...found.headers,
    etag: `"${found.etag}"`,
    'last-modified': found.modifiedAt.toUTCString(),
    'content-length': length,
    ...(range ? {'content-range': `bytes ${range.first}-${range.last}/${found.sizeBytes}`} : {}),
  })
  if (request.method === 'HEAD' || length === 0) return void response.end()
  await pipeline(createReadStream(found.file, range ? {start: range.first, end: range.last} : {}), response)
}

function readRange(header: string | undefined, {sizeBytes}: StoredObject): {readonly first: number; readonly last: number} | null {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? []
  if (from === undefined) return null
  const first = Number(from)
  if (first >= sizeBytes) throw new S3Refusal(416, 'InvalidRange', 'the object is shorter')
  return {first, last: Math.min(to === undefined || to === '' ? Infinity : Number(to), sizeBytes - 1)}
}

const MOST_KEYS = 1000

/** ListObjectsV2, without a delimiter. */
export function listObjects({objects, query, response}: S3Request): void {
  const after = query.get('continuation-token') ?? ''
  const asked = query.get('max-keys')
  const most = asked === null ? MOST_KEYS : Math.max(1, Math.min(Number(asked), MOST_KEYS))
  const isLater = ({key}: StoredObject): boolean => Buffer.compare(Buffer.from(key), Buffer.from(after, 'base64url')) > 0
  const left = objects.below(query.get('prefix') ?? '').filter(one => after === '' || isLater(one))
  const page = left.slice(0, most)
  const shown = (key: string): string => (query.get('encoding-type') === 'url' ? encodeURIComponent(key).replaceAll('%2F', '/') : key)
  const last = page.at(-1)
  const content = page.map(one => `<Contents>${element('Key', shown(one.key))}${element('LastModified', one.modifiedAt.toISOString())}${element('ETag', `"${one.etag}"`)}${element('Size', one.sizeBytes)}</Contents>`)
  const more = left.length > page.length && last ? element('NextContinuationToken', Buffer.from(last.key).toString('base64url')) : ''
  const encoding = query.get('encoding-type') === 'url' ? element('EncodingType', 'url') : ''
  sendXml(response, 'ListBucketResult', `${encoding}${element('KeyCount', page.length)}${element('IsTruncated', String(more !== ''))}${more}${content.join('')}`)
}
