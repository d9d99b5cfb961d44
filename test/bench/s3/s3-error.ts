import {randomBytes} from 'node:crypto'

import {ServiceError, type WireRequest, type WireResponse} from '../types.js'
import {element, xmlDocument} from './xml.js'

export interface S3ErrorExtras {
  /** More elements of the error document: `{Region: 'eu-west-1'}`. */
  readonly elements?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

/** An error that says more than code and message. */
export class S3Error extends ServiceError {
  readonly elements: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>

  constructor(code: string, message: string, status: number, extras: S3ErrorExtras = {}) {
    super(code, message, status)
    this.elements = extras.elements ?? {}
    this.headers = extras.headers ?? {}
  }
}

export function noSuchBucket(bucket: string): S3Error {
  return new S3Error('NoSuchBucket', 'The specified bucket does not exist', 404, {elements: {BucketName: bucket}})
}

export function noSuchKey(key: string): S3Error {
  return new S3Error('NoSuchKey', 'The specified key does not exist.', 404, {elements: {Key: key}})
}

export function noSuchUpload(uploadId: string): S3Error {
  const message = 'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.'
  return new S3Error('NoSuchUpload', message, 404, {elements: {UploadId: uploadId}})
}

export function accessDenied(message = 'Access Denied'): S3Error {
  return new S3Error('AccessDenied', message, 403)
}

export function invalidArgument(message: string, name: string, value: string): S3Error {
  return new S3Error('InvalidArgument', message, 400, {elements: {ArgumentName: name, ArgumentValue: value}})
}

export function preconditionFailed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412, {elements: {Condition: condition}})
}

export function wrongRegion(bucket: string, region: string): S3Error {
  const message = 'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.'
  const elements = {Endpoint: `${bucket}.s3.${region}.amazonaws.com`, Bucket: bucket}
  return new S3Error('PermanentRedirect', message, 301, {elements, headers: {'x-amz-bucket-region': region}})
}

/** Headers that every answer has. */
export function answerHeaders(): Record<string, string> {
  return {'x-amz-request-id': randomBytes(8).toString('hex').toUpperCase(), 'x-amz-id-2': randomBytes(24).toString('base64')}
}

/** Answers to HEAD and 304 have no body: the status alone says what is wrong. */
export function errorResponse(error: ServiceError, request: WireRequest): WireResponse {
  const {elements = {}, headers = {}} = error instanceof S3Error ? error : {}
  const common = {...answerHeaders(), ...headers}
  if (request.method === 'HEAD' || error.status === 304) return {status: error.status, headers: common, body: ''}
  const parts = {Code: error.code, Message: error.message, ...elements, RequestId: common['x-amz-request-id'] ?? '', HostId: common['x-amz-id-2'] ?? ''}
  const content = Object.entries(parts).map(([name, value]) => element(name, value)).join('')
  return {status: error.status, headers: {...common, 'content-type': 'application/xml'}, body: xmlDocument('Error', content, null)}
}
