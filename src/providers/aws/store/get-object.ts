import {RunctlError} from '../../../model/errors.js'
import {orAborted, sendOptions} from '../call-aws.js'
import type {BucketClients} from './bucket-clients.js'
import {readS3Failure} from './s3-errors.js'
import {formatUri, type S3Location} from './s3-uri.js'

export interface GetOptions {
  /** Both inclusive, in bytes. */
  readonly range?: readonly [first: number, last: number] | undefined
  readonly signal?: AbortSignal | undefined
}

const MAX_READS = 3

/**
 * The bytes of an object. The SDK repeats a request, but not the reading of its answer: a connection that breaks halfway, or bytes that do
 * not have the checksum that S3 keeps (compared by the SDK where the whole object is read), are read again here. A range that begins behind
 * the end has no bytes.
 */
export async function getObject(buckets: BucketClients, location: S3Location, options: GetOptions): Promise<Uint8Array> {
  const {GetObjectCommand} = await import('@aws-sdk/client-s3')
  const {range, signal} = options
  const input = {Bucket: location.bucket, Key: location.key, ...(range ? {Range: `bytes=${range[0]}-${range[1]}`} : {})}
  for (let reads = 1; ; reads++) {
    const answer = await buckets.call('s3:GetObject', location, signal, async client => {
      try {
        return await client.send(new GetObjectCommand(input), sendOptions(signal))
      } catch (error) {
        if (range && readS3Failure(error).status === 416) return null
        throw error
      }
    })
    if (answer === null) return new Uint8Array()
    try {
      return await readBody(answer, signal)
    } catch (error) {
      signal?.throwIfAborted()
      if (reads < MAX_READS) continue
      const why = error instanceof Error ? error.message : String(error)
      throw new RunctlError('platform_failed', `${formatUri(location)} could not be read whole in ${MAX_READS} attempts: ${why}`, {
        next: ['runctl doctor'],
        details: {uri: formatUri(location), action: 's3:GetObject'},
        cause: error,
      })
    }
  }
}

interface Answer {
  readonly Body?: {transformToByteArray(): Promise<Uint8Array>; destroy?(error?: Error): unknown} | undefined
  readonly ContentLength?: number | undefined
}

async function readBody({Body: body, ContentLength: length}: Answer, signal: AbortSignal | undefined): Promise<Uint8Array> {
  if (!body) return new Uint8Array()
  const onAbort = (): void => void body.destroy?.(new Error('aborted'))
  signal?.addEventListener('abort', onAbort, {once: true})
  try {
    const reading = body.transformToByteArray()
    const bytes = await (signal ? orAborted(reading, signal) : reading)
    if (length !== undefined && bytes.byteLength !== length) throw new Error(`${bytes.byteLength} of ${length} bytes arrived`)
    return bytes
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}
