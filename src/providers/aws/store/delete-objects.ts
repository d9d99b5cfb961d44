import type {BucketClients} from './bucket-clients.js'
import {inParallel} from './in-parallel.js'
import type {S3Location} from './s3-uri.js'

const KEYS_PER_CALL = 1000
const CALLS_AT_ONCE = 4
/** Of those keys that S3 says it failed to delete within an answer of success. */
const MAX_ROUNDS = 3
const PASSING = ['InternalError', 'ServiceUnavailable', 'SlowDown', 'OperationAborted']
/** Characters that cannot stand in XML; a request for one key has it in its path. */
const NOT_IN_XML = /[\u0000-\u001f\ufffe\uffff]/

export async function deleteObjects(buckets: BucketClients, locations: readonly S3Location[], signal: AbortSignal | undefined): Promise<void> {
  const batches: {readonly bucket: string; readonly keys: readonly string[]}[] = []
  for (const bucket of new Set(locations.map(location => location.bucket))) {
    const keys = [...new Set(locations.filter(location => location.bucket === bucket).map(location => location.key))]
    const plain = keys.filter(key => !NOT_IN_XML.test(key))
    for (let at = 0; at < plain.length; at += KEYS_PER_CALL) batches.push({bucket, keys: plain.slice(at, at + KEYS_PER_CALL)})
    for (const key of keys.filter(key => NOT_IN_XML.test(key))) batches.push({bucket, keys: [key]})
  }
  await inParallel(batches, {limit: CALLS_AT_ONCE, signal}, ({bucket, keys}, stop) => deleteBatch(buckets, bucket, keys, stop))
}

async function deleteBatch(buckets: BucketClients, bucket: string, keys: readonly string[], signal: AbortSignal): Promise<void> {
  const {DeleteObjectCommand, DeleteObjectsCommand} = await import('@aws-sdk/client-s3')
  const location = {bucket, key: keys[0] ?? ''}
  const options = {abortSignal: signal}
  const [only] = keys
  if (keys.length === 1 && only !== undefined) {
    await buckets.call('s3:DeleteObject', location, signal, client => client.send(new DeleteObjectCommand({Bucket: bucket, Key: only}), options))
    return
  }
  let left = keys
  for (let round = 1; left.length > 0; round++) {
    const command = new DeleteObjectsCommand({Bucket: bucket, Delete: {Objects: left.map(key => ({Key: key})), Quiet: true}})
    const {Errors: errors = []} = await buckets.call('s3:DeleteObject', location, signal, client => client.send(command, options))
    const failed = errors.filter(({Code: code}) => code !== 'NoSuchKey')
    const hopeless = failed.find(({Code: code}) => round === MAX_ROUNDS || !PASSING.includes(code ?? ''))
    if (hopeless) {
      const refused = {bucket, key: hopeless.Key ?? ''}
      const error = Object.assign(new Error(hopeless.Message ?? ''), {name: hopeless.Code ?? 'InternalError', $metadata: {}})
      await buckets.call('s3:DeleteObject', refused, signal, () => Promise.reject(error))
    }
    left = failed.map(({Key: key}) => key ?? '')
  }
}
