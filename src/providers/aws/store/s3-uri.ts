import {RunctlError} from '../../../model/errors.js'

export interface S3Location {
  readonly bucket: string
  /** Any characters; empty only for the prefix that is the whole bucket. */
  readonly key: string
}

/** S3's rules for names of buckets that can still be made. */
const BUCKET = /^(?!\d{1,3}(\.\d{1,3}){3}$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const MAX_KEY_BYTES = 1024

/** An object's URI: the key is taken as it stands, without any decoding. Throws `bad_input`. */
export function parseObjectUri(uri: string): S3Location {
  const location = parsePrefixUri(uri)
  if (location.key === '') throw invalid(uri, 'it names no object: a key must follow the bucket')
  return location
}

/** The same, but what follows the bucket may be empty: `s3://bucket`, `s3://bucket/`. */
export function parsePrefixUri(uri: string): S3Location {
  const [, bucket, key = ''] = /^s3:\/\/([^/]*)(?:\/(.*))?$/s.exec(uri) ?? []
  if (bucket === undefined) throw invalid(uri, 'it must look like s3://BUCKET/KEY')
  if (!BUCKET.test(bucket)) throw invalid(uri, `${JSON.stringify(bucket)} cannot be a bucket: names have 3 to 63 of a-z, 0-9, "-" and "."`)
  if (/\p{Surrogate}/u.test(key)) throw invalid(uri, 'the key is no valid Unicode')
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw invalid(uri, `the key is longer than ${MAX_KEY_BYTES} bytes`)
  return {bucket, key}
}

export function formatUri({bucket, key}: S3Location): string {
  return `s3://${bucket}/${key}`
}

function invalid(uri: string, why: string): RunctlError {
  return new RunctlError('bad_input', `${JSON.stringify(uri)} is not an object in S3: ${why}`, {details: {uri}})
}
