import {ServiceError, type WireRequest, type WireResponse} from '../types.js'
import type {Buckets} from './bucket.js'
import {S3Error} from './s3-error.js'
import {settingOf, targetOf} from './route.js'
import {element, group, nodeOf, nodesOf, readXml, textOf, xmlDocument} from './xml.js'

export interface BucketContext {
  readonly buckets: Buckets
  readonly account: string
  readonly now: () => Date
}

const NAME = /^(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

export function createBucket(request: WireRequest, {buckets, account, now}: BucketContext): WireResponse {
  const {bucket: name} = targetOf(request.path)
  if (!NAME.test(name)) throw new S3Error('InvalidBucketName', 'The specified bucket is not valid.', 400, {elements: {BucketName: name}})
  const wanted = request.body.length === 0 ? undefined : textOf(readXml(request.body, 'CreateBucketConfiguration'), 'LocationConstraint')
  checkLocation(wanted, request.region)
  const existing = buckets.find(name)
  const location = {location: `/${name}`}
  if (!existing) {
    buckets.add(name, {region: request.region, createdAt: now()})
    return {status: 200, headers: location, body: ''}
  }
  if (existing.owner !== account) {
    const message =
      'The requested bucket name is not available. The bucket namespace is shared by all users of the system. ' +
      'Please select a different name and try again.'
    throw new S3Error('BucketAlreadyExists', message, 409, {elements: {BucketName: name}})
  }
  // us-east-1 alone answers a repetition by the owner with success.
  if (existing.region === 'us-east-1' && request.region === 'us-east-1') return {status: 200, headers: location, body: ''}
  throw new S3Error('BucketAlreadyOwnedByYou', 'Your previous request to create the named bucket succeeded and you already own it.', 409, {
    elements: {BucketName: name},
  })
}

function checkLocation(wanted: string | undefined, region: string): void {
  if (region === 'us-east-1') {
    if (wanted === 'us-east-1') throw new ServiceError('InvalidLocationConstraint', 'The specified location-constraint is not valid', 400)
    if (wanted === undefined) return
  }
  if (wanted === region) return
  const message = `The ${wanted ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`
  throw new ServiceError('IllegalLocationConstraintException', message, 400)
}

export function headBucket(request: WireRequest, {buckets}: BucketContext): WireResponse {
  const bucket = buckets.get(targetOf(request.path).bucket, request.region)
  return {status: 200, headers: {'x-amz-bucket-region': bucket.region}, body: ''}
}

export function deleteBucket(request: WireRequest, {buckets}: BucketContext): WireResponse {
  buckets.remove(buckets.get(targetOf(request.path).bucket, request.region))
  return {status: 204, body: ''}
}

export function getBucketLocation(request: WireRequest, {buckets}: BucketContext): WireResponse {
  const {region} = buckets.get(targetOf(request.path).bucket, request.region)
  const text = region === 'us-east-1' ? '' : region
  return {status: 200, body: xmlDocument('LocationConstraint', text)}
}

export function listBuckets({buckets, account}: BucketContext): WireResponse {
  const own = buckets.all().filter(({owner}) => owner === account)
  own.sort((a, b) => (a.name < b.name ? -1 : 1))
  const rows = own.map(({name, createdAt, region}) =>
    group('Bucket', element('Name', name), element('CreationDate', createdAt.toISOString()), element('BucketRegion', region)),
  )
  return {status: 200, body: xmlDocument('ListAllMyBucketsResult', group('Owner', element('ID', account)) + group('Buckets', ...rows))}
}

/** What Get answers where nothing is set; a setting that is not here has an empty document. */
const ABSENT: Readonly<Record<string, readonly [code: string, message: string]>> = {
  encryption: ['ServerSideEncryptionConfigurationNotFoundError', 'The server side encryption configuration was not found'],
  lifecycle: ['NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist'],
  policy: ['NoSuchBucketPolicy', 'The bucket policy does not exist'],
  publicAccessBlock: ['NoSuchPublicAccessBlockConfiguration', 'The public access block configuration was not found'],
  tagging: ['NoSuchTagSet', 'The TagSet does not exist'],
}

/** Get, Put and Delete of one setting. Versioning is remembered, but the bench keeps no versions. */
export function bucketSetting(request: WireRequest, {buckets}: BucketContext): WireResponse {
  const bucket = buckets.get(targetOf(request.path).bucket, request.region)
  const setting = settingOf(request.query) ?? ''
  if (request.method === 'PUT') {
    checkSetting(setting, request.body)
    bucket.settings.set(setting, request.body.toString('utf8'))
    return {status: setting === 'tagging' || setting === 'policy' ? 204 : 200, body: ''}
  }
  if (request.method === 'DELETE') {
    bucket.settings.delete(setting)
    return {status: 204, body: ''}
  }
  const value = bucket.settings.get(setting)
  if (value !== undefined) return {status: 200, body: value}
  const [code, message] = ABSENT[setting] ?? []
  if (code === undefined) return {status: 200, body: xmlDocument('VersioningConfiguration', '')}
  throw new S3Error(code, message ?? '', 404, {elements: {BucketName: bucket.name}})
}

function checkSetting(setting: string, body: Buffer): void {
  const malformed = () => new ServiceError('MalformedXML', 'The XML you provided was not well-formed or did not validate against our published schema', 400)
  if (setting === 'encryption') {
    const [rule] = nodesOf(readXml(body, 'ServerSideEncryptionConfiguration'), 'Rule')
    const algorithm = textOf(nodeOf(rule, 'ApplyServerSideEncryptionByDefault'), 'SSEAlgorithm') ?? ''
    if (!['AES256', 'aws:kms', 'aws:kms:dsse'].includes(algorithm)) throw malformed()
  } else if (setting === 'lifecycle') {
    const rules = nodesOf(readXml(body, 'LifecycleConfiguration'), 'Rule')
    const whole = rules.every((rule) => ['Enabled', 'Disabled'].includes(textOf(rule, 'Status') ?? '') && ('Filter' in rule || 'Prefix' in rule))
    if (rules.length === 0 || !whole) throw malformed()
  } else if (setting === 'publicAccessBlock') {
    readXml(body, 'PublicAccessBlockConfiguration')
  } else if (setting === 'versioning') {
    if (!['Enabled', 'Suspended'].includes(textOf(readXml(body, 'VersioningConfiguration'), 'Status') ?? '')) throw malformed()
  } else if (setting === 'tagging') {
    if (nodesOf(nodeOf(readXml(body, 'Tagging'), 'TagSet'), 'Tag').some((tag) => !textOf(tag, 'Key'))) throw malformed()
  } else if (setting === 'policy') {
    checkPolicy(body)
  }
}

function checkPolicy(body: Buffer): void {
  try {
    JSON.parse(body.toString('utf8'))
  } catch {
    throw new ServiceError('MalformedPolicy', 'Policies must be valid JSON and the first byte must be \'{\'', 400)
  }
}
