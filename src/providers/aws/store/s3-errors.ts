import {RunctlError} from '../../../model/errors.js'
import {pathForShell} from '../../../model/quote-for-shell.js'
import {formatUri, type S3Location} from './s3-uri.js'

/** What was tried, for messages. */
export interface S3Attempt extends S3Location {
  /** As IAM calls it: `s3:PutObject`. */
  readonly action: string
  readonly region: string
}

/** As much of an error of the SDK as decisions are made on. */
export interface S3Failure {
  readonly name: string
  /** Answers to HEAD have no body and with it no name: only this. */
  readonly status: number | null
  /** How often the request was sent; more than 1 means that an earlier one may have been acted upon. */
  readonly attempts: number
  /** Where the bucket is, when the answer says so. */
  readonly bucketRegion: string | null
}

export function readS3Failure(error: unknown): S3Failure {
  const raw = (error ?? {}) as {
    readonly name?: string
    readonly Region?: unknown
    readonly $metadata?: {readonly httpStatusCode?: number; readonly attempts?: number}
    readonly $response?: {readonly statusCode?: number; readonly headers?: Readonly<Record<string, string>>}
  }
  const told = raw.$response?.headers?.['x-amz-bucket-region'] ?? raw.Region
  return {
    name: raw.name ?? '',
    status: raw.$metadata?.httpStatusCode ?? raw.$response?.statusCode ?? null,
    attempts: raw.$metadata?.attempts ?? 1,
    bucketRegion: typeof told === 'string' && /^[a-z0-9-]{1,63}$/.test(told) ? told : null,
  }
}

/** The answers that a bucket of another region gives. */
export function isWrongRegion({name, status}: S3Failure): boolean {
  return status === 301 || ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'].includes(name)
}

/** A RunctlError where S3 says something that needs its own advice; else the error as it is, for callAws. */
export function explainS3Error(error: unknown, attempt: S3Attempt): unknown {
  const failure = readS3Failure(error)
  const {bucket, key, action} = attempt
  const uri = formatUri(attempt)
  const options = {details: {aws_error: failure.name, http_status: failure.status, action, uri}, cause: error}
  if (failure.name === 'NoSuchBucket' || (failure.status === 404 && key === '')) {
    return new RunctlError('not_found', `there is no bucket ${bucket}`, {...options, next: ['runctl aws setup', 'aws s3 ls']})
  }
  if (failure.name === 'NoSuchKey' || failure.name === 'NotFound') {
    return new RunctlError('not_found', `there is no object ${uri}`, {...options, next: [`aws s3 ls ${pathForShell(parentOf(attempt))}`]})
  }
  if (isDenied(failure)) return denied(attempt, error)
  if (isWrongRegion(failure)) {
    const where = failure.bucketRegion === null ? 'another region' : `the region ${failure.bucketRegion}`
    const next = [`export AWS_REGION=${failure.bucketRegion ?? 'REGION'}`, 'runctl doctor']
    return new RunctlError('platform_failed', `the bucket ${bucket} is in ${where} and does not answer requests to ${attempt.region}`, {...options, next})
  }
  if (failure.name === 'InvalidObjectState') {
    const restore = `aws s3api restore-object --bucket ${bucket} --key ${pathForShell(key)} --restore-request Days=7`
    return new RunctlError('wrong_state', `${uri} is archived and must be restored before it can be read`, {...options, next: [restore]})
  }
  if (failure.name === 'EntityTooLarge') return new RunctlError('bad_input', `${uri} would be larger than S3 allows`, options)
  if (failure.name === 'NoSuchUpload') {
    return new RunctlError('platform_failed', `the upload of ${uri} was taken back on the way, by someone else or by a rule of the bucket`, options)
  }
  return error
}

/** Credentials that are wrong or expired have names of their own, except in answers to HEAD. */
function isDenied(failure: S3Failure): boolean {
  return ['AccessDenied', 'AllAccessDisabled'].includes(failure.name) || isBareRefusal(failure)
}

function isBareRefusal({name, status}: S3Failure): boolean {
  return status === 403 && ['', '403', 'Error', 'Forbidden', 'Unknown', 'UnknownError'].includes(name)
}

function denied(attempt: S3Attempt, error: unknown): RunctlError {
  const {action, bucket, key} = attempt
  const uri = formatUri(attempt)
  const said = error instanceof Error ? error.message : ''
  // An object may be encrypted with a key of the user's own: then it is a right on the key that is missing.
  const [, named = action, resource = '*'] = /not authorized to perform: ([a-z0-9-]+:\w+)(?: on resource: (arn:[\w:/+=,.@*-]+))?/.exec(said) ?? []
  const statement = named === action ? policyStatement(attempt) : {Effect: 'Allow', Action: named, Resource: resource}
  const options = {
    next: ['runctl aws setup --dry-run', 'runctl doctor'],
    details: {action, bucket, uri, missing_action: named, policy_statement: statement, aws_message: said.slice(0, 600)},
    cause: error,
  }
  if (said.includes('explicit deny')) {
    return new RunctlError('platform_failed', `a policy forbids ${named} on ${uri} expressly, which only whoever manages the account can change`, options)
  }
  const doubts = [
    ...(action === 's3:GetObject' && key !== '' ? [`there is no such object and s3:ListBucket on ${bucket} is not allowed`] : []),
    ...(isBareRefusal(readS3Failure(error)) ? ['the credentials are wrong or expired'] : []),
  ]
  const doubt = doubts.length === 0 ? '' : ` (S3 answers the same where ${doubts.join(', or ')})`
  return new RunctlError('platform_failed', `no permission for ${named} on ${uri}${doubt}: add ${JSON.stringify(statement)} to the policy of the identity in use`, options)
}

/** The statement that allows it, for all below the first folder of the key: what comes next is likely to lie there too. */
export function policyStatement({action, bucket, key, region}: S3Attempt): Readonly<Record<string, string>> {
  const bucketArn = `arn:${partitionOf(region)}:s3:::${bucket}`
  const concernsBucket = key === '' || action.startsWith('s3:List')
  const folder = key.includes('/') ? key.slice(0, key.indexOf('/') + 1) : ''
  const escaped = folder.replaceAll(/[*?$]/g, letter => `\${${letter}}`)
  return {Effect: 'Allow', Action: action, Resource: concernsBucket ? bucketArn : `${bucketArn}/${escaped}*`}
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

function parentOf({bucket, key}: S3Location): string {
  return formatUri({bucket, key: key.slice(0, key.lastIndexOf('/') + 1)})
}
