import type {ListObjectsV2CommandOutput} from '@aws-sdk/client-s3'

import type {ObjectInfo} from '../../provider.js'
import type {BucketClients} from './bucket-clients.js'
import {formatUri, type S3Location} from './s3-uri.js'
import {sendOptions} from '../call-aws.js'

/** Page by page: the next one is asked for when the last object of a page was taken. */
export async function* listObjects(buckets: BucketClients, location: S3Location, signal: AbortSignal | undefined): AsyncIterable<ObjectInfo> {
  for await (const {decode, page} of pages(buckets, location, {}, signal)) {
    for (const object of page.Contents ?? []) {
      yield {
        uri: formatUri({bucket: location.bucket, key: decode(object.Key ?? '')}),
        sizeBytes: object.Size ?? 0,
        modifiedAt: (object.LastModified ?? new Date(0)).toISOString(),
        etag: plainEtag(object.ETag),
      }
    }
  }
}

/** What lies deeper is not looked at: a page names a thousand folders, however full they are. */
export async function* listFolders(buckets: BucketClients, location: S3Location, signal: AbortSignal | undefined): AsyncIterable<string> {
  for await (const {decode, page} of pages(buckets, location, {Delimiter: '/'}, signal)) {
    for (const {Prefix = ''} of page.CommonPrefixes ?? []) yield formatUri({bucket: location.bucket, key: decode(Prefix)})
  }
}

interface Page {
  readonly page: ListObjectsV2CommandOutput
  readonly decode: (key: string) => string
}

async function* pages(buckets: BucketClients, {bucket, key: prefix}: S3Location, more: {readonly Delimiter?: string}, signal: AbortSignal | undefined): AsyncIterable<Page> {
  const {ListObjectsV2Command} = await import('@aws-sdk/client-s3')
  const options = sendOptions(signal)
  // XML has no way to write every character that a key may have.
  const input = {Bucket: bucket, Prefix: prefix, EncodingType: 'url' as const, ...more}
  let token: string | undefined
  do {
    const next = token === undefined ? {} : {ContinuationToken: token}
    const page = await buckets.call('s3:ListBucket', {bucket, key: prefix}, signal, client => client.send(new ListObjectsV2Command({...input, ...next}), options))
    yield {page, decode: page.EncodingType === 'url' ? decodeKey : (key: string) => key}
    token = page.IsTruncated ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

function decodeKey(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '))
}

/** S3 puts it in quotes. */
export function plainEtag(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '')
}
