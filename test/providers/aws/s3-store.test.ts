import {expect} from 'chai'
import {execFile} from 'node:child_process'
import {appendFile, mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'

import type {ObjectInfo} from '../../../src/providers/provider.js'
import type {S3Store} from '../../../src/providers/aws/store/s3-store.js'
import {expectedFailure, rejection} from '../../support/rejection.js'
import {S3TestBed, someBytes} from './s3-test-bed.js'

const MIB = 1024 * 1024

async function collect(objects: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const all: ObjectInfo[] = []
  for await (const object of objects) all.push(object)
  return all
}

describe('the store on S3', () => {
  let bed: S3TestBed
  let store: S3Store
  beforeEach(async () => {
    bed = await S3TestBed.create()
    store = bed.store()
  })
  afterEach(() => bed.dispose())

  const uploads = () => bed.bench.s3.buckets.find('data')!.uploads.size
  const text = async (uri: string) => Buffer.from(await store.get(uri)).toString()

  it('takes keys character by character', async () => {
    const keys = ['plain', 'a b+c%41', 'ü/€/😀', 'folder/', 'a//b', '/lead', "it's \"q\" <&>", '../up', 'x?y#z', '~!*()', 'tab\tnew\nline', '\u0001']
    for (const key of keys) expect(await store.put(`s3://data/${key}`, Buffer.from(key))).to.equal(true)
    expect(bed.bench.s3.keys('data')).to.have.members(keys)
    for (const key of keys) expect(await text(`s3://data/${key}`)).to.equal(key)
    const listed = (await collect(store.list('s3://data'))).map(({uri}) => uri)
    expect(listed).to.have.members(keys.map((key) => `s3://data/${key}`))
    await store.delete(listed)
    expect(bed.bench.s3.keys('data')).to.deep.equal([])
  })

  it('refuses what names no object of S3', async () => {
    const wrong = ['data/key', 's3:/data/key', 'https://data/key', 's3://data', 's3://data/', 's3:///key', 's3://Data/key', 's3://a/key', 's3://10.0.0.1/k', 's3://a..b/k']
    for (const uri of [...wrong, `s3://data/${'ü'.repeat(513)}`, 's3://data/\ud800']) {
      expect((await expectedFailure(store.get(uri))).code, uri).to.equal('bad_input')
      expect((await expectedFailure(store.put(uri, Buffer.from('x')))).code, uri).to.equal('bad_input')
      expect((await expectedFailure(store.delete([uri]))).code, uri).to.equal('bad_input')
    }
    expect(bed.operations()).to.deep.equal([])
    expect(() => bed.store({}, 's3://data/tmp')).to.throw('must end in "/"')
  })

  it('tells of an object, and null where there is none', async () => {
    await store.put('s3://data/k', Buffer.from('hello'))
    const head = (await store.head('s3://data/k'))!
    expect(head).to.deep.equal({uri: 's3://data/k', sizeBytes: 5, modifiedAt: head.modifiedAt, etag: '5d41402abc4b2a76b9719d911017c592'})
    expect(Math.abs(Date.now() - Date.parse(head.modifiedAt))).to.be.lessThan(5000)
    expect(await collect(store.list('s3://data/'))).to.deep.equal([head])
    expect(await store.head('s3://data/absent')).to.equal(null)
  })

  it('says not_found for a bucket or an object that does not exist, and what to do', async () => {
    const absent = await expectedFailure(store.get('s3://data/folder/it s'))
    expect(absent).to.include({code: 'not_found', message: 'there is no object s3://data/folder/it s'})
    expect(absent.next).to.deep.equal(['aws s3 ls s3://data/folder/'])
    const calls = [
      () => store.get('s3://nowhere/k'),
      () => store.head('s3://nowhere/k'),
      () => store.put('s3://nowhere/k', Buffer.from('')),
      () => store.put('s3://nowhere/k', someBytes(9 * MIB)),
      () => store.delete(['s3://nowhere/k', 's3://nowhere/l']),
      () => collect(store.list('s3://nowhere')),
      () => store.learnRegion('s3://nowhere/'),
    ]
    for (const call of calls) expect(await expectedFailure(call())).to.include({code: 'not_found', message: 'there is no bucket nowhere'})
  })

  it('reads a range, and nothing behind the end', async () => {
    await store.put('s3://data/k', Buffer.from('0123456789'))
    const range = async (first: number, last: number) => Buffer.from(await store.get('s3://data/k', {range: [first, last]})).toString()
    expect([await range(2, 4), await range(8, 100), await range(10, 20)]).to.deep.equal(['234', '89', ''])
    expect((await expectedFailure(range(4, 2))).code).to.equal('bad_input')
    expect((await expectedFailure(store.get('s3://data/absent', {range: [0, 1]}))).code).to.equal('not_found')
  })

  it('writes empty objects and empty files', async () => {
    const file = join(bed.folder, 'empty')
    await writeFile(file, '')
    expect(await store.put('s3://data/a', new Uint8Array())).to.equal(true)
    expect(await store.put('s3://data/b', {file}, {ifAbsent: true})).to.equal(true)
    expect([(await store.get('s3://data/a')).length, (await store.get('s3://data/b')).length]).to.deep.equal([0, 0])
  })

  it('sends a large file in parts, tells the progress, and reads it back verified', async () => {
    const bytes = someBytes(20 * MIB + 7)
    const file = join(bed.folder, 'large')
    await writeFile(file, bytes)
    const progress: number[] = []
    expect(await store.put('s3://data/large', {file}, {onProgress: (sent) => progress.push(sent)})).to.equal(true)
    expect([bed.count('UploadPart'), bed.count('PutObject'), uploads()]).to.deep.equal([3, 0, 0])
    expect(progress).to.deep.equal([...progress].sort((a, b) => a - b))
    expect(progress.at(-1)).to.equal(bytes.length)
    expect(Buffer.from(await store.get('s3://data/large')).equals(bytes)).to.be.true
    const object = bed.bench.s3.buckets.find('data')!.objects.get('large')!
    expect(object.checksum).to.include({name: 'crc32', type: 'FULL_OBJECT'})
    expect(object.etag).to.match(/-3$/)
  })

  it('sends 12 MiB of memory in parts, also on the condition that nothing is there', async () => {
    const bytes = someBytes(12 * MIB)
    expect(await store.put('s3://data/k', bytes, {ifAbsent: true})).to.equal(true)
    expect(bed.count('UploadPart')).to.equal(2)
    bed.reset()
    expect(await store.put('s3://data/k', someBytes(12 * MIB), {ifAbsent: true})).to.equal(false)
    expect(bed.operations()).to.deep.equal(['HeadObject'])
    expect(Buffer.from(await store.get('s3://data/k')).equals(bytes)).to.be.true
  })

  it('lets exactly one of 20 racers write', async () => {
    const racers = Array.from({length: 20}, (_, i) => bed.store().put('s3://data/lock', Buffer.from(`racer ${i}`), {ifAbsent: true}))
    const won = await Promise.all(racers)
    expect(won.filter(Boolean)).to.have.length(1)
    expect(await text('s3://data/lock')).to.equal(`racer ${won.indexOf(true)}`)
  })

  it('lets exactly one of three racers with large files write, and leaves no parts of the others', async () => {
    const won = await Promise.all(Array.from({length: 3}, (_, i) => bed.store().put('s3://data/large', Buffer.alloc(9 * MIB, i), {ifAbsent: true})))
    expect(won.filter(Boolean)).to.have.length(1)
    expect((await store.get('s3://data/large'))[0]).to.equal(won.indexOf(true))
    expect(uploads()).to.equal(0)
  })

  it('knows its own write where the answer was lost', async () => {
    for (const [uri, size, operation] of [['s3://data/small', 10, 'PutObject'], ['s3://data/large', 9 * MIB, 'CompleteMultipartUpload']] as const) {
      bed.reset()
      bed.bench.inject({operation, kind: 'lost-response', times: 1})
      const bytes = someBytes(size)
      expect(await store.put(uri, bytes, {ifAbsent: true}), uri).to.equal(true)
      expect(bed.count(operation)).to.equal(2)
      expect(Buffer.from(await store.get(uri)).equals(bytes)).to.be.true
      expect(await store.put(uri, Buffer.from('later'), {ifAbsent: true})).to.equal(false)
    }
    expect(uploads()).to.equal(0)
  })

  it('does not take another\'s write for its own where the request was lost', async () => {
    bed.bench.inject({operation: 'PutObject', kind: 'lost-request', times: 1})
    await bed.bench.s3.addObject('data', 'k', 'another')
    expect(await store.put('s3://data/k', Buffer.from('mine'), {ifAbsent: true})).to.equal(false)
    expect(await text('s3://data/k')).to.equal('another')
  })

  it('tries again where a conditional write met another one under way', async () => {
    bed.bench.inject({operation: 'PutObject', kind: 'error', code: 'ConditionalRequestConflict', status: 409, times: 2})
    expect(await store.put('s3://data/k', Buffer.from('x'), {ifAbsent: true})).to.equal(true)
    expect(bed.count('PutObject')).to.equal(3)
  })

  it('lists 2,500 objects page by page, no more than are taken', async () => {
    for (let i = 0; i < 2500; i++) await bed.bench.s3.addObject('data', `many/${i}`, 'x')
    await bed.bench.s3.addObject('data', 'other', 'x')
    const all = await collect(store.list('s3://data/many/'))
    expect(new Set(all.map(({uri}) => uri)).size).to.equal(2500)
    expect(all.every(({uri, sizeBytes}) => uri.startsWith('s3://data/many/') && sizeBytes === 1)).to.be.true
    expect(bed.count('ListObjectsV2')).to.equal(3)
    bed.reset()
    for await (const object of store.list('s3://data/many/')) {
      expect(object.uri).to.equal('s3://data/many/0')
      break
    }
    expect(bed.count('ListObjectsV2')).to.equal(1)
    await store.delete([...all.map(({uri}) => uri), 's3://data/never-was'])
    expect(bed.count('DeleteObjects')).to.equal(3)
    expect(bed.bench.s3.keys('data')).to.deep.equal(['other'])
    await store.delete(all.map(({uri}) => uri).slice(0, 2))
    await store.delete([])
  })

  it('names folders without listing what is in them', async () => {
    for (const folder of ['a', 'b +%20', 'ü']) for (let i = 0; i < 1200; i++) await bed.bench.s3.addObject('data', `runs/${folder}/${i}`, 'x')
    await bed.bench.s3.addObject('data', 'runs/file', 'x')
    const names: string[] = []
    for await (const name of store.folders('s3://data/runs/')) names.push(name)
    expect(names).to.deep.equal(['s3://data/runs/a/', 's3://data/runs/b +%20/', 's3://data/runs/ü/'])
    expect(bed.count('ListObjectsV2')).to.equal(1)
  })

  it('leaves no parts where the user aborts, and rejects with the reason', async () => {
    const stop = new AbortController()
    const reason = new Error('Ctrl-C')
    bed.bench.inject({operation: 'UploadPart', kind: 'latency', ms: 50})
    const put = store.put('s3://data/large', someBytes(60 * MIB), {signal: stop.signal, onProgress: () => stop.abort(reason)})
    expect(await rejection(put)).to.equal(reason)
    expect(bed.count('UploadPart')).to.be.lessThan(8)
    expect([uploads(), bed.bench.s3.keys('data').length]).to.deep.equal([0, 0])
    expect(await rejection(store.put('s3://data/k', Buffer.from('x'), {signal: stop.signal}))).to.equal(reason)
    expect(await rejection(store.get('s3://data/k', {signal: stop.signal}))).to.equal(reason)
    expect(await rejection(collect(store.list('s3://data/', {signal: stop.signal})))).to.equal(reason)
  })

  it('leaves no parts where one is refused, and stops sending the others', async () => {
    bed.bench.inject({operation: 'UploadPart', kind: 'error', code: 'AccessDenied', status: 403, when: ({query}) => query.get('partNumber') === '2'})
    expect((await expectedFailure(store.put('s3://data/large', someBytes(80 * MIB)))).code).to.equal('platform_failed')
    expect(bed.count('UploadPart')).to.be.lessThan(9)
    expect(uploads()).to.equal(0)
  })

  it('writes nothing from a file that changes under its hands', async () => {
    const file = join(bed.folder, 'growing')
    await writeFile(file, someBytes(17 * MIB))
    const put = store.put('s3://data/k', {file}, {onProgress: () => void appendFile(file, 'more')})
    expect(await expectedFailure(put)).to.include({code: 'bad_input'}).and.have.property('message').that.contains('changed while')
    expect([uploads(), bed.bench.s3.keys('data').length]).to.deep.equal([0, 0])
  })

  it('refuses files that are none', async () => {
    await mkdir(join(bed.folder, 'dir'))
    expect((await expectedFailure(store.put('s3://data/k', {file: join(bed.folder, 'dir')}))).code).to.equal('bad_input')
    expect((await expectedFailure(store.put('s3://data/k', {file: join(bed.folder, 'absent')}))).code).to.equal('not_found')
    expect(bed.operations()).to.deep.equal([])
  })

  it('does not give bytes out that are not those of the checksum', async () => {
    await store.put('s3://data/k', Buffer.from('hello'))
    const objects = bed.bench.s3.buckets.find('data')!.objects
    const object = objects.get('k')!
    objects.set('k', {...object, bytes: {...object.bytes, read: async () => Buffer.from('hellO')}})
    const failure = await expectedFailure(store.get('s3://data/k'))
    expect(failure).to.include({code: 'platform_failed'}).and.have.property('message').that.contains('could not be read whole')
    expect(bed.count('GetObject')).to.equal(3)
  })

  it('follows a bucket to its region, and remembers it', async () => {
    bed.bench.s3.addBucket('european', {region: 'eu-west-1'})
    expect(await store.head('s3://european/k')).to.equal(null)
    bed.reset()
    await store.put('s3://european/k', Buffer.from('x'))
    expect(Buffer.from(await store.get('s3://european/k')).toString()).to.equal('x')
    expect(bed.operations()).to.deep.equal(['PutObject', 'GetObject'])
    await store.put('s3://data/k', Buffer.from('y'))
    expect(await text('s3://data/k')).to.equal('y')
    expect(await store.presign('s3://european/k', 'GET', 60)).to.contain('%2Feu-west-1%2Fs3%2F')
    const another = bed.store()
    expect(await another.learnRegion('s3://european')).to.equal('eu-west-1')
    expect(await (await fetch(await another.presign('s3://european/k', 'GET', 60))).text()).to.equal('x')
  })

  it('finds out where a bucket is before it makes URLs, where its name does not tell, and once', async () => {
    const home = await bed.store().access()
    for (const [name, region] of [['elsewhere', 'eu-west-1'], [`mine-${home.region}`, home.region]] as const) bed.bench.s3.addBucket(name, {region})
    bed.reset()
    const fresh = bed.store()
    for (const uri of ['s3://elsewhere/runctl/tmp/', 's3://elsewhere/', `s3://mine-${home.region}/`, 's3://absent-bucket/', 's3://absent-bucket/']) await fresh.prepareToPresign(uri)
    expect(bed.operations()).to.deep.equal(['HeadBucket', 'HeadBucket', 'HeadBucket'])
    await fetch(await fresh.presign('s3://elsewhere/k', 'PUT', 60), {method: 'PUT', body: 'x'})
    expect(await text('s3://elsewhere/k')).to.equal('x')
  })

  it('follows to many regions at once without mixing them up', async () => {
    const regions = ['eu-west-1', 'eu-central-1', 'ap-south-1', 'us-east-1']
    for (const region of regions) bed.bench.s3.addBucket(`in-${region}`, {region})
    await Promise.all(regions.flatMap((region) => [1, 2, 3].map((i) => store.put(`s3://in-${region}/${i}`, Buffer.from(region)))))
    for (const region of regions) expect(bed.bench.s3.keys(`in-${region}`)).to.have.length(3)
  })

  it('makes URLs for plain HTTP clients, and makes no call for that', async () => {
    const uri = 's3://data/a b+ü/k'
    const [put, get] = [await store.presign(uri, 'PUT', 60), await store.presign(uri, 'GET', 60)]
    expect(bed.operations()).to.deep.equal([])
    expect((await fetch(put, {method: 'PUT', body: 'by fetch'})).status).to.equal(200)
    expect(await (await fetch(get)).text()).to.equal('by fetch')
    const file = join(bed.folder, 'upload')
    await writeFile(file, 'by curl')
    await promisify(execFile)('curl', ['-fsS', '--noproxy', '*', '-T', file, put], {timeout: 20_000})
    expect(await text(uri)).to.equal('by curl')
    expect(await rejection(store.presign(uri, 'GET', 604_801))).to.include({code: 'bad_input'})
    expect(await rejection(store.presign(uri, 'GET', 0))).to.include({code: 'bad_input'})
  })

  it('says that credentials are wrong, not that a right is missing', async () => {
    const wrong = bed.store({AWS_SECRET_ACCESS_KEY: 'wrong'})
    const failure = await expectedFailure(wrong.put('s3://data/k', Buffer.from('x')))
    expect(failure.details).to.include({aws_error: 'SignatureDoesNotMatch'})
    expect((await fetch(await wrong.presign('s3://data/k', 'PUT', 60), {method: 'PUT', body: 'x'})).status).to.equal(403)
    expect(bed.bench.s3.keys('data')).to.deep.equal([])
  })

  it('names the right that is missing, and the line that gives it', async () => {
    bed.bench.world.deny('s3:*')
    const line = (action: string, resource: string) => JSON.stringify({Effect: 'Allow', Action: action, Resource: resource})
    const cases = [
      [() => store.put('s3://data/out/run/x', Buffer.from('x')), line('s3:PutObject', 'arn:aws:s3:::data/out/*')],
      [() => store.get('s3://data/x'), line('s3:GetObject', 'arn:aws:s3:::data/*')],
      [() => store.head('s3://data/out/x'), line('s3:GetObject', 'arn:aws:s3:::data/out/*')],
      [() => collect(store.list('s3://data/out/')), line('s3:ListBucket', 'arn:aws:s3:::data')],
      [() => store.delete(['s3://data/out/a', 's3://data/out/b']), line('s3:DeleteObject', 'arn:aws:s3:::data/out/*')],
    ] as const
    for (const [call, statement] of cases) {
      const failure = await expectedFailure(call())
      expect(failure.code).to.equal('platform_failed')
      expect(failure.message).to.contain(statement)
    }
  })

  it('tells instances how to reach it', async () => {
    expect(await bed.store({AWS_REGION: 'eu-west-1'}).access()).to.deep.equal({region: 'eu-west-1', endpoint: bed.bench.url})
    expect(bed.store({}, 's3://data/runctl/tmp/').scratch).to.equal('s3://data/runctl/tmp/')
  })
})
