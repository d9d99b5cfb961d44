import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CopyObjectCommand, CreateBucketCommand, CreateMultipartUploadCommand, DeleteBucketCommand,
  DeleteObjectsCommand, GetBucketEncryptionCommand, GetBucketLifecycleConfigurationCommand, GetBucketLocationCommand, GetBucketPolicyCommand,
  GetBucketTaggingCommand, GetBucketVersioningCommand, GetObjectCommand, GetPublicAccessBlockCommand, HeadBucketCommand, HeadObjectCommand,
  ListBucketsCommand, ListMultipartUploadsCommand, ListObjectsV2Command, ListPartsCommand, PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand, PutBucketPolicyCommand, PutBucketTaggingCommand, PutBucketVersioningCommand, PutObjectCommand,
  PutPublicAccessBlockCommand, S3Client, UploadPartCommand, type S3ClientConfig,
} from '@aws-sdk/client-s3'
import {getSignedUrl} from '@aws-sdk/s3-request-presigner'
import {expect} from 'chai'
import {createHash, randomBytes} from 'node:crypto'
import {Readable} from 'node:stream'

import {type AwsBench, startAwsBench} from '../bench/index.js'
import type {AccessKey} from '../bench/world.js'
import {rejection} from '../support/rejection.js'
import {recordedMachines} from './with-bench.js'

const MIB = 1024 * 1024

/** Name and status of what the SDK rejects with. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = (await rejection(promise)) as {readonly name: string; readonly $metadata?: {readonly httpStatusCode?: number}}
  return `${error.$metadata?.httpStatusCode ?? '-'} ${error.name}`
}

describe('S3 of the bench', () => {
  let bench: AwsBench
  let client: S3Client
  const Bucket = 'bucket-1'

  function clientFor(key: Pick<AccessKey, 'id' | 'secret' | 'sessionToken'>, more: S3ClientConfig = {}): S3Client {
    const token = key.sessionToken === null ? {} : {sessionToken: key.sessionToken}
    const credentials = {accessKeyId: key.id, secretAccessKey: key.secret, ...token}
    return new S3Client({endpoint: bench.url, region: 'us-east-1', credentials, maxAttempts: 1, ...more})
  }

  beforeEach(async () => {
    bench = await startAwsBench({machines: recordedMachines()})
    client = clientFor(bench.key)
    await client.send(new CreateBucketCommand({Bucket}))
  })
  afterEach(() => bench.close())

  const put = (Key: string, Body: Buffer | string, more = {}) => client.send(new PutObjectCommand({Bucket, Key, Body, ...more}))
  const read = async (Key: string, more = {}): Promise<string> => {
    const {Body} = await client.send(new GetObjectCommand({Bucket, Key, ...more}))
    return Body!.transformToString()
  }

  describe('buckets', () => {
    it('are made, told of and removed when they are empty', async () => {
      await client.send(new CreateBucketCommand({Bucket: 'another'}))
      const {Buckets} = await client.send(new ListBucketsCommand({}))
      expect(Buckets!.map(({Name}) => Name)).to.deep.equal(['another', Bucket])
      expect((await client.send(new HeadBucketCommand({Bucket}))).BucketRegion).to.equal('us-east-1')
      expect((await client.send(new GetBucketLocationCommand({Bucket}))).LocationConstraint).to.equal(undefined)
      await put('x', 'x')
      expect(await refusal(client.send(new DeleteBucketCommand({Bucket})))).to.equal('409 BucketNotEmpty')
      await client.send(new DeleteBucketCommand({Bucket: 'another'}))
      expect(await refusal(client.send(new HeadBucketCommand({Bucket: 'another'})))).to.equal('404 NotFound')
    })

    it('have the rules of names, owners and regions', async () => {
      const create = (name: string, more = {}) => client.send(new CreateBucketCommand({Bucket: name, ...more}))
      expect(await refusal(create('Upper_case'))).to.equal('400 InvalidBucketName')
      await create(Bucket)
      bench.s3.addBucket('foreign', {owner: '999999999999'})
      expect(await refusal(create('foreign'))).to.equal('409 BucketAlreadyExists')
      expect(await refusal(client.send(new ListObjectsV2Command({Bucket: 'foreign'})))).to.equal('403 AccessDenied')
      const european = clientFor(bench.key, {region: 'eu-west-1'})
      const location = {CreateBucketConfiguration: {LocationConstraint: 'eu-west-1' as const}}
      expect(await refusal(create('european', location))).to.equal('400 IllegalLocationConstraintException')
      await european.send(new CreateBucketCommand({Bucket: 'european', ...location}))
      expect(await refusal(european.send(new CreateBucketCommand({Bucket: 'european', ...location})))).to.equal('409 BucketAlreadyOwnedByYou')
    })

    it('of another region send the client there', async () => {
      bench.s3.addBucket('european', {region: 'eu-west-1'})
      expect(await refusal(client.send(new ListObjectsV2Command({Bucket: 'european'})))).to.equal('301 PermanentRedirect')
      expect(await refusal(client.send(new HeadBucketCommand({Bucket: 'european'})))).to.match(/^301 /)
      await bench.s3.addObject('european', 'a', 'x')
      const following = clientFor(bench.key, {followRegionRedirects: true})
      expect((await following.send(new ListObjectsV2Command({Bucket: 'european'}))).KeyCount).to.equal(1)
    })

    it('keep their settings', async () => {
      const encryption = await client.send(new GetBucketEncryptionCommand({Bucket}))
      expect(encryption.ServerSideEncryptionConfiguration!.Rules![0]!.ApplyServerSideEncryptionByDefault!.SSEAlgorithm).to.equal('AES256')
      const rule = {ApplyServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID: 'key-1'}, BucketKeyEnabled: true}
      await client.send(new PutBucketEncryptionCommand({Bucket, ServerSideEncryptionConfiguration: {Rules: [rule]}}))
      const changed = await client.send(new GetBucketEncryptionCommand({Bucket}))
      expect(changed.ServerSideEncryptionConfiguration!.Rules![0]).to.deep.include(rule)

      const access = await client.send(new GetPublicAccessBlockCommand({Bucket}))
      expect(access.PublicAccessBlockConfiguration).to.include({BlockPublicAcls: true, RestrictPublicBuckets: true})
      await client.send(new PutPublicAccessBlockCommand({Bucket, PublicAccessBlockConfiguration: {BlockPublicAcls: true}}))

      expect(await refusal(client.send(new GetBucketLifecycleConfigurationCommand({Bucket})))).to.equal('404 NoSuchLifecycleConfiguration')
      const lifecycle = {
        ID: 'runctl',
        Status: 'Enabled' as const,
        Filter: {Prefix: 'runctl/tmp/'},
        Expiration: {Days: 1},
        AbortIncompleteMultipartUpload: {DaysAfterInitiation: 2},
      }
      await client.send(new PutBucketLifecycleConfigurationCommand({Bucket, LifecycleConfiguration: {Rules: [lifecycle]}}))
      expect((await client.send(new GetBucketLifecycleConfigurationCommand({Bucket}))).Rules).to.deep.equal([lifecycle])

      expect((await client.send(new GetBucketVersioningCommand({Bucket}))).Status).to.equal(undefined)
      await client.send(new PutBucketVersioningCommand({Bucket, VersioningConfiguration: {Status: 'Enabled'}}))
      expect((await client.send(new GetBucketVersioningCommand({Bucket}))).Status).to.equal('Enabled')

      expect(await refusal(client.send(new GetBucketTaggingCommand({Bucket})))).to.equal('404 NoSuchTagSet')
      const TagSet = [{Key: 'a & b', Value: '<ü>'}]
      await client.send(new PutBucketTaggingCommand({Bucket, Tagging: {TagSet}}))
      expect((await client.send(new GetBucketTaggingCommand({Bucket}))).TagSet).to.deep.equal(TagSet)

      expect(await refusal(client.send(new GetBucketPolicyCommand({Bucket})))).to.equal('404 NoSuchBucketPolicy')
      expect(await refusal(client.send(new PutBucketPolicyCommand({Bucket, Policy: 'no'})))).to.equal('400 MalformedPolicy')
      await client.send(new PutBucketPolicyCommand({Bucket, Policy: '{"Statement": []}'}))
      expect((await client.send(new GetBucketPolicyCommand({Bucket}))).Policy).to.equal('{"Statement": []}')
    })
  })

  describe('objects', () => {
    it('come back as they were put, with metadata, type and checksum', async () => {
      const {ETag} = await put('k', 'hello', {ContentType: 'text/plain', Metadata: {who: 'me'}, CacheControl: 'no-cache'})
      expect(ETag).to.equal(`"${createHash('md5').update('hello').digest('hex')}"`)
      const found = await client.send(new GetObjectCommand({Bucket, Key: 'k'}))
      expect(await found.Body!.transformToString()).to.equal('hello')
      expect(found).to.deep.include({ContentType: 'text/plain', Metadata: {who: 'me'}, CacheControl: 'no-cache', ContentLength: 5, ChecksumCRC32: 'NhCmhg=='})
      const head = await client.send(new HeadObjectCommand({Bucket, Key: 'k'}))
      expect([head.ContentLength, head.ETag]).to.deep.equal([5, ETag])
    })

    it('are taken in aws-chunked form, as the SDK sends streams', async () => {
      const bytes = randomBytes(300_000)
      const Body = Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)])
      await client.send(new PutObjectCommand({Bucket, Key: 'stream', Body, ContentLength: bytes.length}))
      expect((await bench.s3.objectBytes(Bucket, 'stream'))!.equals(bytes)).to.be.true
      expect((await client.send(new HeadObjectCommand({Bucket, Key: 'stream', ChecksumMode: 'ENABLED'}))).ChecksumCRC32).to.have.length(8)
    })

    it('are refused where a digest does not fit', async () => {
      expect(await refusal(put('k', 'hello', {ChecksumCRC32: 'AAAAAA=='}))).to.equal('400 BadDigest')
      const wrong = createHash('sha256').update('other').digest('base64')
      expect(await refusal(put('k', 'hello', {ChecksumSHA256: wrong}))).to.equal('400 BadDigest')
      expect(await refusal(put('k', 'hello', {ContentMD5: createHash('md5').update('other').digest('base64')}))).to.equal('400 BadDigest')
      expect(await refusal(put('k', 'hello', {ContentMD5: 'x'}))).to.equal('400 InvalidDigest')
      await put('k', 'hello', {ChecksumAlgorithm: 'CRC32C'})
      await put('k', 'hello', {ContentMD5: createHash('md5').update('hello').digest('base64')})
      expect(bench.s3.keys(Bucket)).to.deep.equal(['k'])
    })

    it('are read by range', async () => {
      await put('k', '0123456789')
      expect(await read('k', {Range: 'bytes=2-4'})).to.equal('234')
      expect(await read('k', {Range: 'bytes=7-'})).to.equal('789')
      expect(await read('k', {Range: 'bytes=-3'})).to.equal('789')
      expect(await read('k', {Range: 'bytes=8-100'})).to.equal('89')
      expect(await read('k', {Range: 'pages=1-2'})).to.equal('0123456789')
      const part = await client.send(new GetObjectCommand({Bucket, Key: 'k', Range: 'bytes=0-1'}))
      expect([part.$metadata.httpStatusCode, part.ContentRange]).to.deep.equal([206, 'bytes 0-1/10'])
      expect(await refusal(read('k', {Range: 'bytes=10-'}))).to.equal('416 InvalidRange')
    })

    it('are written and read on conditions', async () => {
      const {ETag} = await put('k', '1', {IfNoneMatch: '*'})
      expect(await refusal(put('k', '2', {IfNoneMatch: '*'}))).to.equal('412 PreconditionFailed')
      expect(await refusal(put('k', '2', {IfMatch: '"0"'}))).to.equal('412 PreconditionFailed')
      expect(await refusal(put('absent', '2', {IfMatch: ETag}))).to.equal('404 NoSuchKey')
      expect(await refusal(read('k', {IfNoneMatch: ETag}))).to.match(/^304 /)
      expect(await refusal(read('k', {IfMatch: '"0"'}))).to.equal('412 PreconditionFailed')
      await put('k', '2', {IfMatch: ETag})
      expect(await read('k')).to.equal('2')
    })

    it('are copied and deleted', async () => {
      await put('from ü', 'x', {Metadata: {a: '1'}})
      await client.send(new CopyObjectCommand({Bucket, Key: 'to', CopySource: `${Bucket}/${encodeURIComponent('from ü')}`}))
      expect((await client.send(new HeadObjectCommand({Bucket, Key: 'to'}))).Metadata).to.deep.equal({a: '1'})
      const stop = bench.world.deny('s3:DeleteObject')
      const refused = await client.send(new DeleteObjectsCommand({Bucket, Delete: {Objects: [{Key: 'to'}]}})).catch((error: unknown) => error)
      stop()
      expect(JSON.stringify(refused)).to.contain('AccessDenied')
      const Objects = [{Key: 'from ü'}, {Key: 'to'}, {Key: 'never was'}]
      const {Deleted} = await client.send(new DeleteObjectsCommand({Bucket, Delete: {Objects}}))
      expect(Deleted).to.deep.equal(Objects)
      expect(await refusal(read('to'))).to.equal('404 NoSuchKey')
      expect(await refusal(client.send(new DeleteObjectsCommand({Bucket, Delete: {Objects: Array.from({length: 1001}, (_, i) => ({Key: `${i}`}))}})))).to.equal('400 MalformedXML')
    })

    it('that are missing look forbidden to who may not list', async () => {
      bench.world.deny('s3:ListBucket')
      expect(await refusal(read('absent'))).to.equal('403 AccessDenied')
    })
  })

  describe('lists', () => {
    it('come in pages, in the order of the keys\' bytes', async () => {
      for (let i = 0; i < 2500; i++) await bench.s3.addObject(Bucket, `k/${String(i).padStart(4, '0')}`, '')
      const seen: string[] = []
      let pages = 0
      for (let token: string | undefined; ; ) {
        const page = await client.send(new ListObjectsV2Command({Bucket, Prefix: 'k/', ...(token ? {ContinuationToken: token} : {})}))
        seen.push(...page.Contents!.map(({Key}) => Key!))
        pages += 1
        token = page.NextContinuationToken
        if (!token) break
      }
      expect([pages, seen.length, new Set(seen).size]).to.deep.equal([3, 2500, 2500])
      expect(seen).to.deep.equal([...seen].sort())
    })

    it('put keys below a delimiter together, over pages too', async () => {
      for (const key of ['a/1', 'a/2', 'b', 'c/1', 'c/2', 'd']) await bench.s3.addObject(Bucket, key, '')
      const entries: string[] = []
      for (let token: string | undefined; ; ) {
        const page = await client.send(new ListObjectsV2Command({Bucket, Delimiter: '/', MaxKeys: 1, ...(token ? {ContinuationToken: token} : {})}))
        entries.push(...(page.Contents ?? []).map(({Key}) => Key!), ...(page.CommonPrefixes ?? []).map(({Prefix}) => Prefix!))
        token = page.NextContinuationToken
        if (!token) break
      }
      expect(entries).to.deep.equal(['a/', 'b', 'c/', 'd'])
      const rest = await client.send(new ListObjectsV2Command({Bucket, StartAfter: 'c/1'}))
      expect(rest.Contents!.map(({Key}) => Key)).to.deep.equal(['c/2', 'd'])
      const within = await client.send(new ListObjectsV2Command({Bucket, StartAfter: 'c/1', Delimiter: '/'}))
      expect([within.CommonPrefixes, within.Contents!.map(({Key}) => Key)]).to.deep.equal([[{Prefix: 'c/'}], ['d']])
    })

    it('encode keys where asked to', async () => {
      await put('a b+c/ü\u0001', '')
      const {Contents} = await client.send(new ListObjectsV2Command({Bucket, EncodingType: 'url'}))
      expect(Contents![0]!.Key).to.equal('a+b%2Bc/%C3%BC%01')
    })
  })

  describe('multipart uploads', () => {
    const begin = async (Key: string, more = {}) => (await client.send(new CreateMultipartUploadCommand({Bucket, Key, ...more}))).UploadId!
    const send = (Key: string, UploadId: string, PartNumber: number, Body: Buffer) =>
      client.send(new UploadPartCommand({Bucket, Key, UploadId, PartNumber, Body}))

    it('join their parts, with the ETag and checksum that belong to parts', async () => {
      const [first, last] = [randomBytes(5 * MIB), randomBytes(1000)]
      const UploadId = await begin('big', {Metadata: {a: '1'}, ChecksumAlgorithm: 'CRC32'})
      const answers = [await send('big', UploadId, 1, first), await send('big', UploadId, 2, last)]
      const {Parts: listed} = await client.send(new ListPartsCommand({Bucket, Key: 'big', UploadId}))
      expect(listed!.map(({Size}) => Size)).to.deep.equal([5 * MIB, 1000])
      const Parts = answers.map(({ETag, ChecksumCRC32}, i) => ({ETag, ChecksumCRC32, PartNumber: i + 1}))
      const done = await client.send(new CompleteMultipartUploadCommand({Bucket, Key: 'big', UploadId, MultipartUpload: {Parts}}))
      const md5s = Buffer.concat([first, last].map((part) => createHash('md5').update(part).digest()))
      expect(done.ETag).to.equal(`"${createHash('md5').update(md5s).digest('hex')}-2"`)
      expect(done.ChecksumCRC32).to.match(/-2$/)
      expect((await bench.s3.objectBytes(Bucket, 'big'))!.equals(Buffer.concat([first, last]))).to.be.true
      expect((await client.send(new ListMultipartUploadsCommand({Bucket}))).Uploads).to.equal(undefined)
    })

    it('refuse parts that are too small, unknown or out of order', async () => {
      const UploadId = await begin('big')
      const tags = [(await send('big', UploadId, 1, randomBytes(1000))).ETag, (await send('big', UploadId, 2, randomBytes(1000))).ETag]
      const complete = (...Parts: {PartNumber: number; ETag: string | undefined}[]) =>
        client.send(new CompleteMultipartUploadCommand({Bucket, Key: 'big', UploadId, MultipartUpload: {Parts}}))
      const [one, two] = [{PartNumber: 1, ETag: tags[0]}, {PartNumber: 2, ETag: tags[1]}]
      expect(await refusal(complete(one, two))).to.equal('400 EntityTooSmall')
      expect(await refusal(complete(two, one))).to.equal('400 InvalidPartOrder')
      expect(await refusal(complete({PartNumber: 1, ETag: tags[1]}))).to.equal('400 InvalidPart')
      expect(await refusal(send('big', UploadId, 10_001, Buffer.from('x')))).to.equal('400 InvalidArgument')
      await complete(two)
      expect(await refusal(complete(two))).to.equal('404 NoSuchUpload')
    })

    it('are listed until they are aborted', async () => {
      const UploadId = await begin('a b')
      await begin('other')
      const {Uploads} = await client.send(new ListMultipartUploadsCommand({Bucket, Prefix: 'a'}))
      expect(Uploads!.map((upload) => [upload.Key, upload.UploadId])).to.deep.equal([['a b', UploadId]])
      await client.send(new AbortMultipartUploadCommand({Bucket, Key: 'a b', UploadId}))
      expect(await refusal(send('a b', UploadId, 1, Buffer.from('x')))).to.equal('404 NoSuchUpload')
    })

    it('are completed once, also where the request comes twice', async () => {
      const UploadId = await begin('k')
      const {ETag} = await send('k', UploadId, 1, Buffer.from('x'))
      const complete = () => refusal(client.send(new CompleteMultipartUploadCommand({Bucket, Key: 'k', UploadId, MultipartUpload: {Parts: [{PartNumber: 1, ETag}]}})))
      const answers = await Promise.all([complete(), complete()].map((answer) => answer.catch(() => 'done')))
      expect(answers.sort()).to.deep.equal(['404 NoSuchUpload', 'done'])
    })

    it('write on the condition that nothing is there', async () => {
      const UploadId = await begin('k')
      const {ETag} = await send('k', UploadId, 1, Buffer.from('x'))
      await put('k', 'first')
      const complete = new CompleteMultipartUploadCommand({Bucket, Key: 'k', UploadId, IfNoneMatch: '*', MultipartUpload: {Parts: [{PartNumber: 1, ETag}]}})
      expect(await refusal(client.send(complete))).to.equal('412 PreconditionFailed')
      expect(await read('k')).to.equal('first')
    })
  })

  describe('signatures', () => {
    it('must be made with the secret of a known key', async () => {
      const {id, secret} = bench.key
      expect(await refusal(clientFor({id, secret: `${secret}x`, sessionToken: null}).send(new ListBucketsCommand({})))).to.equal('403 SignatureDoesNotMatch')
      expect(await refusal(clientFor({id: 'AKIAUNKNOWN', secret, sessionToken: null}).send(new ListBucketsCommand({})))).to.equal('403 InvalidAccessKeyId')
      expect((await fetch(`${bench.url}/${Bucket}`)).status).to.equal(403)
    })

    it('of temporary credentials come with their token, until it expires', async () => {
      const temporary = bench.world.addUser('t', {id: 'ASIATEMPORARY', sessionToken: 'token+/=', expiresAt: new Date(Date.now() + 60_000)})
      await clientFor(temporary).send(new ListBucketsCommand({}))
      expect(await refusal(clientFor({...temporary, sessionToken: 'other'}).send(new ListBucketsCommand({})))).to.equal('400 InvalidToken')
      expect(await refusal(clientFor({...temporary, sessionToken: null}).send(new ListBucketsCommand({})))).to.equal('403 InvalidAccessKeyId')
      bench.world.clockOffsetMs = 61_000
      expect(await refusal(clientFor(temporary).send(new ListBucketsCommand({})))).to.equal('400 ExpiredToken')
    })

    it('of an instance\'s role hold for what its policies allow', async () => {
      const Statement = [{Effect: 'Allow' as const, Action: 's3:PutObject', Resource: `arn:aws:s3:::${Bucket}/runs/*`}]
      bench.world.addInstanceProfile('writer', [], {s3: {Version: '2012-10-17', Statement}})
      const id = await bench.addInstance({profile: 'writer'})
      const role = clientFor(bench.world.credentialsOf(bench.instance(id))!)
      await role.send(new PutObjectCommand({Bucket, Key: 'runs/a', Body: 'x'}))
      expect(await refusal(role.send(new PutObjectCommand({Bucket, Key: 'elsewhere', Body: 'x'})))).to.equal('403 AccessDenied')
      expect(await refusal(role.send(new GetObjectCommand({Bucket, Key: 'runs/a'})))).to.equal('403 AccessDenied')
      const url = await getSignedUrl(role, new PutObjectCommand({Bucket, Key: 'elsewhere'}), {expiresIn: 60})
      expect((await fetch(url, {method: 'PUT', body: ''})).status).to.equal(403)
      expect(bench.s3.keys(Bucket)).to.deep.equal(['runs/a'])
    })

    it('must be of now', async () => {
      bench.world.clockOffsetMs = 20 * 60_000
      expect(await refusal(client.send(new ListBucketsCommand({})))).to.equal('403 RequestTimeTooSkewed')
    })

    it('cover the keys\' odd characters', async () => {
      const odd = ["a!'()*~b", 'x%2Fy', 'a//b/', '/lead', 'ü€😀', 'a?b#c&d=e', ' space ', '+', '..', 'a/../b']
      for (const key of odd) await put(key, key)
      expect(bench.s3.keys(Bucket)).to.have.members(odd)
      for (const key of odd) expect(await read(key)).to.equal(key)
    })

    it('of presigned URLs hold for one request until they expire', async () => {
      const plain = clientFor(bench.key, {requestChecksumCalculation: 'WHEN_REQUIRED'})
      const url = await getSignedUrl(plain, new PutObjectCommand({Bucket, Key: 'a b+ü'}), {expiresIn: 60})
      expect((await fetch(url, {method: 'PUT', body: 'by url'})).status).to.equal(200)
      expect(await read('a b+ü')).to.equal('by url')
      const changes = [url.replace('a%20b', 'other'), url.replace('X-Amz-Expires=60', 'X-Amz-Expires=61'), url.replace(/Signature=./, 'Signature=!')]
      for (const changed of changes) expect((await fetch(changed, {method: 'PUT', body: 'x'})).status).to.equal(403)
      expect((await fetch(url)).status).to.equal(403)
      bench.world.clockOffsetMs = 62_000
      const late = await fetch(url, {method: 'PUT', body: 'late'})
      expect(late.status).to.equal(403)
      expect(await late.text()).to.contain('<Code>AccessDenied</Code><Message>Request has expired</Message>')
      expect(await read('a b+ü')).to.equal('by url')
    })

    it('of presigned URLs make the checksum of nothing count where the SDK signs one', async () => {
      const url = await getSignedUrl(client, new PutObjectCommand({Bucket, Key: 'k'}), {expiresIn: 60})
      const answer = await fetch(url, {method: 'PUT', body: 'bytes'})
      expect([answer.status, await answer.text()].join(' ')).to.match(/^400 .*BadDigest/s)
    })
  })
})
