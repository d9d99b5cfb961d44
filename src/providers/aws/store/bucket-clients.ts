import type {S3Client} from '@aws-sdk/client-s3'

import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {explainS3Error, isWrongRegion, readS3Failure} from './s3-errors.js'
import type {S3Location} from './s3-uri.js'

/**
 * Calls S3 with a client of the bucket's own region. The SDK's `followRegionRedirects` changes the region of the shared client while a
 * request is under way, so that requests beside it are signed for the wrong one; here each region has its client.
 */
export class BucketClients {
  /** Region by bucket, as far as learned; an entry also means that the bucket exists. */
  readonly #regions = new Map<string, string>()
  readonly #byRegion = new Map<string, Promise<S3Client>>()
  readonly #presigners = new Map<string, Promise<S3Client>>()

  constructor(private readonly clients: AwsClients) {}

  /** Whether an answer has shown that the bucket exists. */
  knows(bucket: string): boolean {
    return this.#regions.has(bucket)
  }

  /**
   * Lets only RunctlErrors (or the signal's reason) out; the SDK's own error is their cause. `send` may be called again with another client.
   */
  async call<T>(action: string, location: S3Location, signal: AbortSignal | undefined, send: (client: S3Client) => Promise<T>): Promise<T> {
    return callAws(action, signal, async () => {
      const home = await this.clients.region()
      const known = this.#regions.get(location.bucket) ?? home
      try {
        return await this.#sendTo(known, location.bucket, send)
      } catch (error) {
        const actual = await this.#actualRegion(error, location.bucket, known)
        if (actual === null) throw explainS3Error(error, {...location, action, region: known})
        try {
          return await this.#sendTo(actual, location.bucket, send)
        } catch (second) {
          throw explainS3Error(second, {...location, action, region: actual})
        }
      }
    })
  }

  /** Asks where a bucket is, once: presigned URLs are made without a call and need to know. Rejects with `not_found`. */
  async regionOf(bucket: string, signal?: AbortSignal): Promise<string> {
    const known = this.#regions.get(bucket)
    if (known !== undefined) return known
    const {HeadBucketCommand} = await import('@aws-sdk/client-s3')
    const options = sendOptions(signal)
    await this.call('s3:ListBucket', {bucket, key: ''}, signal, client => client.send(new HeadBucketCommand({Bucket: bucket}), options))
    return this.#regions.get(bucket) ?? this.clients.region()
  }

  /**
   * For presigned URLs. A checksum that the SDK computes by default would be that of no bytes at all, and be signed into the URL:
   * S3 then refuses every upload through it.
   */
  async presigner(bucket: string): Promise<S3Client> {
    const region = this.#regions.get(bucket) ?? (await this.clients.region())
    return remembered(this.#presigners, region, () => this.#make(region, {requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED'}))
  }

  /** AWS's clock minus this machine's, in milliseconds, as far as the SDK has noticed. */
  async clockOffsetMs(): Promise<number> {
    return (await this.clients.s3()).config.systemClockOffset
  }

  async #sendTo<T>(region: string, bucket: string, send: (client: S3Client) => Promise<T>): Promise<T> {
    const answer = await send(await this.#client(region))
    this.#regions.set(bucket, region)
    return answer
  }

  async #actualRegion(error: unknown, bucket: string, tried: string): Promise<string | null> {
    const failure = readS3Failure(error)
    if (!isWrongRegion(failure)) {
      if (failure.name === 'NoSuchBucket') this.#regions.delete(bucket)
      return null
    }
    const actual = failure.bucketRegion ?? (await this.#askRegion(bucket, tried))
    return actual === tried ? null : actual
  }

  /** HeadBucket's answer tells the region whatever else it says. */
  async #askRegion(bucket: string, from: string): Promise<string | null> {
    const {HeadBucketCommand} = await import('@aws-sdk/client-s3')
    try {
      const answer = await (await this.#client(from)).send(new HeadBucketCommand({Bucket: bucket}))
      return answer.BucketRegion ?? null
    } catch (error) {
      return readS3Failure(error).bucketRegion
    }
  }

  async #client(region: string): Promise<S3Client> {
    if (region === (await this.clients.region())) return this.clients.s3()
    return remembered(this.#byRegion, region, () => this.#make(region, {}))
  }

  async #make(region: string, more: {requestChecksumCalculation?: 'WHEN_REQUIRED'; responseChecksumValidation?: 'WHEN_REQUIRED'}): Promise<S3Client> {
    const [{S3Client}, {config}] = await Promise.all([import('@aws-sdk/client-s3'), this.clients.s3()])
    const {endpoint} = this.clients
    return new S3Client({
      region,
      credentials: config.credentials,
      requestHandler: config.requestHandler,
      maxAttempts: config.maxAttempts,
      retryMode: config.retryMode,
      forcePathStyle: config.forcePathStyle || endpoint !== null,
      ...(endpoint === null ? {} : {endpoint}),
      ...more,
    })
  }
}

function remembered<T>(cache: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  let value = cache.get(key)
  if (!value) cache.set(key, (value = make()))
  return value
}
