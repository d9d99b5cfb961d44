import type {StoredObject} from './bucket.js'
import {noSuchKey, preconditionFailed, S3Error} from './s3-error.js'

type Headers = Readonly<Record<string, string>>

/** Throws unless an object may be written over `current`. Checked in the same step that writes, so that one of many racers wins. */
export function checkWriteConditions(headers: Headers, key: string, current: StoredObject | undefined): void {
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*') throw new S3Error('NotImplemented', 'A header you provided implies functionality that is not implemented', 501)
    if (current) throw preconditionFailed('If-None-Match')
  }
  const ifMatch = headers['if-match']
  if (ifMatch === undefined) return
  if (!current) throw noSuchKey(key)
  if (unquote(ifMatch) !== current.etag) throw preconditionFailed('If-Match')
}

export function checkReadConditions(headers: Headers, object: StoredObject): void {
  const ifMatch = headers['if-match']
  if (ifMatch !== undefined && ifMatch !== '*' && unquote(ifMatch) !== object.etag) throw preconditionFailed('If-Match')
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined && (ifNoneMatch === '*' || unquote(ifNoneMatch) === object.etag)) {
    throw new S3Error('NotModified', 'Not Modified', 304, {headers: {etag: `"${object.etag}"`}})
  }
}

export function unquote(etag: string): string {
  return etag.trim().replaceAll(/^"|"$/g, '')
}
