import {randomUUID} from 'node:crypto'
import {setTimeout as delay} from 'node:timers/promises'

import {isRunctlError} from '../../../model/errors.js'
import type {PutOptions} from '../../provider.js'
import type {BucketClients} from './bucket-clients.js'
import type {ContentSource} from './content-source.js'
import {readS3Failure} from './s3-errors.js'
import type {S3Location} from './s3-uri.js'
import {uploadInParts} from './upload-parts.js'
import {sendOptions} from '../call-aws.js'

/** Above it an object is sent in parts. */
export const ONE_REQUEST_BYTES = 8 * 1024 * 1024

/** User metadata that tells whose write is in place: an answer may be lost, and the repetition then finds the object there already. */
const WRITE_ID = 'runctl-write'

const MAX_CONFLICTS = 5

/** false: `ifAbsent`, and something was there. */
export async function putObject(buckets: BucketClients, location: S3Location, source: ContentSource, options: PutOptions = {}): Promise<boolean> {
  const {ifAbsent = false, signal, onProgress} = options
  const inParts = source.sizeBytes > ONE_REQUEST_BYTES
  // A conditional upload in parts learns of its fate after the last byte.
  if (inParts && ifAbsent && (await headOrNull(buckets, location, signal)) !== null) return false
  const writeId = randomUUID()
  const metadata = ifAbsent || inParts ? {[WRITE_ID]: writeId} : {}
  for (let conflicts = 0; ; conflicts++) {
    try {
      if (inParts) await uploadInParts(buckets, {location, source, metadata, ifAbsent, signal, onProgress})
      else await putWhole(buckets, location, source, {metadata, ifAbsent, signal})
      break
    } catch (error) {
      signal?.throwIfAborted()
      const failure = readS3Failure(isRunctlError(error) ? error.cause : undefined)
      const isTaken = failure.name === 'PreconditionFailed' || failure.status === 412
      // An earlier sending of the same request may have been acted upon, though its answer was lost.
      const mayBeOurs = failure.attempts > 1 && (isTaken || failure.name === 'NoSuchUpload')
      if (mayBeOurs && (await isOurs(buckets, location, writeId, signal))) break
      if (isTaken && ifAbsent) return false
      if (failure.name !== 'ConditionalRequestConflict' || conflicts === MAX_CONFLICTS) throw error
      // Another write or delete was under way at the same moment: nobody has won yet.
      await delay(50 * 2 ** conflicts * (0.5 + Math.random()), undefined, signal ? {signal} : {})
    }
  }
  onProgress?.(source.sizeBytes)
  return true
}

interface WholeRequest {
  readonly metadata: Readonly<Record<string, string>>
  readonly ifAbsent: boolean
  readonly signal: AbortSignal | undefined
}

/** The SDK adds a CRC-32 of the bytes, which S3 checks and keeps: that default stays, it is what `get` verifies against. */
async function putWhole(buckets: BucketClients, {bucket, key}: S3Location, source: ContentSource, request: WholeRequest): Promise<void> {
  const {PutObjectCommand} = await import('@aws-sdk/client-s3')
  const body = await source.read(0, source.sizeBytes)
  await source.checkUnchanged()
  const input = {Bucket: bucket, Key: key, Body: body, Metadata: request.metadata, ...(request.ifAbsent ? {IfNoneMatch: '*'} : {})}
  const options = request.signal ? {abortSignal: request.signal} : {}
  await buckets.call('s3:PutObject', {bucket, key}, request.signal, client => client.send(new PutObjectCommand(input), options))
}

/** Rejects where it cannot be found out: who asks for a lock must not take "perhaps" for "no". */
async function isOurs(buckets: BucketClients, location: S3Location, writeId: string, signal: AbortSignal | undefined): Promise<boolean> {
  const found = await headOrNull(buckets, location, signal)
  return found?.Metadata?.[WRITE_ID] === writeId
}

async function headOrNull(buckets: BucketClients, {bucket, key}: S3Location, signal: AbortSignal | undefined) {
  const {HeadObjectCommand} = await import('@aws-sdk/client-s3')
  const options = sendOptions(signal)
  try {
    return await buckets.call('s3:GetObject', {bucket, key}, signal, client => client.send(new HeadObjectCommand({Bucket: bucket, Key: key}), options))
  } catch (error) {
    if (isRunctlError(error) && error.code === 'not_found') return null
    throw error
  }
}
