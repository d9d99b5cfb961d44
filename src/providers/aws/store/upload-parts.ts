import {RunctlError} from '../../../model/errors.js'
import type {BucketClients} from './bucket-clients.js'
import type {ContentSource} from './content-source.js'
import {inParallel} from './in-parallel.js'
import {formatUri, type S3Location} from './s3-uri.js'
import {sendOptions} from '../call-aws.js'

const MIB = 1024 * 1024
const MIN_PART_BYTES = 8 * MIB
const MAX_PARTS = 10_000
/** Parts are sent from memory, so that the SDK can send one again: so much of it at most, or one part. */
const MAX_MEMORY_BYTES = 4 * MIN_PART_BYTES

export interface PartsRequest {
  readonly location: S3Location
  readonly source: ContentSource
  readonly metadata: Readonly<Record<string, string>>
  readonly ifAbsent: boolean
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((sentBytes: number) => void) | undefined
}

interface Part {
  readonly number: number
  readonly start: number
  readonly end: number
}

/** Equal parts as S3 wants them: at most 10,000, whole MiB. */
export function planParts(sizeBytes: number): readonly Part[] {
  const partBytes = Math.max(MIN_PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB)
  return Array.from({length: Math.ceil(sizeBytes / partBytes)}, (_, index) => {
    const start = index * partBytes
    return {number: index + 1, start, end: Math.min(start + partBytes, sizeBytes)}
  })
}

/**
 * A multipart upload of what is too large for one request. Rejects after the parts that arrived were taken back.
 *
 * Not by lib-storage's Upload: that one rejects at an abort without ending the requests under way and before the parts are gone, and goes
 * on sending the other parts when one has failed.
 */
export async function uploadInParts(buckets: BucketClients, request: PartsRequest): Promise<void> {
  const {CreateMultipartUploadCommand} = await import('@aws-sdk/client-s3')
  const {location, metadata, signal} = request
  signal?.throwIfAborted()
  const target = {Bucket: location.bucket, Key: location.key}
  // Without the signal: an upload whose id never arrives here could not be taken back.
  const {UploadId: uploadId} = await buckets.call('s3:PutObject', location, undefined, client =>
    // FULL_OBJECT: a checksum over the whole object, which can be verified when it is read; else S3 keeps one over the parts' checksums.
    client.send(new CreateMultipartUploadCommand({...target, Metadata: metadata, ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT'})),
  )
  if (uploadId === undefined) throw new RunctlError('platform_failed', `S3 began no upload of ${formatUri(location)}`)
  try {
    await sendAndComplete(buckets, request, uploadId)
  } catch (error) {
    await takeBack(buckets, location, uploadId)
    throw error
  }
}

async function sendAndComplete(buckets: BucketClients, request: PartsRequest, uploadId: string): Promise<void> {
  const {CompleteMultipartUploadCommand, UploadPartCommand} = await import('@aws-sdk/client-s3')
  const {location, source, signal} = request
  const target = {Bucket: location.bucket, Key: location.key, UploadId: uploadId}
  const parts = planParts(source.sizeBytes)
  const limit = Math.max(1, Math.floor(MAX_MEMORY_BYTES / ((parts[0]?.end ?? 0) || MIN_PART_BYTES)))
  let sentBytes = 0
  const sent = await inParallel(parts, {limit, signal}, async (part, stop) => {
    const body = await source.read(part.start, part.end)
    const input = {...target, PartNumber: part.number, Body: body, ChecksumAlgorithm: 'CRC32' as const}
    const {ETag, ChecksumCRC32} = await buckets.call('s3:PutObject', location, stop, client => client.send(new UploadPartCommand(input), {abortSignal: stop}))
    sentBytes += body.byteLength
    request.onProgress?.(sentBytes)
    return {PartNumber: part.number, ETag, ...(ChecksumCRC32 === undefined ? {} : {ChecksumCRC32})}
  })
  await source.checkUnchanged()
  const complete = new CompleteMultipartUploadCommand({
    ...target,
    MultipartUpload: {Parts: [...sent]},
    ChecksumType: 'FULL_OBJECT',
    MpuObjectSize: source.sizeBytes,
    ...(request.ifAbsent ? {IfNoneMatch: '*'} : {}),
  })
  await buckets.call('s3:PutObject', location, signal, client => client.send(complete, sendOptions(signal)))
}

const TAKE_BACK_MS = 30_000

/**
 * A part that S3 was still writing may outlive one abort, so the call is repeated until S3 knows no such upload. What cannot be taken back
 * is left to the bucket's rule for abandoned uploads: the failure that led here matters more.
 */
async function takeBack(buckets: BucketClients, location: S3Location, uploadId: string): Promise<void> {
  const {AbortMultipartUploadCommand} = await import('@aws-sdk/client-s3')
  const signal = AbortSignal.timeout(TAKE_BACK_MS)
  const command = {Bucket: location.bucket, Key: location.key, UploadId: uploadId}
  for (let round = 0; round < 3; round++) {
    const gone = await buckets
      .call('s3:AbortMultipartUpload', location, signal, client => client.send(new AbortMultipartUploadCommand(command), {abortSignal: signal}))
      .then(() => false, () => true)
    if (gone) return
  }
}
