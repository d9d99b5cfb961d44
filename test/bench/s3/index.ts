/** S3 of the bench: REST and XML, path style. Signatures and the rights for each operation are checked by whoever calls `handle`. */
import {type Principal, type Service, ServiceError, type WireRequest, type WireResponse} from '../types.js'
import {bucketSetting, createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets, type BucketContext} from './bucket-operations.js'
import {Buckets, type Bucket, type StoredObject} from './bucket.js'
import {md5Hex} from './checksums.js'
import {listObjectsV2} from './listing.js'
import {
  abortMultipartUpload, completeMultipartUpload, createMultipartUpload, listMultipartUploads, listParts, uploadPart,
} from './multipart.js'
import {ByteStore} from './object-bytes.js'
import {copyObject, deleteObject, deleteObjects, getObject, putObject, type ObjectContext} from './object-operations.js'
import {operationOf, permissionOf, settingOf, targetOf} from './route.js'
import {accessDenied, answerHeaders, errorResponse, noSuchKey} from './s3-error.js'

/** What S3 needs to know of the account; World has it. */
export interface S3World {
  readonly account: string
  readonly region: string
  now(): Date
  isAllowed(principal: Principal, action: string, resource: string): boolean
}

export interface S3Options {
  readonly world: S3World
  /** Larger objects are kept there as files; absent: everything in memory. */
  readonly folder?: string
}

export class S3Service implements Service {
  readonly name = 's3'
  readonly buckets: Buckets
  readonly #world: S3World
  readonly #store: ByteStore

  constructor(options: S3Options) {
    this.#world = options.world
    this.#store = new ByteStore(options.folder ?? null)
    this.buckets = new Buckets(options.world.account)
  }

  /** For tests. An owner is another account's number. */
  addBucket(name: string, options: {readonly region?: string; readonly owner?: string} = {}): Bucket {
    const owner = options.owner === undefined ? {} : {owner: options.owner}
    return this.buckets.add(name, {region: options.region ?? this.#world.region, createdAt: this.#world.now(), ...owner})
  }

  /** For tests: puts an object without a request. */
  async addObject(bucket: string, key: string, content: Buffer | string): Promise<void> {
    const buffer = Buffer.from(content)
    this.#bucket(bucket).objects.set(key, {
      key,
      bytes: await this.#store.keep(buffer),
      etag: md5Hex(buffer),
      modifiedAt: this.#second(),
      contentType: 'binary/octet-stream',
      headers: {},
      metadata: {},
      checksum: null,
      storageClass: 'STANDARD',
      tagCount: 0,
    })
  }

  /** For tests: an object's bytes; null where there is none. */
  async objectBytes(bucket: string, key: string): Promise<Buffer | null> {
    return (await this.#bucket(bucket).objects.get(key)?.bytes.read()) ?? null
  }

  /** For tests: all keys of a bucket. */
  keys(bucket: string): readonly string[] {
    return [...this.#bucket(bucket).objects.keys()].sort()
  }

  /** S3 tells times of objects in whole seconds. */
  #second(): Date {
    return new Date(Math.floor(this.#world.now().getTime() / 1000) * 1000)
  }

  #bucket(name: string): Bucket {
    const bucket = this.buckets.find(name)
    if (!bucket) throw new Error(`the bench has no bucket ${name}`)
    return bucket
  }

  operationOf(request: Omit<WireRequest, 'operation'>): string {
    return operationOf(request)
  }

  permissionOf(request: WireRequest): {readonly action: string; readonly resource: string} {
    return permissionOf(request)
  }

  idsOf(request: WireRequest): readonly string[] {
    const {bucket, key} = targetOf(request.path)
    return bucket === '' ? [] : [key === '' ? bucket : `${bucket}/${key}`]
  }

  fail(error: ServiceError, request: WireRequest): WireResponse {
    return errorResponse(error, request)
  }

  async handle(request: WireRequest): Promise<WireResponse> {
    const response = await this.#answer(request)
    const type: Record<string, string> = typeof response.body === 'string' && response.body !== '' ? {'content-type': 'application/xml'} : {}
    return {...response, headers: {...answerHeaders(), ...type, ...response.headers}}
  }

  async #answer(request: WireRequest): Promise<WireResponse> {
    const {bucket: bucketName, key} = targetOf(request.path)
    const account: BucketContext = {buckets: this.buckets, account: this.#world.account, now: () => this.#second()}
    if (bucketName === '') return listBuckets(account)
    if (key === '' && settingOf(request.query) !== undefined) return bucketSetting(request, account)
    if (request.operation === 'CreateBucket') return createBucket(request, account)
    const bucket = this.buckets.get(bucketName, request.region)
    const context: ObjectContext = {
      bucket,
      key,
      store: this.#store,
      now: () => this.#second(),
      isAllowed: (action, resource) => request.principal === undefined || this.#world.isAllowed(request.principal, action, resource),
    }
    switch (request.operation) {
      case 'HeadBucket':
        return headBucket(request, account)
      case 'DeleteBucket':
        return deleteBucket(request, account)
      case 'GetBucketLocation':
        return getBucketLocation(request, account)
      case 'ListObjectsV2':
        return listObjectsV2(request, bucket)
      case 'PutObject':
        return putObject(request, context)
      case 'GetObject':
      case 'HeadObject':
        return getObject(request, context)
      case 'CopyObject':
        return copyObject(request, context, this.#copySource(request, context))
      case 'DeleteObject':
        return deleteObject(context)
      case 'DeleteObjects':
        return deleteObjects(request, context)
      case 'CreateMultipartUpload':
        return createMultipartUpload(request, context)
      case 'UploadPart':
        return uploadPart(request, context)
      case 'CompleteMultipartUpload':
        return completeMultipartUpload(request, context)
      case 'AbortMultipartUpload':
        return abortMultipartUpload(request, context)
      case 'ListParts':
        return listParts(request, context)
      case 'ListMultipartUploads':
        return listMultipartUploads(request, bucket)
      default:
        throw new ServiceError('NotImplemented', `the bench's S3 does not know ${request.operation}`, 501)
    }
  }

  #copySource(request: WireRequest, context: ObjectContext): StoredObject {
    const header = request.headers['x-amz-copy-source'] ?? ''
    const source = targetOf(header.startsWith('/') ? header : `/${header}`)
    if (!context.isAllowed('s3:GetObject', `arn:aws:s3:::${source.bucket}/${source.key}`)) throw accessDenied()
    const object = this.buckets.get(source.bucket, request.region).objects.get(source.key)
    if (!object) throw noSuchKey(source.key)
    return object
  }
}
