import type {WireRequest, WireResponse} from '../types.js'
import type {Bucket, StoredObject} from './bucket.js'
import {invalidArgument} from './s3-error.js'
import {element, group, xmlDocument} from './xml.js'

const PAGE = 1000

/** S3 orders keys by the bytes of their UTF-8. */
export function byKeyBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

export function readPageSize(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? String(PAGE)
  if (!/^\d+$/.test(text)) throw invalidArgument(`Provided ${name} not an integer or within integer range`, name, text)
  return Math.min(Number(text), PAGE)
}

/** The function that keys pass through where a client asks for `encoding-type=url`. */
export function keyEncoder(query: URLSearchParams): (key: string) => string {
  const type = query.get('encoding-type')
  if (type !== null && type !== 'url') throw invalidArgument('Invalid Encoding Method specified in Request', 'encoding-type', type)
  return type === 'url' ? (key) => encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+') : (key) => key
}

export function listObjectsV2({query}: WireRequest, bucket: Bucket): WireResponse {
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? '']
  const maxKeys = readPageSize(query, 'max-keys')
  const encode = keyEncoder(query)
  const token = query.get('continuation-token')
  const startAfter = token === null ? (query.get('start-after') ?? '') : ''
  const page = makePage([...bucket.objects.values()], {prefix, delimiter, startAfter, last: token === null ? '' : readToken(token), maxKeys})
  const content = [
    element('Name', bucket.name),
    element('Prefix', encode(prefix)),
    element('Delimiter', delimiter === '' ? undefined : encode(delimiter)),
    element('MaxKeys', maxKeys),
    element('EncodingType', query.get('encoding-type') ?? undefined),
    element('KeyCount', page.objects.length + page.commonPrefixes.length),
    element('IsTruncated', page.next !== null),
    element('ContinuationToken', token ?? undefined),
    element('NextContinuationToken', page.next === null ? undefined : Buffer.from(page.next).toString('base64')),
    element('StartAfter', query.has('start-after') ? encode(query.get('start-after') ?? '') : undefined),
    ...page.objects.map((object) => contents(object, encode)),
    ...page.commonPrefixes.map((common) => group('CommonPrefixes', element('Prefix', encode(common)))),
  ]
  return {status: 200, body: xmlDocument('ListBucketResult', content.join(''))}
}

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString('utf8')
  if (Buffer.from(text).toString('base64') !== token) throw invalidArgument('The continuation token provided is incorrect', 'continuation-token', token)
  return text
}

interface PageRequest {
  readonly prefix: string
  readonly delimiter: string
  readonly startAfter: string
  /** The last key or common prefix of the page before. */
  readonly last: string
  readonly maxKeys: number
}

function makePage(all: StoredObject[], {prefix, delimiter, startAfter, maxKeys, ...before}: PageRequest) {
  const objects: StoredObject[] = []
  const commonPrefixes: string[] = []
  let {last} = before
  const below = all.filter(({key}) => key.startsWith(prefix) && byKeyBytes(key, startAfter) > 0).sort((a, b) => byKeyBytes(a.key, b.key))
  for (const object of below) {
    const end = delimiter === '' ? -1 : object.key.indexOf(delimiter, prefix.length)
    const entry = end < 0 ? object.key : object.key.slice(0, end + delimiter.length)
    // A common prefix that was told stands for all keys below it.
    if (byKeyBytes(entry, last) <= 0) continue
    if (objects.length + commonPrefixes.length === maxKeys) return {objects, commonPrefixes, next: maxKeys === 0 ? null : last}
    last = entry
    if (end < 0) objects.push(object)
    else commonPrefixes.push(entry)
  }
  return {objects, commonPrefixes, next: null}
}

function contents({key, modifiedAt, etag, bytes, storageClass}: StoredObject, encode: (key: string) => string): string {
  return group(
    'Contents',
    element('Key', encode(key)),
    element('LastModified', modifiedAt.toISOString()),
    element('ETag', `"${etag}"`),
    element('Size', bytes.size),
    element('StorageClass', storageClass),
  )
}
