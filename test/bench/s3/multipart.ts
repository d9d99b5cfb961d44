import {randomBytes} from 'node:crypto'

import {ServiceError, type WireRequest, type WireResponse} from '../types.js'
import type {Bucket, MultipartUpload, StoredObject, StoredPart} from './bucket.js'
import {checksumOf, compositeChecksum, compositeEtag, isChecksumName, md5Hex, type Checksum} from './checksums.js'
import {checkWriteConditions, unquote} from './conditions.js'
import {byKeyBytes, keyEncoder, readPageSize} from './listing.js'
import {checkKey, commit, describedBy, type ObjectContext} from './object-operations.js'
import {readContent} from './read-content.js'
import {invalidArgument, noSuchUpload, S3Error} from './s3-error.js'
import {element, group, nodesOf, readXml, textOf, xmlDocument, type XmlNode} from './xml.js'

const MIN_PART_BYTES = 5 * 1024 ** 2
const MAX_PART_BYTES = 5 * 1024 ** 3
const MAX_PARTS = 10_000

export function createMultipartUpload(request: WireRequest, {bucket, key, now}: ObjectContext): WireResponse {
  checkKey(key)
  const algorithm = request.headers['x-amz-checksum-algorithm']?.toLowerCase()
  if (algorithm !== undefined && !isChecksumName(algorithm)) throw new ServiceError('NotImplemented', `the bench does not know the checksum ${algorithm}`, 501)
  const type = request.headers['x-amz-checksum-type'] ?? 'COMPOSITE'
  if (type === 'FULL_OBJECT' && !algorithm?.startsWith('crc')) {
    throw new ServiceError('InvalidRequest', `The FULL_OBJECT checksum type cannot be used with the ${algorithm ?? 'absent'} checksum algorithm.`, 400)
  }
  const upload: MultipartUpload = {
    id: randomBytes(32).toString('base64url'),
    key,
    initiatedAt: now(),
    ...describedBy(request.headers),
    checksumName: algorithm ?? null,
    checksumType: type === 'FULL_OBJECT' ? 'FULL_OBJECT' : 'COMPOSITE',
    parts: new Map(),
  }
  bucket.uploads.set(upload.id, upload)
  const checksum: Record<string, string> = algorithm === undefined ? {} : {'x-amz-checksum-algorithm': algorithm.toUpperCase(), 'x-amz-checksum-type': upload.checksumType}
  const result = element('Bucket', bucket.name) + element('Key', key) + element('UploadId', upload.id)
  return {status: 200, headers: checksum, body: xmlDocument('InitiateMultipartUploadResult', result)}
}

function findUpload(request: WireRequest, {bucket, key}: ObjectContext): MultipartUpload {
  const id = request.query.get('uploadId') ?? ''
  const upload = bucket.uploads.get(id)
  if (upload?.key !== key) throw noSuchUpload(id)
  return upload
}

export async function uploadPart(request: WireRequest, context: ObjectContext): Promise<WireResponse> {
  const upload = findUpload(request, context)
  const number = Number(request.query.get('partNumber'))
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
    throw invalidArgument(`Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`, 'partNumber', request.query.get('partNumber') ?? '')
  }
  if (Number(request.headers['content-length'] ?? 0) > MAX_PART_BYTES) {
    throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', 400)
  }
  const content = readContent(request)
  if (upload.checksumName !== null && content.checksum !== null && content.checksum.name !== upload.checksumName) {
    throw new ServiceError('InvalidRequest', `Checksum Type mismatch occurred, expected checksum Type: ${upload.checksumName}, actual checksum Type: ${content.checksum.name}`, 400)
  }
  const bytes = await context.store.keep(content.bytes)
  const computed = upload.checksumName && {name: upload.checksumName, value: checksumOf(upload.checksumName, content.bytes), type: 'FULL_OBJECT' as const}
  const part: StoredPart = {number, bytes, etag: md5Hex(content.bytes), modifiedAt: context.now(), checksum: content.checksum ?? computed}
  // Whoever aborted meanwhile must not find a part afterwards.
  if (!context.bucket.uploads.has(upload.id)) {
    await bytes.remove()
    throw noSuchUpload(upload.id)
  }
  const previous = upload.parts.get(number)
  upload.parts.set(number, part)
  await previous?.bytes.remove()
  const checksum = part.checksum && {[`x-amz-checksum-${part.checksum.name}`]: part.checksum.value}
  return {status: 200, headers: {etag: `"${part.etag}"`, 'x-amz-server-side-encryption': 'AES256', ...checksum}, body: ''}
}

export async function completeMultipartUpload(request: WireRequest, context: ObjectContext): Promise<WireResponse> {
  const upload = findUpload(request, context)
  const parts = chooseParts(nodesOf(readXml(request.body, 'CompleteMultipartUpload'), 'Part'), upload)
  checkWriteConditions(request.headers, upload.key, context.bucket.objects.get(upload.key))
  const bytes = await context.store.join(parts.map((part) => part.bytes))
  const checksum = await joinedChecksum(upload, parts, bytes.read)
  checkWhole(request.headers, bytes.size, checksum)
  // The same request may be on its way twice: from here to the commit nothing comes in between.
  if (!context.bucket.uploads.has(upload.id)) throw noSuchUpload(upload.id)
  checkWriteConditions(request.headers, upload.key, context.bucket.objects.get(upload.key))
  context.bucket.uploads.delete(upload.id)
  const {contentType, headers, metadata, storageClass} = upload
  const described = {contentType, headers, metadata, storageClass, tagCount: 0}
  const etag = compositeEtag(parts.map((part) => part.etag))
  const object: StoredObject = {key: upload.key, bytes, etag, modifiedAt: context.now(), checksum, ...described}
  await commit(context, request.headers, object)
  await forget(context.bucket, upload)
  const result = [
    element('Location', `http://${request.headers['host'] ?? ''}${request.path}`),
    element('Bucket', context.bucket.name),
    element('Key', upload.key),
    element('ETag', `"${etag}"`),
    checksum === null ? '' : element(`Checksum${checksum.name.toUpperCase()}`, checksum.value) + element('ChecksumType', checksum.type),
  ]
  return {status: 200, body: xmlDocument('CompleteMultipartUploadResult', result.join(''))}
}

function chooseParts(wanted: readonly XmlNode[], upload: MultipartUpload): readonly StoredPart[] {
  if (wanted.length === 0) throw new ServiceError('MalformedXML', 'The XML you provided was not well-formed or did not validate against our published schema', 400)
  const numbers = wanted.map((node) => Number(textOf(node, 'PartNumber')))
  if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0))) {
    throw new ServiceError('InvalidPartOrder', 'The list of parts was not in ascending order. Parts must be ordered by part number.', 400)
  }
  return wanted.map((node, index) => {
    const part = upload.parts.get(numbers[index] ?? 0)
    const declared = part?.checksum && textOf(node, `Checksum${part.checksum.name.toUpperCase()}`)
    if (part?.etag !== unquote(textOf(node, 'ETag') ?? '') || (declared && declared !== part.checksum?.value)) {
      const message = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
      throw new S3Error('InvalidPart', message, 400, {elements: {PartNumber: String(numbers[index]), UploadId: upload.id}})
    }
    if (index < wanted.length - 1 && part.bytes.size < MIN_PART_BYTES) {
      const elements = {ProposedSize: String(part.bytes.size), MinSizeAllowed: String(MIN_PART_BYTES), PartNumber: String(part.number)}
      throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', 400, {elements})
    }
    return part
  })
}

async function joinedChecksum(upload: MultipartUpload, parts: readonly StoredPart[], read: () => Promise<Buffer>): Promise<Checksum | null> {
  const {checksumName: name, checksumType: type} = upload
  if (name === null) return null
  const value = type === 'FULL_OBJECT' ? checksumOf(name, await read()) : compositeChecksum(name, parts.map((part) => part.checksum?.value ?? ''))
  return {name, type, value}
}

function checkWhole(headers: WireRequest['headers'], size: number, checksum: Checksum | null): void {
  const declaredSize = headers['x-amz-mp-object-size']
  if (declaredSize !== undefined && Number(declaredSize) !== size) {
    throw new ServiceError('InvalidRequest', 'The provided x-amz-mp-object-size header value does not match what was computed', 400)
  }
  const declared = checksum && headers[`x-amz-checksum-${checksum.name}`]
  if (declared && declared !== checksum.value) throw new ServiceError('BadDigest', `The ${checksum.name.toUpperCase()} you specified did not match the calculated checksum.`, 400)
}

export async function abortMultipartUpload(request: WireRequest, context: ObjectContext): Promise<WireResponse> {
  await forget(context.bucket, findUpload(request, context))
  return {status: 204, body: ''}
}

async function forget(bucket: Bucket, upload: MultipartUpload): Promise<void> {
  bucket.uploads.delete(upload.id)
  for (const part of upload.parts.values()) await part.bytes.remove()
}

export function listParts(request: WireRequest, context: ObjectContext): WireResponse {
  const upload = findUpload(request, context)
  const after = Number(request.query.get('part-number-marker') ?? 0)
  const max = readPageSize(request.query, 'max-parts')
  const rest = [...upload.parts.values()].filter(({number}) => number > after).sort((a, b) => a.number - b.number)
  const page = rest.slice(0, max)
  const rows = page.map((part) =>
    group(
      'Part',
      element('PartNumber', part.number),
      element('LastModified', part.modifiedAt.toISOString()),
      element('ETag', `"${part.etag}"`),
      element('Size', part.bytes.size),
      part.checksum === null ? '' : element(`Checksum${part.checksum.name.toUpperCase()}`, part.checksum.value),
    ),
  )
  const result = [
    element('Bucket', context.bucket.name),
    element('Key', upload.key),
    element('UploadId', upload.id),
    element('PartNumberMarker', after),
    element('NextPartNumberMarker', page.at(-1)?.number ?? 0),
    element('MaxParts', max),
    element('IsTruncated', rest.length > page.length),
    ...rows,
  ]
  return {status: 200, body: xmlDocument('ListPartsResult', result.join(''))}
}

export function listMultipartUploads({query}: WireRequest, bucket: Bucket): WireResponse {
  const prefix = query.get('prefix') ?? ''
  const [keyMarker, idMarker] = [query.get('key-marker') ?? '', query.get('upload-id-marker') ?? '']
  const max = readPageSize(query, 'max-uploads')
  const encode = keyEncoder(query)
  const rest = [...bucket.uploads.values()]
    .filter(({key}) => key.startsWith(prefix))
    .sort((a, b) => byKeyBytes(a.key, b.key) || byKeyBytes(a.id, b.id))
    .filter(({key, id}) => keyMarker === '' || byKeyBytes(key, keyMarker) > 0 || (key === keyMarker && idMarker !== '' && byKeyBytes(id, idMarker) > 0))
  const page = rest.slice(0, max)
  const rows = page.map((upload) =>
    group('Upload', element('Key', encode(upload.key)), element('UploadId', upload.id), element('Initiated', upload.initiatedAt.toISOString())),
  )
  const result = [
    element('Bucket', bucket.name),
    element('KeyMarker', encode(keyMarker)),
    element('UploadIdMarker', idMarker),
    element('NextKeyMarker', encode(page.at(-1)?.key ?? '')),
    element('NextUploadIdMarker', page.at(-1)?.id ?? ''),
    element('Prefix', encode(prefix)),
    element('MaxUploads', max),
    element('IsTruncated', rest.length > page.length),
    ...rows,
  ]
  return {status: 200, body: xmlDocument('ListMultipartUploadsResult', result.join(''))}
}
