import {execFile} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import {request} from 'node:http'
import {mkdir, mkdtemp, readdir, rm, utimes, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {promisify} from 'node:util'
import {expect} from 'chai'

import type {RehearsalStore} from '../../src/providers/provider.js'
import {openRehearsalStore} from '../../src/providers/local/rehearsal-store/open-rehearsal-store.js'
import {storePrefix, STORE_CONTRACT} from '../../src/testing/store-contract.js'
import {rejection} from '../support/rejection.js'

const AGENT = path.resolve(import.meta.dirname, '../../agent')

/** Begins an upload and resolves with its status; null where the connection was cut. */
function upload(url: string, body: Uint8Array): Promise<number | null> {
  return new Promise(resolve => {
    const sent = request(url, {method: 'PUT', headers: {'content-length': body.length}}, response => {
      response.resume().on('end', () => resolve(response.statusCode ?? null))
    })
    sent.on('error', () => resolve(null)).end(body)
  })
}

describe('the rehearsal store', () => {
  let root: string
  let opened: RehearsalStore
  let endpoint: string

  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'runctl-rehearsal-test-'))
    opened = await openRehearsalStore(root, () => new Date())
    endpoint = (await opened.store.access()).endpoint ?? ''
  })
  after(async () => {
    await opened.close()
    await rm(root, {recursive: true})
  })

  for (const [title, run] of Object.entries(STORE_CONTRACT)) {
    it(`keeps the contract: ${title}`, () => run({store: opened.store, prefix: storePrefix(opened.uri)}))
  }

  it('listens on the loopback interface, and lets nobody in who does not know its address', async () => {
    const {host, origin, pathname} = new URL(endpoint)
    expect(host).to.match(/^127\.0\.0\.1:\d+$/)
    expect(pathname.length).to.be.greaterThan(30)
    await opened.store.put('s3://rehearsal/secret', Buffer.from('x'))
    for (const url of [`${origin}/rehearsal/secret`, `${origin}/guess/rehearsal/secret`, `${endpoint.slice(0, -1)}/rehearsal/secret`, `${origin}/grant/GET-9999999999-00/rehearsal/secret`]) {
      expect((await fetch(url)).status, url).to.equal(403)
    }
    expect((await fetch(`${endpoint}/other/secret`)).status).to.equal(404)
    expect(await (await fetch(`${endpoint}/rehearsal/secret`)).text()).to.equal('x')
  })

  it('takes no body that is not what its digests say', async () => {
    const put = (headers: Record<string, string>): Promise<Response> => fetch(`${endpoint}/rehearsal/digests`, {method: 'PUT', body: 'content', headers})
    const wrong = await put({'x-amz-content-sha256': '0'.repeat(64)})
    expect([wrong.status, await wrong.text()]).to.satisfy(([status, text]: [number, string]) => status === 400 && text.includes('<Code>XAmzContentSHA256Mismatch</Code>'))
    const bad = await put({'x-amz-checksum-sha256': Buffer.alloc(32).toString('base64')})
    expect([bad.status, await bad.text()]).to.satisfy(([status, text]: [number, string]) => status === 400 && text.includes('<Code>BadDigest</Code>'))
    expect(await opened.store.head('s3://rehearsal/digests')).to.equal(null)
  })

  it('holds an upload at its middle and takes the rest when it is let go', async () => {
    const body = randomBytes(3 << 20)
    let release = (): void => undefined
    const held = new Promise<string>(resolve => {
      opened.onceHalfWay(1 << 20, uri => {
        resolve(uri)
        return new Promise(go => (release = go))
      })
    })
    const sent = upload(`${endpoint}/rehearsal/held`, body)
    expect(await held).to.equal('s3://rehearsal/held')
    expect(await opened.store.head('s3://rehearsal/held')).to.equal(null)
    expect(await upload(`${endpoint}/rehearsal/meanwhile`, body)).to.equal(200)
    release()
    expect(await sent).to.equal(200)
    expect(Buffer.compare(await opened.store.get('s3://rehearsal/held'), body)).to.equal(0)
  })

  it('cuts an upload off at its middle and keeps nothing of it', async () => {
    const files = await readdir(root, {recursive: true})
    opened.onceHalfWay(1000, () => Promise.reject(new Error('the instance is gone')))
    expect(await upload(`${endpoint}/rehearsal/small`, randomBytes(100))).to.equal(200)
    expect(await upload(`${endpoint}/rehearsal/cut`, randomBytes(1000))).to.equal(null)
    expect(await opened.store.head('s3://rehearsal/cut')).to.equal(null)
    expect(await upload(`${endpoint}/rehearsal/small`, randomBytes(1000))).to.equal(200)
    expect((await readdir(root, {recursive: true})).length).to.equal(files.length + 1)
  })

  it('is all that the agent needs to upload a file, in parts too, go on with a broken upload, and prove that it is there', async () => {
    const program = `
import hashlib, json, os, sys
sys.path.insert(0, sys.argv[1])
from runctl_agent import s3, s3_upload
s3_upload.SINGLE_BYTES, s3_upload.PART_BYTES = 1 << 20, 1 << 20
bucket = s3.Bucket("rehearsal", {"region": "local", "endpoint": sys.argv[2], "unsigned": True})
path, small = sys.argv[3], sys.argv[3] + ".small"
open(small, "wb").write(b"small")
told = []
def there(key, path, begun):
    content = open(path, "rb").read()
    sha = hashlib.sha256(content).hexdigest()
    checksum = s3_upload.put(bucket, key, path, len(content), sha, begun, told.append)
    return s3_upload.is_there(bucket, key, len(content), sha, checksum) and not s3_upload.is_there(bucket, key, len(content), "0" * 64, "x")
answer = {"small": there("py/small ü", small, None), "parts": there("py/large", path, None)}
begun = {"upload_id": bucket.request("POST", "py/broken", {"uploads": ""}).xml()["UploadId"], "part_bytes": 1 << 20}
first = open(path, "rb").read(1 << 20)
bucket.request("PUT", "py/broken", {"uploadId": begun["upload_id"], "partNumber": 1}, {}, first)
answer["resumed"] = there("py/broken", path, begun)
answer["listed"] = [one["key"] for one in bucket.list("py/")]
s3_upload.abort(bucket, "py/none", "no such upload")
answer["gone"] = bucket.head("py/none")
print(json.dumps(answer))
`
    const file = path.join(root, 'large')
    await writeFile(file, randomBytes((3 << 20) + 17))
    const env = {...process.env, AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x'}
    const {stdout} = await promisify(execFile)('python3', ['-c', program, AGENT, endpoint, file], {env})
    expect(JSON.parse(stdout)).to.deep.equal({small: true, parts: true, resumed: true, listed: ['py/broken', 'py/large', 'py/small ü'], gone: null})
    expect((await opened.store.head('s3://rehearsal/py/large'))?.etag).to.match(/-4$/)
  })

  it('leaves nothing behind, not even what a killed one left a day ago', async () => {
    const other = await mkdtemp(path.join(tmpdir(), 'runctl-rehearsal-test-'))
    const left = path.join(other, 'store-left')
    await mkdir(left)
    await utimes(left, new Date(0), new Date(0))
    const short = await openRehearsalStore(other, () => new Date())
    await short.store.put('s3://rehearsal/x', Buffer.from('x'))
    await short.close()
    expect(await readdir(other)).to.deep.equal([])
    expect(await rejection(fetch((await short.store.access()).endpoint ?? ''))).to.be.an('error')
    await rm(other, {recursive: true})
  })

  it('lets nobody in with a grant that has expired', async () => {
    await opened.store.put('s3://rehearsal/late', Buffer.from('x'))
    expect((await fetch(await opened.store.presign('s3://rehearsal/late', 'GET', -10))).status).to.equal(403)
  })
})
