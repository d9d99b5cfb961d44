import {ServiceError, type WireRequest} from '../types.js'
import {nodesOf, readXml, textOf} from './xml.js'

/** Where a path-style request goes. */
export interface Target {
  /** Empty for the account's list of buckets. */
  readonly bucket: string
  /** Decoded; empty for the bucket itself. */
  readonly key: string
}

export function targetOf(path: string): Target {
  const [, bucket = '', encodedKey = ''] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? []
  try {
    return {bucket, key: decodeURIComponent(encodedKey)}
  } catch {
    throw new ServiceError('InvalidURI', "Couldn't parse the specified URI.", 400)
  }
}

/** Settings of a bucket by the name that they have in the query, and what IAM and the API call them. */
export const BUCKET_SETTINGS: Readonly<Record<string, {readonly operation: string; readonly action: string}>> = {
  encryption: {operation: 'BucketEncryption', action: 'EncryptionConfiguration'},
  lifecycle: {operation: 'BucketLifecycleConfiguration', action: 'LifecycleConfiguration'},
  policy: {operation: 'BucketPolicy', action: 'BucketPolicy'},
  publicAccessBlock: {operation: 'PublicAccessBlock', action: 'BucketPublicAccessBlock'},
  tagging: {operation: 'BucketTagging', action: 'BucketTagging'},
  versioning: {operation: 'BucketVersioning', action: 'BucketVersioning'},
}

export function settingOf(query: URLSearchParams): string | undefined {
  return Object.keys(BUCKET_SETTINGS).find((name) => query.has(name))
}

export function operationOf({method, path, query, headers}: Omit<WireRequest, 'operation'>): string {
  const {bucket, key} = targetOf(path)
  if (bucket === '') return 'ListBuckets'
  return key === '' ? bucketOperation(method, query) : objectOperation(method, query, headers)
}

function bucketOperation(method: string, query: URLSearchParams): string {
  const setting = settingOf(query)
  if (setting !== undefined) return settingOperation(method, setting)
  if (method === 'HEAD') return 'HeadBucket'
  if (method === 'PUT') return 'CreateBucket'
  if (method === 'DELETE') return 'DeleteBucket'
  if (method === 'POST') return query.has('delete') ? 'DeleteObjects' : 'PostObject'
  if (query.has('location')) return 'GetBucketLocation'
  if (query.has('uploads')) return 'ListMultipartUploads'
  return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects'
}

function settingOperation(method: string, setting: string): string {
  const {operation = ''} = BUCKET_SETTINGS[setting] ?? {}
  if (method === 'PUT') return `Put${operation}`
  if (method !== 'DELETE') return `Get${operation}`
  return operation === 'BucketLifecycleConfiguration' ? 'DeleteBucketLifecycle' : `Delete${operation}`
}

function objectOperation(method: string, query: URLSearchParams, headers: Readonly<Record<string, string>>): string {
  const copies = headers['x-amz-copy-source'] !== undefined
  if (query.has('uploadId')) {
    if (method === 'PUT') return copies ? 'UploadPartCopy' : 'UploadPart'
    if (method === 'POST') return 'CompleteMultipartUpload'
    return method === 'DELETE' ? 'AbortMultipartUpload' : 'ListParts'
  }
  if (method === 'POST') return query.has('uploads') ? 'CreateMultipartUpload' : 'PostObject'
  if (query.has('tagging')) return method === 'PUT' ? 'PutObjectTagging' : 'GetObjectTagging'
  if (method === 'PUT') return copies ? 'CopyObject' : 'PutObject'
  if (method === 'DELETE') return 'DeleteObject'
  return method === 'HEAD' ? 'HeadObject' : 'GetObject'
}

/** Where IAM's name of an action is not the operation's. */
const ACTIONS: Readonly<Record<string, string>> = {
  CompleteMultipartUpload: 'PutObject',
  CopyObject: 'PutObject',
  CreateMultipartUpload: 'PutObject',
  DeleteObjects: 'DeleteObject',
  HeadBucket: 'ListBucket',
  HeadObject: 'GetObject',
  ListBuckets: 'ListAllMyBuckets',
  ListMultipartUploads: 'ListBucketMultipartUploads',
  ListObjects: 'ListBucket',
  ListObjectsV2: 'ListBucket',
  ListParts: 'ListMultipartUploadParts',
  UploadPart: 'PutObject',
  UploadPartCopy: 'PutObject',
}

export function permissionOf(request: WireRequest): {action: string; resource: string} {
  const {bucket, key} = targetOf(request.path)
  const setting = key === '' ? settingOf(request.query) : undefined
  const settingAction = setting && `${request.method === 'GET' ? 'Get' : 'Put'}${BUCKET_SETTINGS[setting]?.action ?? ''}`
  const action = settingAction ?? ACTIONS[request.operation] ?? request.operation
  if (request.operation === 'ListBuckets') return {action: `s3:${action}`, resource: '*'}
  // The others of its keys are asked for one by one, and refused one by one.
  if (request.operation === 'DeleteObjects') return {action: `s3:${action}`, resource: objectArn(bucket, deletedKeys(request.body)[0] ?? '')}
  return {action: `s3:${action}`, resource: key === '' ? `arn:aws:s3:::${bucket}` : objectArn(bucket, key)}
}

/** What a DeleteObjects names. */
export function deletedKeys(body: Buffer): readonly string[] {
  return nodesOf(readXml(body, 'Delete'), 'Object').map((node) => textOf(node, 'Key') ?? '')
}

export function objectArn(bucket: string, key: string): string {
  return `arn:aws:s3:::${bucket}/${key}`
}
