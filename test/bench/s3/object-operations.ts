import {ServiceError, type WireRequest, type WireResponse} from '../types.js'
import type {Bucket, StoredObject} from './bucket.js'
import {checksumHeaders, md5Hex, verifiedChecksum} from './checksums.js'
import {checkReadConditions, checkWriteConditions} from './conditions.js'
import type {ByteStore} from './object-bytes.js'
import {readContent} from './read-content.js'
import {accessDenied, noSuchKey, S3Error} from './s3-error.js'
import {deletedKeys, objectArn} from './route.js'
import {element, group, readXml, textOf, xmlDocument} from './xml.js'

export interface ObjectContext {
  readonly bucket: Bucket
  readonly key: string
  readonly store: ByteStore
  readonly now: () => Date
  /** What the caller may do besides the operation itself. */
  readonly isAllowed: (action: string, resource: string) => boolean
}

const MAX_PUT_BYTES = 5 * 1024 ** 3
const MAX_KEY_BYTES = 1024
const KEPT_HEADERS = ['cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires']

/** What a new object takes from the headers that made it. */
export function describedBy(headers: Readonly<Record<string, string>>) {
  const kept = KEPT_HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]] as const]))
  const encoding = headers['content-encoding']?.split(',').map((part) => part.trim()).filter((part) => part !== 'aws-chunked').join(',')
  const named = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'))
  return {
    contentType: headers['content-type'] ?? 'binary/octet-stream',
    headers: Object.fromEntries(kept.map(([name, value]) => [name, name === 'content-encoding' ? (encoding ?? '') : value]).filter(([, value]) => value !== '')),
    metadata: Object.fromEntries(named.map(([name, value]) => [name.slice('x-amz-meta-'.length), value])),
    storageClass: headers['x-amz-storage-class'] ?? 'STANDARD',
    tagCount: [...new URLSearchParams(headers['x-amz-tagging'] ?? '')].length,
  }
}

export function checkKey(key: string): void {
  if (Buffer.byteLength(key) <= MAX_KEY_BYTES) return
  throw new S3Error('KeyTooLongError', 'Your key is too long', 400, {elements: {MaxSizeAllowed: String(MAX_KEY_BYTES)}})
}

/** Puts an object in its place, if the request's conditions hold in this very moment. */
export async function commit(context: ObjectContext, headers: WireRequest['headers'], object: StoredObject): Promise<void> {
  const previous = context.bucket.objects.get(object.key)
  checkWriteConditions(headers, object.key, previous)
  context.bucket.objects.set(object.key, object)
  await previous?.bytes.remove()
}

export async function putObject(request: WireRequest, context: ObjectContext): Promise<WireResponse> {
  checkKey(context.key)
  const length = Number(request.headers['x-amz-decoded-content-length'] ?? request.headers['content-length'] ?? request.body.length)
  if (length > MAX_PUT_BYTES) throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', 400)
  const content = readContent(request)
  const bytes = await context.store.keep(content.bytes)
  const etag = md5Hex(content.bytes)
  const object: StoredObject = {key: context.key, bytes, etag, modifiedAt: context.now(), checksum: content.checksum, ...describedBy(request.headers)}
  await commit(context, request.headers, object)
  return {status: 200, headers: {etag: `"${etag}"`, 'x-amz-server-side-encryption': 'AES256', ...checksumHeaders(content.checksum)}, body: ''}
}

function find({bucket, key, isAllowed}: ObjectContext): StoredObject {
  const object = bucket.objects.get(key)
  if (object) return object
  // Who may not list must not learn what is not there.
  throw isAllowed('s3:ListBucket', `arn:aws:s3:::${bucket.name}`) ? noSuchKey(key) : accessDenied()
}

export async function getObject(request: WireRequest, context: ObjectContext): Promise<WireResponse> {
  const object = find(context)
  checkReadConditions(request.headers, object)
  const range = readRange(request.headers['range'], object.bytes.size)
  const whole = range === null
  const [start, end] = range ?? [0, object.bytes.size]
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes',
    'content-length': String(end - start),
    'content-type': request.query.get('response-content-type') ?? object.contentType,
    etag: `"${object.etag}"`,
    'last-modified': object.modifiedAt.toUTCString(),
    'x-amz-server-side-encryption': 'AES256',
    ...object.headers,
    ...Object.fromEntries(Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
  }
  const disposition = request.query.get('response-content-disposition')
  if (disposition !== null) headers['content-disposition'] = disposition
  if (object.tagCount > 0) headers['x-amz-tagging-count'] = String(object.tagCount)
  if (object.storageClass !== 'STANDARD') headers['x-amz-storage-class'] = object.storageClass
  const mode = request.headers['x-amz-checksum-mode'] ?? request.query.get('x-amz-checksum-mode')
  if (whole && mode === 'ENABLED') Object.assign(headers, checksumHeaders(object.checksum))
  if (!whole) headers['content-range'] = `bytes ${start}-${end - 1}/${object.bytes.size}`
  const body = request.method === 'HEAD' ? '' : await object.bytes.read(start, end)
  return {status: whole ? 200 : 206, headers, body}
}

/** Start and exclusive end; null for the whole object, as which a range that cannot be read counts. */
function readRange(header: string | undefined, size: number): readonly [number, number] | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return null
  const [, first = '', last = ''] = match
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (first !== '' && last !== '' && Number(last) < start) return null
  if (start < size && !(first === '' && last === '0')) return [start, end]
  const elements = {RangeRequested: header ?? '', ActualObjectSize: String(size)}
  throw new S3Error('InvalidRange', 'The requested range is not satisfiable', 416, {elements, headers: {'content-range': `bytes */${size}`}})
}

export async function copyObject(request: WireRequest, context: ObjectContext, source: StoredObject): Promise<WireResponse> {
  checkKey(context.key)
  const replaces = request.headers['x-amz-metadata-directive'] === 'REPLACE'
  const content = await source.bytes.read()
  const bytes = await context.store.keep(content)
  const described = replaces ? describedBy(request.headers) : source
  const object: StoredObject = {...source, ...described, key: context.key, bytes, etag: md5Hex(content), modifiedAt: context.now()}
  await commit(context, request.headers, object)
  const result = element('ETag', `"${object.etag}"`) + element('LastModified', object.modifiedAt.toISOString())
  return {status: 200, body: xmlDocument('CopyObjectResult', result)}
}

export async function deleteObject({bucket, key}: ObjectContext): Promise<WireResponse> {
  const object = bucket.objects.get(key)
  bucket.objects.delete(key)
  await object?.bytes.remove()
  return {status: 204, body: ''}
}

const MAX_DELETED_AT_ONCE = 1000

export async function deleteObjects(request: WireRequest, context: ObjectContext): Promise<WireResponse> {
  const declared = new Map(Object.entries(request.headers))
  if (verifiedChecksum(request.body, declared, request.headers['content-md5']) === null && request.headers['content-md5'] === undefined) {
    throw new ServiceError('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*', 400)
  }
  const wanted = readXml(request.body, 'Delete')
  const keys = deletedKeys(request.body)
  if (keys.length === 0 || keys.length > MAX_DELETED_AT_ONCE || keys.includes('')) {
    throw new ServiceError('MalformedXML', 'The XML you provided was not well-formed or did not validate against our published schema', 400)
  }
  const results: string[] = []
  for (const key of keys) {
    if (!context.isAllowed('s3:DeleteObject', objectArn(context.bucket.name, key))) {
      results.push(group('Error', element('Key', key), element('Code', 'AccessDenied'), element('Message', 'Access Denied')))
      continue
    }
    await deleteObject({...context, key})
    if (textOf(wanted, 'Quiet') !== 'true') results.push(group('Deleted', element('Key', key)))
  }
  return {status: 200, body: xmlDocument('DeleteResult', results.join(''))}
}
