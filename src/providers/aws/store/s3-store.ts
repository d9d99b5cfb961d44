/** Objects in S3. Keys are what follows the bucket in a URI, character by character: nothing is encoded or decoded. */
import {isRunctlError, RunctlError} from '../../../model/errors.js'
import type {CallOptions, ObjectInfo, ObjectStore, PutOptions, StoreAccess} from '../../provider.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {BucketClients} from './bucket-clients.js'
import {openSource} from './content-source.js'
import {deleteObjects} from './delete-objects.js'
import {getObject} from './get-object.js'
import {listFolders, listObjects, plainEtag} from './list-objects.js'
import {putObject} from './put-object.js'
import {formatUri, parseObjectUri, parsePrefixUri} from './s3-uri.js'

/** User metadata that the agent leaves with what it uploads, and with whose digest S3 compared the bytes. */
const SHA256_MARK = 'runctl-sha256'
const MAX_EXPIRY_SECONDS = 7 * 24 * 3600
/** Where nobody answers, URLs are made on the guess that the bucket is in the configured region. */
const ASK_REGION_MS = 5000

export interface S3StoreOptions {
  readonly clients: AwsClients
  /** `s3://BUCKET/runctl/tmp/`; null where no bucket is configured. */
  readonly scratch: string | null
  /** `s3://BUCKET/runctl/`; absent where no bucket is configured. */
  readonly records?: string
}

export class S3Store implements ObjectStore {
  readonly scheme = 's3'
  readonly scratch: string | null
  readonly records?: string
  readonly #clients: AwsClients
  readonly #buckets: BucketClients
  readonly #prepared = new Map<string, Promise<void>>()

  constructor({clients, records, scratch}: S3StoreOptions) {
    if (scratch !== null && !parsePrefixUri(scratch).key.endsWith('/')) throw new RunctlError('bad_input', `${JSON.stringify(scratch)} must end in "/"`)
    this.scratch = scratch
    if (records !== undefined) this.records = records
    this.#clients = clients
    this.#buckets = new BucketClients(clients)
  }

  async access(): Promise<StoreAccess> {
    return {region: await this.#clients.region(), endpoint: this.#clients.endpoint}
  }

  async put(uri: string, content: Uint8Array | {readonly file: string}, options: PutOptions = {}): Promise<boolean> {
    const location = parseObjectUri(uri)
    options.signal?.throwIfAborted()
    const source = await openSource(content)
    try {
      return await putObject(this.#buckets, location, source, options)
    } finally {
      await source.close()
    }
  }

  async get(uri: string, {range, signal}: CallOptions & {readonly range?: readonly [first: number, last: number]} = {}): Promise<Uint8Array> {
    const location = parseObjectUri(uri)
    if (range && !(Number.isSafeInteger(range[0]) && Number.isSafeInteger(range[1]) && range[0] >= 0 && range[1] >= range[0])) {
      throw new RunctlError('bad_input', `bytes ${range[0]} to ${range[1]} are no range`, {details: {uri}})
    }
    return getObject(this.#buckets, location, {range, signal})
  }

  async head(uri: string, {signal}: CallOptions = {}): Promise<ObjectInfo | null> {
    const {bucket, key} = parseObjectUri(uri)
    const {HeadObjectCommand} = await import('@aws-sdk/client-s3')
    const options = sendOptions(signal)
    try {
      const answer = await this.#buckets.call('s3:GetObject', {bucket, key}, signal, client => client.send(new HeadObjectCommand({Bucket: bucket, Key: key}), options))
      const sha256 = answer.Metadata?.[SHA256_MARK]
      return {
        ...(sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? {sha256} : {}),
        uri: formatUri({bucket, key}),
        sizeBytes: answer.ContentLength ?? 0,
        modifiedAt: (answer.LastModified ?? new Date(0)).toISOString(),
        etag: plainEtag(answer.ETag),
      }
    } catch (error) {
      if (!isRunctlError(error) || error.code !== 'not_found') throw error
      // A bare 404 does not say whether it is the object or the bucket that is missing.
      await this.#buckets.regionOf(bucket, signal)
      return null
    }
  }

  /** The prefix is one of characters, not of folders: `s3://bucket/run-1` covers `run-10` too. */
  async *list(uri: string, {signal}: CallOptions = {}): AsyncIterable<ObjectInfo> {
    yield* listObjects(this.#buckets, parsePrefixUri(uri), signal)
  }

  async *folders(uri: string, {signal}: CallOptions = {}): AsyncIterable<string> {
    yield* listFolders(this.#buckets, parsePrefixUri(uri), signal)
  }

  async delete(uris: readonly string[], {signal}: CallOptions = {}): Promise<void> {
    await deleteObjects(this.#buckets, uris.map(parseObjectUri), signal)
  }

  /**
   * A bucket in another region than the configured one must be known before, by any call, `learnRegion` or `prepareToPresign`: the region is part of what is
   * signed. Signed with credentials that expire, the URL expires with them.
   */
  async presign(uri: string, method: 'GET' | 'PUT', expiresInSeconds: number): Promise<string> {
    const {bucket, key} = parseObjectUri(uri)
    if (!(Number.isInteger(expiresInSeconds) && expiresInSeconds >= 1 && expiresInSeconds <= MAX_EXPIRY_SECONDS)) {
      throw new RunctlError('bad_input', `a presigned URL lasts 1 to ${MAX_EXPIRY_SECONDS} seconds, not ${expiresInSeconds}`)
    }
    const action = method === 'GET' ? 's3:GetObject' : 's3:PutObject'
    return callAws(action, undefined, async () => {
      const [{GetObjectCommand, PutObjectCommand}, {getSignedUrl}] = await Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/s3-request-presigner')])
      const client = await this.#buckets.presigner(bucket)
      const options = {expiresIn: expiresInSeconds, signingDate: new Date(Date.now() + (await this.#buckets.clockOffsetMs()))}
      const input = {Bucket: bucket, Key: key}
      return method === 'GET' ? getSignedUrl(client, new GetObjectCommand(input), options) : getSignedUrl(client, new PutObjectCommand(input), options)
    })
  }

  /** Finds out where the URI's bucket is, so that presigned URLs fit; one call, the first time. Rejects with `not_found`. */
  async learnRegion(uri: string, {signal}: CallOptions = {}): Promise<string> {
    return this.#buckets.regionOf(parsePrefixUri(uri).bucket, signal)
  }

  /**
   * For those who presign without any call before: asks where the bucket is, once, unless its name ends in the configured region as the names
   * do that `aws setup` gives. Never rejects.
   */
  async prepareToPresign(uri: string): Promise<void> {
    const {bucket} = parsePrefixUri(uri)
    const prepare = async (): Promise<void> => {
      if (bucket.endsWith(`-${await this.#clients.region()}`)) return
      await this.#buckets.regionOf(bucket, AbortSignal.timeout(ASK_REGION_MS))
    }
    const prepared = this.#prepared.get(bucket) ?? prepare().catch(() => undefined)
    this.#prepared.set(bucket, prepared)
    return prepared
  }
}
