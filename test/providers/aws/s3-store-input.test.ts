import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand, DeleteObjectCommand, DeleteObjectsCommand, GetObjectCommand,
  HeadBucketCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client, S3ServiceException, UploadPartCommand,
} from '@aws-sdk/client-s3'
import {type AwsStub, mockClient} from 'aws-sdk-client-mock'
import {expect} from 'chai'
import {Readable} from 'node:stream'

import type {AwsClients} from '../../../src/providers/aws/clients.js'
import {policyStatement} from '../../../src/providers/aws/store/s3-errors.js'
import {S3Store} from '../../../src/providers/aws/store/s3-store.js'
import {planParts} from '../../../src/providers/aws/store/upload-parts.js'
import {expectedFailure, rejection} from '../../support/rejection.js'

const MIB = 1024 * 1024

/** The store's only ways to the SDK; another client is a mistake here. */
function clientsFor(region = 'eu-central-1', endpoint: string | null = null): AwsClients {
  const credentials = {accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret'}
  const client = new S3Client({region, credentials, ...(endpoint === null ? {} : {endpoint})})
  const other = (): never => expect.fail('the store uses S3 alone')
  const none = {ec2: other, iam: other, pricing: other, quotas: other, ssm: other, ssmOnce: other, sts: other, inRegion: other, ec2Endpoint: null}
  return {...none, s3: () => Promise.resolve(client), region: () => Promise.resolve(region), endpoint}
}

function failing(name: string, status: number, more: {attempts?: number; headers?: Record<string, string>; message?: string} = {}): S3ServiceException {
  const error = new S3ServiceException({name, message: more.message ?? name, $fault: 'client', $metadata: {httpStatusCode: status, attempts: more.attempts ?? 1}})
  return Object.assign(error, {$response: {statusCode: status, headers: more.headers ?? {}}})
}

const body = (text: string) => Object.assign(Readable.from([]), {transformToByteArray: async () => Buffer.from(text)}) as never

describe('what the store asks of S3', () => {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the stub's own type parameters say nothing here
  let s3: AwsStub<any, any, any>
  let store: S3Store
  beforeEach(() => {
    s3 = mockClient(S3Client)
    store = new S3Store({clients: clientsFor(), scratch: null})
  })
  afterEach(() => s3.restore())

  const inputs = (command: never): unknown[] => s3.commandCalls(command).map((call) => call.args[0].input)

  it('PutObject: the bytes; the condition and a write id only where asked to', async () => {
    s3.on(PutObjectCommand).resolves({})
    await store.put('s3://bucket/a/b', Buffer.from('x'))
    await store.put('s3://bucket/a/b', Buffer.from('x'), {ifAbsent: true})
    const [plain, conditional] = inputs(PutObjectCommand as never) as Record<string, unknown>[]
    expect(plain).to.deep.equal({Bucket: 'bucket', Key: 'a/b', Body: Buffer.from('x'), Metadata: {}})
    expect(conditional).to.deep.include({Bucket: 'bucket', Key: 'a/b', IfNoneMatch: '*'})
    expect((conditional!['Metadata'] as Record<string, string>)['runctl-write']).to.match(/^[0-9a-f-]{36}$/)
  })

  it('PutObject: 412 is false, and nobody is asked unless an answer may have been lost', async () => {
    s3.on(PutObjectCommand).rejects(failing('PreconditionFailed', 412))
    expect(await store.put('s3://bucket/k', Buffer.from('x'), {ifAbsent: true})).to.equal(false)
    expect(s3.commandCalls(HeadObjectCommand)).to.have.length(0)
    s3.on(PutObjectCommand).rejects(failing('PreconditionFailed', 412, {attempts: 2}))
    s3.on(HeadObjectCommand).resolves({Metadata: {'runctl-write': 'another'}})
    expect(await store.put('s3://bucket/k', Buffer.from('x'), {ifAbsent: true})).to.equal(false)
    expect(s3.commandCalls(HeadObjectCommand)).to.have.length(1)
  })

  it('a multipart upload: one checksum over the whole, parts by number, the size told at the end', async () => {
    s3.on(CreateMultipartUploadCommand).resolves({UploadId: 'u1'})
    s3.on(UploadPartCommand).callsFake(({PartNumber}: {PartNumber: number}) => ({ETag: `"${PartNumber}"`, ChecksumCRC32: `crc${PartNumber}`}))
    s3.on(CompleteMultipartUploadCommand).resolves({})
    await store.put('s3://bucket/k', Buffer.alloc(17 * MIB))
    const target = {Bucket: 'bucket', Key: 'k'}
    expect(inputs(CreateMultipartUploadCommand as never)[0]).to.deep.include({...target, ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT'})
    const parts = inputs(UploadPartCommand as never) as {PartNumber: number; Body: Uint8Array}[]
    expect(parts.map(({PartNumber, Body}) => [PartNumber, Body.byteLength])).to.have.deep.members([[1, 8 * MIB], [2, 8 * MIB], [3, MIB]])
    expect(inputs(CompleteMultipartUploadCommand as never)).to.deep.equal([
      {
        ...target,
        UploadId: 'u1',
        MultipartUpload: {Parts: [1, 2, 3].map((n) => ({PartNumber: n, ETag: `"${n}"`, ChecksumCRC32: `crc${n}`}))},
        ChecksumType: 'FULL_OBJECT',
        MpuObjectSize: 17 * MIB,
      },
    ])
  })

  it('AbortMultipartUpload: until S3 knows no such upload', async () => {
    s3.on(CreateMultipartUploadCommand).resolves({UploadId: 'u1'})
    s3.on(UploadPartCommand).rejects(failing('InternalError', 500))
    s3.on(AbortMultipartUploadCommand).resolvesOnce({}).rejects(failing('NoSuchUpload', 404))
    expect((await expectedFailure(store.put('s3://bucket/k', Buffer.alloc(9 * MIB)))).code).to.equal('platform_failed')
    const expected = {Bucket: 'bucket', Key: 'k', UploadId: 'u1'}
    expect(inputs(AbortMultipartUploadCommand as never)).to.deep.equal([expected, expected])
  })

  it('GetObject: the whole, or a range of bytes', async () => {
    s3.on(GetObjectCommand).resolves({Body: body('abc'), ContentLength: 3})
    expect(Buffer.from(await store.get('s3://bucket/k')).toString()).to.equal('abc')
    await store.get('s3://bucket/k', {range: [5, 7]})
    expect(inputs(GetObjectCommand as never)).to.deep.equal([{Bucket: 'bucket', Key: 'k'}, {Bucket: 'bucket', Key: 'k', Range: 'bytes=5-7'}])
  })

  it('GetObject: an answer that breaks off is asked for again', async () => {
    s3.on(GetObjectCommand).resolvesOnce({Body: body('ab'), ContentLength: 3}).resolves({Body: body('abc'), ContentLength: 3})
    expect(Buffer.from(await store.get('s3://bucket/k')).toString()).to.equal('abc')
  })

  it('ListObjectsV2: with encoded keys, page after page', async () => {
    const LastModified = new Date('2026-11-23T10:00:00Z')
    s3.on(ListObjectsV2Command)
      .resolvesOnce({EncodingType: 'url', Contents: [{Key: 'a+b%2Bc', Size: 1, ETag: '"e"', LastModified}], IsTruncated: true, NextContinuationToken: 't'})
      .resolves({EncodingType: 'url', Contents: [{Key: 'z', Size: 2, ETag: '"f"', LastModified}]})
    const found = []
    for await (const object of store.list('s3://bucket/pre')) found.push(object)
    expect(found[0]).to.deep.equal({uri: 's3://bucket/a b+c', sizeBytes: 1, modifiedAt: '2026-11-23T10:00:00.000Z', etag: 'e'})
    expect(found[1]!.uri).to.equal('s3://bucket/z')
    const common = {Bucket: 'bucket', Prefix: 'pre', EncodingType: 'url'}
    expect(inputs(ListObjectsV2Command as never)).to.deep.equal([common, {...common, ContinuationToken: 't'}])
  })

  it('DeleteObjects: a thousand at a time, quietly, by bucket; a single one by itself', async () => {
    s3.on(DeleteObjectsCommand).resolves({})
    s3.on(DeleteObjectCommand).resolves({})
    const uris = Array.from({length: 1500}, (_, i) => `s3://bucket/${i}`)
    await store.delete([...uris, ...uris.slice(0, 10), 's3://other/k'])
    const calls = inputs(DeleteObjectsCommand as never) as {Bucket: string; Delete: {Objects: {Key: string}[]; Quiet: boolean}}[]
    expect(calls.map(({Bucket, Delete}) => [Bucket, Delete.Objects.length, Delete.Quiet])).to.deep.equal([['bucket', 1000, true], ['bucket', 500, true]])
    expect(inputs(DeleteObjectCommand as never)).to.deep.equal([{Bucket: 'other', Key: 'k'}])
  })

  it('DeleteObjects: once more what failed in passing; a refusal of one key is an error', async () => {
    s3.on(DeleteObjectsCommand).resolvesOnce({Errors: [{Key: 'b', Code: 'InternalError'}]}).resolves({})
    await store.delete(['s3://bucket/a', 's3://bucket/b'])
    const calls = inputs(DeleteObjectsCommand as never) as {Delete: {Objects: unknown}}[]
    expect(calls[1]!.Delete.Objects).to.deep.equal([{Key: 'b'}])
    s3.on(DeleteObjectsCommand).resolves({Errors: [{Key: 'x/b', Code: 'AccessDenied', Message: 'Access Denied'}]})
    const failure = await expectedFailure(store.delete(['s3://bucket/a', 's3://bucket/x/b']))
    expect(failure.message).to.contain('s3:DeleteObject').and.to.contain('arn:aws:s3:::bucket/x/*')
    s3.on(DeleteObjectsCommand).resolves({Errors: [{Key: 'b', Code: 'SlowDown'}]})
    expect((await expectedFailure(store.delete(['s3://bucket/a', 's3://bucket/b']))).details).to.include({aws_error: 'SlowDown'})
  })

  it('HeadObject, and HeadBucket only where the object is missing and the bucket not known', async () => {
    s3.on(HeadObjectCommand).rejects(failing('NotFound', 404))
    s3.on(HeadBucketCommand).resolves({BucketRegion: 'eu-central-1'})
    expect(await store.head('s3://bucket/k')).to.equal(null)
    expect(await store.head('s3://bucket/k')).to.equal(null)
    expect(inputs(HeadBucketCommand as never)).to.deep.equal([{Bucket: 'bucket'}])
  })

  it('says what to do where a bucket cannot be followed to its region', async () => {
    s3.on(GetObjectCommand).rejects(failing('PermanentRedirect', 301))
    s3.on(HeadBucketCommand).rejects(failing('Unknown', 301))
    const lost = await expectedFailure(store.get('s3://bucket/k'))
    expect(lost.message).to.equal('the bucket bucket is in another region and does not answer requests to eu-central-1')
    s3.on(GetObjectCommand).rejects(failing('PermanentRedirect', 301, {headers: {'x-amz-bucket-region': 'eu-west-3'}}))
    const moved = await expectedFailure(store.get('s3://bucket/k'))
    expect(moved.next[0]).to.equal('export AWS_REGION=eu-west-3')
  })

  it('takes a bare 403 for a missing right, and an archived object for what it is', async () => {
    s3.on(HeadObjectCommand).rejects(failing('403', 403))
    expect((await expectedFailure(store.head('s3://bucket/k'))).details).to.include({missing_action: 's3:GetObject'})
    expect((await expectedFailure(store.head('s3://bucket/k'))).message).to.contain('the credentials are wrong or expired')
    s3.on(GetObjectCommand).rejects(failing('InvalidObjectState', 403))
    const archived = await expectedFailure(store.get("s3://bucket/it's"))
    expect(archived.code).to.equal('wrong_state')
    expect(archived.next[0]).to.contain(String.raw`--key 'it'\''s'`)
  })

  it('names the right that S3 names, where it is another than that of the call', async () => {
    const message = 'User: arn:aws:iam::1:user/u is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-central-1:1:key/k because …'
    s3.on(PutObjectCommand).rejects(failing('AccessDenied', 403, {message}))
    const {details} = await expectedFailure(store.put('s3://bucket/k', Buffer.from('x')))
    expect(details['policy_statement']).to.deep.equal({Effect: 'Allow', Action: 'kms:GenerateDataKey', Resource: 'arn:aws:kms:eu-central-1:1:key/k'})
    s3.on(PutObjectCommand).rejects(failing('AccessDenied', 403, {message: '… with an explicit deny in a resource-based policy'}))
    expect((await expectedFailure(store.put('s3://bucket/k', Buffer.from('x')))).message).to.contain('forbids s3:PutObject')
  })

  it('does not call a lock another\'s where it cannot know whose it is', async () => {
    s3.on(PutObjectCommand).rejects(failing('PreconditionFailed', 412, {attempts: 2}))
    s3.on(HeadObjectCommand).rejects(failing('403', 403))
    expect((await expectedFailure(store.put('s3://bucket/k', Buffer.from('x'), {ifAbsent: true}))).details).to.include({missing_action: 's3:GetObject'})
  })

  it('writes policies for what was asked, in the partition of the region, and escapes what policies read as patterns', () => {
    const attempt = {action: 's3:PutObject', bucket: 'b', region: 'eu-west-1'}
    expect(policyStatement({...attempt, key: 'a/b/c'})).to.deep.equal({Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::b/a/*'})
    expect(policyStatement({...attempt, key: 'k', region: 'cn-north-1'})['Resource']).to.equal('arn:aws-cn:s3:::b/*')
    expect(policyStatement({...attempt, key: 'k', region: 'us-gov-west-1'})['Resource']).to.equal('arn:aws-us-gov:s3:::b/*')
    expect(policyStatement({...attempt, key: 'a*/k'})['Resource']).to.equal('arn:aws:s3:::b/a$' + '{*}/*')
    expect(policyStatement({...attempt, action: 's3:ListBucket', key: 'a/'})['Resource']).to.equal('arn:aws:s3:::b')
  })

  it('plans at most 10,000 parts that cover everything', () => {
    for (const size of [8 * MIB + 1, 100 * MIB, 80_000 * MIB, 5 * MIB * MIB - 1]) {
      const parts = planParts(size)
      expect(parts.length).to.be.at.most(10_000)
      expect(parts.at(-1)!.end).to.equal(size)
      expect(parts.every((part, i) => part.start === (parts[i - 1]?.end ?? 0))).to.be.true
    }
  })

  it('presigns for AWS itself with the bucket in the host name, and in the path elsewhere or where the name has dots', async () => {
    const {hostname, pathname, searchParams} = new URL(await store.presign('s3://bucket/a b', 'PUT', 60))
    expect([hostname, pathname]).to.deep.equal(['bucket.s3.eu-central-1.amazonaws.com', '/a%20b'])
    expect(searchParams.get('X-Amz-SignedHeaders')).to.equal('host')
    expect([...searchParams.keys()].filter((name) => /checksum/i.test(name))).to.deep.equal([])
    expect(new URL(await store.presign('s3://with.dots/k', 'GET', 60)).hostname).to.equal('s3.eu-central-1.amazonaws.com')
    const elsewhere = new S3Store({clients: clientsFor('eu-central-1', 'http://localhost:9000'), scratch: null})
    expect(await elsewhere.presign('s3://bucket/k', 'GET', 60)).to.match(/^http:\/\/localhost:9000\/bucket\/k\?/)
    expect(s3.calls()).to.have.length(0)
  })

  it('passes the signal on, and does not begin after it', async () => {
    s3.on(GetObjectCommand).resolves({Body: body('x'), ContentLength: 1})
    const {signal} = new AbortController()
    await store.get('s3://bucket/k', {signal})
    expect((s3.commandCalls(GetObjectCommand)[0]!.args as unknown[])[1]).to.deep.equal({abortSignal: signal})
    const reason = new Error('enough')
    expect(await rejection(store.get('s3://bucket/k', {signal: AbortSignal.abort(reason)}))).to.equal(reason)
    expect(s3.commandCalls(GetObjectCommand)).to.have.length(1)
  })
})
