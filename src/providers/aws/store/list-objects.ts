import type {ObjectInfo} from '../../provider.js'
import type {BucketClients} from './bucket-clients.js'
import {formatUri, type S3Location} from './s3-uri.js'
import {sendOptions} from '../call-aws.js'

/** Page by page: the next one is asked for when the last object of a page was taken. */
export async function* listObjects(buckets: BucketClients, {bucket, key: prefix}: S3Location, signal: AbortSignal | undefined): AsyncIterable<ObjectInfo> {
  const {ListObjectsV2Command} = await import('@aws-sdk/client-s3')
  const options = sendOptions(signal)
  // XML has no way to write every character that a key may have.
  const input = {Bucket: bucket, Prefix: prefix, EncodingType: 'url' as const}
  let token: string | undefined
  do {
    const more = token === undefined ? {} : {ContinuationToken: token}
    const page = await buckets.call('s3:ListBucket', {bucket, key: prefix}, signal, client => client.send(new ListObjectsV2Command({...input, ...more}), options))
    const decode = page.EncodingType === 'url' ? decodeKey : (key: string) => key
    for (const object of page.Contents ?? []) {
      yield {
        uri: formatUri({bucket, key: decode(object.Key ?? '')}),
        sizeBytes: object.Size ?? 0,
        modifiedAt: (object.LastModified ?? new Date(0)).toISOString(),
        etag: plainEtag(object.ETag),
      }
    }
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
