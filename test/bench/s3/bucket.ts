import {S3Error, noSuchBucket, accessDenied, wrongRegion} from './s3-error.js'
import type {Checksum, ChecksumName, ChecksumType} from './checksums.js'
import type {StoredBytes} from './object-bytes.js'
import {element, group, xmlDocument} from './xml.js'

export interface StoredObject {
  readonly key: string
  readonly bytes: StoredBytes
  /** Without quotes. */
  readonly etag: string
  readonly modifiedAt: Date
  readonly contentType: string
  /** Other headers to give back: `cache-control`, `content-encoding`. */
  readonly headers: Readonly<Record<string, string>>
  /** User metadata, without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
  readonly checksum: Checksum | null
  readonly storageClass: string
  readonly tagCount: number
}

export interface StoredPart {
  readonly number: number
  readonly bytes: StoredBytes
  readonly etag: string
  readonly modifiedAt: Date
  readonly checksum: Checksum | null
}

export interface MultipartUpload {
  readonly id: string
  readonly key: string
  readonly initiatedAt: Date
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly storageClass: string
  readonly checksumName: ChecksumName | null
  readonly checksumType: ChecksumType
  readonly parts: Map<number, StoredPart>
}

/** Settings are kept as their documents came, by the name in the query: `encryption`, `lifecycle`, `policy`, `publicAccessBlock`, `tagging`, `versioning`. */
export interface Bucket {
  readonly name: string
  readonly region: string
  /** An account; requests to another account's bucket are refused. */
  readonly owner: string
  readonly createdAt: Date
  readonly settings: Map<string, string>
  readonly objects: Map<string, StoredObject>
  readonly uploads: Map<string, MultipartUpload>
}

/** What a new bucket has since 2023: encrypted, and no public access. */
const INITIAL_SETTINGS: readonly (readonly [string, string])[] = [
  [
    'encryption',
    xmlDocument(
      'ServerSideEncryptionConfiguration',
      group('Rule', group('ApplyServerSideEncryptionByDefault', element('SSEAlgorithm', 'AES256')), element('BucketKeyEnabled', false)),
    ),
  ],
  [
    'publicAccessBlock',
    xmlDocument(
      'PublicAccessBlockConfiguration',
      ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'].map((name) => element(name, true)).join(''),
    ),
  ],
]

export class Buckets {
  readonly #buckets = new Map<string, Bucket>()

  constructor(private readonly account: string) {}

  all(): readonly Bucket[] {
    return [...this.#buckets.values()]
  }

  find(name: string): Bucket | undefined {
    return this.#buckets.get(name)
  }

  add(name: string, options: {readonly region: string; readonly owner?: string; readonly createdAt: Date}): Bucket {
    const bucket: Bucket = {
      name,
      region: options.region,
      owner: options.owner ?? this.account,
      createdAt: options.createdAt,
      settings: new Map(INITIAL_SETTINGS),
      objects: new Map(),
      uploads: new Map(),
    }
    this.#buckets.set(name, bucket)
    return bucket
  }

  remove(bucket: Bucket): void {
    if (bucket.objects.size > 0) {
      throw new S3Error('BucketNotEmpty', 'The bucket you tried to delete is not empty', 409, {elements: {BucketName: bucket.name}})
    }
    this.#buckets.delete(bucket.name)
  }

  /** The bucket that a request signed for `region` may use. */
  get(name: string, region: string): Bucket {
    const bucket = this.#buckets.get(name)
    if (!bucket) throw noSuchBucket(name)
    if (bucket.region !== region) throw wrongRegion(name, bucket.region)
    if (bucket.owner !== this.account) throw accessDenied()
    return bucket
  }
}
