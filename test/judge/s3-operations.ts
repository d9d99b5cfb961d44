import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, type CompletedPart, CreateBucketCommand, CreateMultipartUploadCommand, DeleteObjectCommand,
  DeleteObjectsCommand, GetBucketEncryptionCommand, GetBucketLifecycleConfigurationCommand, GetObjectCommand, GetPublicAccessBlockCommand,
  HeadBucketCommand, HeadObjectCommand, ListObjectsV2Command, PutBucketEncryptionCommand, PutBucketLifecycleConfigurationCommand, PutObjectCommand,
  PutPublicAccessBlockCommand, type S3Client, UploadPartCommand,
} from '@aws-sdk/client-s3'
import {getSignedUrl} from '@aws-sdk/s3-request-presigner'

import type {Transcript} from './transcript.js'

const MIB = 1024 * 1024
const Bucket = 'runctl-judged'
const WHOLE = {ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT'} as const
/** All that XML and URLs make hard. */
const ODD_KEYS = ['odd/a b', 'odd/a+b', 'odd/%41', 'odd/é✓', 'odd/<&>"', 'odd/?x#y', 'odd//', 'odd/:=;,@']

/** What the store, `aws setup` and the agent ask of S3. `presigner` adds no checksum of a body that it does not know. */
export async function s3Operations(script: Transcript, s3: S3Client, presigner: S3Client): Promise<void> {
  await bucket(script, s3)
  await objects(script, s3)
  await lists(script, s3)
  await multipart(script, s3)
  await presigned(script, s3, presigner)
  await deletions(script, s3)
}

async function bucket(script: Transcript, s3: S3Client): Promise<void> {
  const head = (name: string, more = {}) => () => s3.send(new HeadBucketCommand({Bucket: name, ...more}))
  await script.note('HeadBucket of none', head(Bucket), () => ({}))
  await script.note('CreateBucket', () => s3.send(new CreateBucketCommand({Bucket})), () => ({}))
  await script.note('CreateBucket again', () => s3.send(new CreateBucketCommand({Bucket})), () => ({}))
  await script.note('HeadBucket', head(Bucket), ({BucketRegion}) => ({BucketRegion}))
  await script.note('HeadBucket, mine', head(Bucket, {ExpectedBucketOwner: '123456789012'}), () => ({}))
  await script.note("HeadBucket, another's", head(Bucket, {ExpectedBucketOwner: '999999999999'}), () => ({}))

  const access = () => s3.send(new GetPublicAccessBlockCommand({Bucket}))
  const PublicAccessBlockConfiguration = {BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}
  await script.note('GetPublicAccessBlock of a new bucket', access, (answer) => answer.PublicAccessBlockConfiguration)
  await script.note('PutPublicAccessBlock', () => s3.send(new PutPublicAccessBlockCommand({Bucket, PublicAccessBlockConfiguration})), () => ({}))
  await script.note('GetPublicAccessBlock', access, (answer) => answer.PublicAccessBlockConfiguration)

  const encryption = () => s3.send(new GetBucketEncryptionCommand({Bucket}))
  const ServerSideEncryptionConfiguration = {Rules: [{ApplyServerSideEncryptionByDefault: {SSEAlgorithm: 'AES256'} as const}]}
  const algorithms = async () => (await encryption()).ServerSideEncryptionConfiguration?.Rules?.map((rule) => rule.ApplyServerSideEncryptionByDefault?.SSEAlgorithm)
  await script.note('GetBucketEncryption of a new bucket', algorithms, (answer) => answer)
  await script.note('PutBucketEncryption', () => s3.send(new PutBucketEncryptionCommand({Bucket, ServerSideEncryptionConfiguration})), () => ({}))
  await script.note('GetBucketEncryption', algorithms, (answer) => answer)

  const lifecycle = () => s3.send(new GetBucketLifecycleConfigurationCommand({Bucket}))
  const Rules = [
    {ID: 'abandoned', Status: 'Enabled' as const, Filter: {Prefix: ''}, AbortIncompleteMultipartUpload: {DaysAfterInitiation: 3}},
    {ID: 'tmp', Status: 'Enabled' as const, Filter: {Prefix: 'runctl/tmp/'}, Expiration: {Days: 1}},
  ]
  await script.note('GetBucketLifecycleConfiguration of a new bucket', lifecycle, (answer) => answer.Rules)
  await script.note('PutBucketLifecycleConfiguration', () => s3.send(new PutBucketLifecycleConfigurationCommand({Bucket, LifecycleConfiguration: {Rules}})), () => ({}))
  await script.note('GetBucketLifecycleConfiguration', lifecycle, (answer) => answer.Rules)
}

async function objects(script: Transcript, s3: S3Client): Promise<void> {
  const put = (Key: string, Body: string, more = {}) => () => s3.send(new PutObjectCommand({Bucket, Key, Body: Buffer.from(Body), ...more}))
  const get = (Key: string, more = {}) => async () => {
    const answer = await s3.send(new GetObjectCommand({Bucket, Key, ...more}))
    return {...answer, text: await answer.Body?.transformToString()}
  }
  const head = (Key: string, more = {}) => () => s3.send(new HeadObjectCommand({Bucket, Key, ...more}))
  await script.note('PutObject', put('one', 'hello', {Metadata: {'write-id': 'x'}}), ({ETag}) => ({ETag}))
  await script.note('PutObject of nothing', put('empty', ''), ({ETag}) => ({ETag}))
  await script.note('PutObject in no bucket', () => s3.send(new PutObjectCommand({Bucket: 'runctl-no-such', Key: 'x', Body: 'x'})), () => ({}))
  await script.note('PutObject with a wrong checksum', put('wrong', 'x', {ChecksumCRC32: 'AAAAAA=='}), () => ({}))
  await script.note('HeadObject', head('one', {ChecksumMode: 'ENABLED'}), ({ChecksumCRC32, ContentLength, ETag, LastModified, Metadata}) => ({ChecksumCRC32, ContentLength, ETag, LastModified, Metadata}))
  await script.note('HeadObject of none', head('none'), () => ({}))
  await script.note('HeadObject in no bucket', () => s3.send(new HeadObjectCommand({Bucket: 'runctl-no-such', Key: 'x'})), () => ({}))
  await script.note('GetObject', get('one'), ({ContentLength, ETag, text}) => ({ContentLength, ETag, text}))
  await script.note('GetObject of nothing', get('empty'), ({ContentLength, text}) => ({ContentLength, text}))
  await script.note('GetObject of none', get('none'), () => ({}))
  await script.note('GetObject, a range', get('one', {Range: 'bytes=1-3'}), ({ContentLength, ContentRange, text}) => ({ContentLength, ContentRange, text}))
  await script.note('GetObject, a range past the end', get('one', {Range: 'bytes=3-99'}), ({ContentLength, ContentRange, text}) => ({ContentLength, ContentRange, text}))
  await script.note('GetObject, a range behind the end', get('one', {Range: 'bytes=5-9'}), () => ({}))
  await script.note('GetObject, if it is what it was', get('one', {IfMatch: '"5d41402abc4b2a76b9719d911017c592"'}), ({text}) => ({text}))
  await script.note('GetObject, if it is what it was not', get('one', {IfMatch: '"00000000000000000000000000000000"'}), () => ({}))
  await script.note('PutObject where there is one, if there is none', put('one', 'other', {IfNoneMatch: '*'}), () => ({}))
  await script.note('PutObject where there is none, if there is none', put('lock', 'mine', {IfNoneMatch: '*'}), () => ({}))
  const racers = await Promise.allSettled(Array.from({length: 10}, (_, index) => put('race', String(index), {IfNoneMatch: '*'})()))
  await script.note('PutObject by ten at once, if there is none', async () => racers.filter(({status}) => status === 'fulfilled').length, (winners) => ({winners}))
}

async function lists(script: Transcript, s3: S3Client): Promise<void> {
  for (const Key of ODD_KEYS) await script.note(`PutObject ${Key}`, () => s3.send(new PutObjectCommand({Bucket, Key, Body: Key})), () => ({}))
  const list = (more: object) => () => s3.send(new ListObjectsV2Command({Bucket, EncodingType: 'url', ...more}))
  const keys = (answer: Awaited<ReturnType<ReturnType<typeof list>>>) => ({
    EncodingType: answer.EncodingType,
    truncated: answer.IsTruncated,
    keys: answer.Contents?.map(({Key = ''}) => decodeURIComponent(Key.replaceAll('+', ' '))),
  })
  await script.note('ListObjectsV2', list({Prefix: 'o'}), ({Contents = []}) => Contents.map(({ETag, LastModified, Size}) => ({ETag, LastModified, Size})))
  await script.note('ListObjectsV2 of odd keys', list({Prefix: 'odd/'}), keys)
  await script.note('ListObjectsV2 below an odd prefix', list({Prefix: 'odd/a+'}), keys)
  await script.note('ListObjectsV2 of none', list({Prefix: 'none/'}), keys)
  await script.note('ListObjectsV2 of no bucket', () => s3.send(new ListObjectsV2Command({Bucket: 'runctl-no-such'})), () => ({}))
  const first = await script.note('ListObjectsV2, first page', list({Prefix: 'odd/', MaxKeys: 5}), (answer) => ({...keys(answer), token: typeof answer.NextContinuationToken}))
  await script.note('ListObjectsV2, second page', list({Prefix: 'odd/', MaxKeys: 5, ContinuationToken: first?.NextContinuationToken}), (answer) => ({...keys(answer), token: typeof answer.NextContinuationToken}))
  await script.note('ListObjectsV2 after a key', list({Prefix: 'odd/', StartAfter: 'odd/?x#y'}), keys)
  for (const Key of ODD_KEYS) {
    await script.note(`GetObject ${Key}`, async () => (await s3.send(new GetObjectCommand({Bucket, Key}))).Body?.transformToString(), (text) => ({right: text === Key}))
  }
}

async function multipart(script: Transcript, s3: S3Client): Promise<void> {
  const begin = async (Key: string): Promise<string> => (await s3.send(new CreateMultipartUploadCommand({Bucket, Key, Metadata: {'write-id': 'm'}, ...WHOLE}))).UploadId ?? ''
  const part = (Key: string, UploadId: string, PartNumber: number, bytes: number) => () =>
    s3.send(new UploadPartCommand({Bucket, Key, UploadId, PartNumber, Body: Buffer.alloc(bytes, PartNumber), ChecksumAlgorithm: 'CRC32'}))
  const complete = (Key: string, UploadId: string, Parts: CompletedPart[], more = {}) => () =>
    s3.send(new CompleteMultipartUploadCommand({Bucket, Key, UploadId, MultipartUpload: {Parts}, ChecksumType: 'FULL_OBJECT', ...more}))
  const abort = (Key: string, UploadId: string) => () => s3.send(new AbortMultipartUploadCommand({Bucket, Key, UploadId}))
  const parts = async (Key: string, UploadId: string, ...sizes: number[]): Promise<CompletedPart[]> => {
    const sent = await Promise.all(sizes.map((bytes, index) => part(Key, UploadId, index + 1, bytes)()))
    return sent.map(({ChecksumCRC32, ETag}, index) => ({PartNumber: index + 1, ChecksumCRC32, ETag}))
  }
  const size = 5 * MIB + 1
  const upload = await begin('large')
  const sent = await parts('large', upload, 5 * MIB, 1)
  await script.note('UploadPart', async () => sent, (answers) => answers)
  await script.note('CompleteMultipartUpload, another size than it has', complete('large', upload, sent, {MpuObjectSize: size + 1}), () => ({}))
  const answer = ({ChecksumCRC32, ETag}: {ChecksumCRC32?: string | undefined; ETag?: string | undefined}) => ({ChecksumCRC32, ETag})
  const whole = await begin('whole')
  await script.note('CompleteMultipartUpload', complete('whole', whole, await parts('whole', whole, 5 * MIB, 1), {MpuObjectSize: size}), answer)
  await script.note('CompleteMultipartUpload again', complete('whole', whole, sent), answer)
  await script.note('HeadObject of an upload in parts', () => s3.send(new HeadObjectCommand({Bucket, Key: 'whole', ChecksumMode: 'ENABLED'})), ({ChecksumCRC32, ChecksumType, ContentLength, ETag, Metadata}) => ({ChecksumCRC32, ChecksumType, ContentLength, ETag, Metadata}))
  await script.note('GetObject, a range over two parts', async () => (await s3.send(new GetObjectCommand({Bucket, Key: 'whole', Range: `bytes=${5 * MIB - 2}-${5 * MIB}`}))).Body?.transformToByteArray(), (bytes) => [...(bytes ?? [])])

  const locked = await begin('one')
  await script.note('CompleteMultipartUpload where there is one, if there is none', complete('one', locked, await parts('one', locked, 3), {IfNoneMatch: '*'}), () => ({}))
  const small = await begin('small')
  await script.note('CompleteMultipartUpload of too small parts', complete('small', small, await parts('small', small, 10, 10)), () => ({}))
  const lacking = await begin('lacking')
  await parts('lacking', lacking, 10)
  await script.note('CompleteMultipartUpload with another part', complete('lacking', lacking, [{PartNumber: 1, ETag: '"00000000000000000000000000000000"'}]), () => ({}))
  await script.note('AbortMultipartUpload', abort('lacking', lacking), () => ({}))
  await script.note('AbortMultipartUpload again', abort('lacking', lacking), () => ({}))
  await script.note('UploadPart of no upload', part('lacking', lacking, 1, 1), () => ({}))
}

async function presigned(script: Transcript, s3: S3Client, presigner: S3Client): Promise<void> {
  const status = async (response: Response): Promise<string> => `${response.status} ${/<Code>(\w+)/.exec(await response.text())?.[1] ?? ''}`
  const read = await getSignedUrl(presigner, new GetObjectCommand({Bucket, Key: 'odd/a b'}), {expiresIn: 60})
  const write = await getSignedUrl(presigner, new PutObjectCommand({Bucket, Key: 'put by url'}), {expiresIn: 60})
  const expired = await getSignedUrl(presigner, new GetObjectCommand({Bucket, Key: 'one'}), {expiresIn: 60, signingDate: new Date(Date.now() - 3_600_000)})
  await script.note('a presigned GET', async () => (await fetch(read)).text(), (text) => ({text}))
  await script.note('a presigned PUT', async () => status(await fetch(write, {method: 'PUT', body: 'by url'})), (word) => word)
  await script.note('what a presigned PUT wrote', async () => (await s3.send(new GetObjectCommand({Bucket, Key: 'put by url'}))).Body?.transformToString(), (text) => ({text}))
  await script.note('an expired presigned GET', async () => status(await fetch(expired)), (word) => word)
  await script.note('a presigned GET of another key', async () => status(await fetch(read.replace('a%20b', 'a%2Bb'))), (word) => word)
}

async function deletions(script: Transcript, s3: S3Client): Promise<void> {
  const Objects = ['lock', 'race', 'never-was', 'large', 'wrong', ...ODD_KEYS].map((Key) => ({Key}))
  await script.note('DeleteObject', () => s3.send(new DeleteObjectCommand({Bucket, Key: 'empty'})), () => ({}))
  await script.note('DeleteObject of none', () => s3.send(new DeleteObjectCommand({Bucket, Key: 'empty'})), () => ({}))
  await script.note('DeleteObjects', () => s3.send(new DeleteObjectsCommand({Bucket, Delete: {Objects, Quiet: true}})), ({Deleted, Errors}) => ({quiet: Deleted === undefined, Errors}))
  await script.note('DeleteObjects in no bucket', () => s3.send(new DeleteObjectsCommand({Bucket: 'runctl-no-such', Delete: {Objects}})), () => ({}))
  await script.note('ListObjectsV2 at the end', () => s3.send(new ListObjectsV2Command({Bucket})), ({Contents}) => Contents?.map(({Key}) => Key))
}
