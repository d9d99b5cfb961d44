import {GetCommandInvocationCommand, SendCommandCommand} from '@aws-sdk/client-ssm'
import {randomBytes} from 'node:crypto'
import {chmod, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {createServer, type Server} from 'node:http'
import {setTimeout as delay} from 'node:timers/promises'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {RunctlError} from '../../../src/model/errors.js'
import {SsmShell} from '../../../src/providers/aws/shell/ssm-shell.js'
import type {ShellParts} from '../../../src/providers/aws/shell/shell-parts.js'
import {expectedFailure, rejection} from '../../support/rejection.js'
import {processSsm} from './process-ssm.js'

const ID = 'i-0123456789abcdef0'
const idAt = (index: number): string => `i-${String(index).padStart(17, '0')}`
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** Objects at URLs of this machine, in place of S3. */
class UrlStore {
  readonly scratch = 's3://bucket/runctl/tmp/'
  readonly objects = new Map<string, Buffer>()
  readonly deleted: string[] = []
  readonly seen: string[] = []
  /** Prefixes whose region is known: URLs for others could be signed for the wrong one. */
  readonly prepared: string[] = []
  #server: Server | null = null
  #url = ''

  async open(): Promise<void> {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      const uri = `s3:/${request.url ?? ''}`
      request.on('data', (part: Buffer) => chunks.push(part))
      request.on('end', () => {
        this.seen.push(`${request.method} ${uri}`)
        if (request.method === 'PUT') this.objects.set(uri, Buffer.concat(chunks))
        response.writeHead(this.objects.has(uri) ? 200 : 404).end(request.method === 'GET' ? this.objects.get(uri) : '')
      })
    })
    await new Promise<void>(resolve => this.#server?.listen(0, '127.0.0.1', resolve))
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server?.close()
  }

  async put(uri: string, content: Uint8Array | {readonly file: string}): Promise<boolean> {
    this.objects.set(uri, Buffer.from(content as Uint8Array))
    return true
  }

  async get(uri: string): Promise<Uint8Array> {
    return this.objects.get(uri) ?? Promise.reject(new RunctlError('not_found', uri))
  }

  async delete(uris: readonly string[]): Promise<void> {
    this.deleted.push(...uris)
    for (const uri of uris) this.objects.delete(uri)
  }

  async prepareToPresign(uri: string): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    this.prepared.push(uri)
  }

  async presign(uri: string): Promise<string> {
    if (!this.prepared.some(prefix => uri.startsWith(prefix))) throw new Error(`the region of ${uri} is not known yet`)
    return this.#url + uri.slice('s3:/'.length)
  }
}

describe('SsmShell, with commands that really run', () => {
  let ssm: ReturnType<typeof processSsm>
  const wire: NonNullable<Parameters<typeof processSsm>[0]> = {}
  beforeEach(() => {
    delete wire.before
    delete wire.after
    ssm = processSsm(wire)
  })
  afterEach(() => ssm.restore())

  const shell = (changes: Partial<ShellParts> = {}): SsmShell =>
    new SsmShell({clients: ssm.clients, store: null, describe: async () => ({state: 'running', profileArn: 'arn'}), ...changes})

  it('sends once and polls, quickly at first', async () => {
    const {exitCode, stdout, stderr} = await shell().run(ID, {script: 'cat; echo oops >&2; exit 5', stdin: Buffer.from('in\0put'), timeoutMs: 10_000})
    expect([exitCode, text(stdout), text(stderr)]).to.deep.equal([5, 'in\0put', 'oops\n'])
    expect(ssm.count('SendCommand')).to.equal(1)
    expect(ssm.count('GetCommandInvocation')).to.be.within(1, 5)
    const {input} = ssm.mock.commandCalls(SendCommandCommand)[0]?.args[0] ?? expect.fail()
    expect(input).to.deep.include({DocumentName: 'AWS-RunShellScript', InstanceIds: [ID], TimeoutSeconds: 30})
    expect(input.Comment).to.match(/^runctl [0-9a-f-]{36}$/)
    expect(input.Parameters?.['executionTimeout']).to.deep.equal(['20'])
    expect(JSON.stringify(input.Parameters).length).to.be.below(32_000)
  })

  it('runs a command once whose answer was lost', async () => {
    let lose = 2
    wire.after = operation => {
      if (operation === 'SendCommand' && lose-- > 0) throw Object.assign(new Error('socket hang up'), {code: 'ECONNRESET'})
    }
    const file = `/tmp/once-${randomBytes(6).toString('hex')}`
    const {stdout} = await shell().run(ID, {script: `echo ran >>${file}; sleep 1; cat ${file}; rm ${file}`, timeoutMs: 10_000})
    expect(text(stdout)).to.equal('ran\n')
    expect(ssm.count('SendCommand')).to.equal(3)
  }).timeout(20_000)

  it('fetches a megabyte by parts, whole', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'runctl-'))
    await chmod(folder, 0o755)
    const content = randomBytes(1_000_000)
    await writeFile(path.join(folder, 'data'), content, {mode: 0o644})
    const {stdout, stderr} = await shell().run(ID, {script: `cat ${folder}/data; echo e >&2`, timeoutMs: 20_000})
    await rm(folder, {recursive: true})
    expect(Buffer.from(stdout).equals(content)).to.equal(true)
    expect(text(stderr)).to.equal('e\n')
    expect(ssm.count('SendCommand')).to.be.within(50, 70)
  }).timeout(60_000)
  it('ends a script at its limit', async () => {
    const error = await expectedFailure(shell().run(ID, {script: 'sleep 30', timeoutMs: 1000}))
    expect(error.code).to.equal('timed_out')
  })

  it('takes a command back whose caller gives up', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const running = rejection(shell().run(ID, {script: 'sleep 27.18', timeoutMs: 60_000, signal: controller.signal}))
    await delay(500)
    controller.abort(reason)
    expect(await running).to.equal(reason)
    await delay(300)
    expect(ssm.count('CancelCommand')).to.equal(1)
    const polls = ssm.count('GetCommandInvocation')
    await delay(1200)
    expect(ssm.count('GetCommandInvocation')).to.equal(polls)
  })

  it('carries the same for several instances in one command, and reads them together', async () => {
    const ids = Array.from({length: 5}, (_, index) => idAt(index))
    const results = await Promise.all(ids.map(id => shellOfAll.run(id, {script: 'echo "$RUNCTL_INSTANCE_ID"', timeoutMs: 10_000})))
    expect(results.map(({stdout}) => text(stdout))).to.deep.equal(ids.map(id => `${id}\n`))
    expect(ssm.count('SendCommand')).to.equal(1)
    expect(ssm.count('GetCommandInvocation')).to.equal(0)
    expect(ssm.mock.commandCalls(SendCommandCommand)[0]?.args[0].input).to.deep.include({InstanceIds: ids, MaxErrors: '50', MaxConcurrency: '50'})
  })
  let shellOfAll: SsmShell
  beforeEach(() => (shellOfAll = shell()))

  it('runs twice what is asked twice of one instance', async () => {
    const request = {script: 'echo $$', timeoutMs: 10_000}
    const [one, two] = await Promise.all([shellOfAll.run(ID, request), shellOfAll.run(ID, request)])
    expect(text(one.stdout)).not.to.equal(text(two.stdout))
  })

  it('reads those alone whose output is longer than a list tells', async () => {
    const results = await Promise.all([0, 1].map(index => shellOfAll.run(idAt(index), {script: 'head -c 5000 /dev/urandom', timeoutMs: 10_000})))
    expect(results.map(({stdout}) => stdout.length)).to.deep.equal([5000, 5000])
    expect(ssm.count('GetCommandInvocation')).to.equal(2)
  })

  describe('with a bucket', () => {
    const store = new UrlStore()
    beforeEach(() => {
      store.seen.length = 0
      store.deleted.length = 0
      return store.open()
    })
    const leftOvers = async (): Promise<string[]> => {
      for (let tries = 0; tries < 50 && store.objects.size > 0; tries++) await delay(20)
      return [...store.objects.keys()]
    }
    afterEach(() => store.close())

    it('sends input and takes output through it where they are long, and leaves nothing there', async () => {
      const bytes = randomBytes(400_000)
      const {stdout} = await shell({store}).run(ID, {script: 'cat', stdin: bytes, timeoutMs: 20_000})
      expect(Buffer.from(stdout).equals(bytes)).to.equal(true)
      expect(ssm.count('SendCommand')).to.equal(1)
      expect(await leftOvers()).to.deep.equal([])
      expect(store.deleted).to.have.length(2)
    })

    it('keeps what is confidential out of the command', async () => {
      const secret = Buffer.from('KEY=hunter2')
      const {stdout} = await shell({store}).run(ID, {script: 'cat', stdin: secret, timeoutMs: 20_000, confidential: true})
      expect(text(stdout)).to.equal('KEY=hunter2')
      expect([...store.objects.keys()].filter(uri => uri.endsWith('.in'))).to.deep.equal([])
      expect(store.seen.some(line => /^GET .*\.in$/.test(line))).to.equal(true)
      expect(shell({store}).recordsInput).to.equal(false)
      expect(shell().recordsInput).to.equal(true)
    })

    it('fetches the long output of several one by one, without running anything again', async () => {
      const together = shell({store})
      const results = await Promise.all([0, 1, 2].map(index => together.run(idAt(index), {script: 'head -c 40000 /dev/urandom', timeoutMs: 20_000})))
      expect(results.map(({stdout}) => stdout.length)).to.deep.equal([40_000, 40_000, 40_000])
      expect(ssm.count('SendCommand')).to.equal(4)
      expect(store.seen.filter(line => line.startsWith('PUT'))).to.have.length(3)
      expect(await leftOvers()).to.deep.equal([])
    })
  })

  it('says what is wrong before it sends anything', async () => {
    const {maxInputBytes} = shell()
    expect((await expectedFailure(shell().run('local-1', {script: ':', timeoutMs: 1000}))).code).to.equal('not_found')
    expect((await expectedFailure(shell().run(ID, {script: ':', stdin: new Uint8Array(maxInputBytes + 1), timeoutMs: 1000}))).code).to.equal('bad_input')
    expect((await expectedFailure(shell().run(ID, {script: randomBytes(40_000).toString('base64'), timeoutMs: 1000}))).code).to.equal('bad_input')
    expect((await expectedFailure(shell().run(ID, {script: 'a\0b', timeoutMs: 1000}))).code).to.equal('bad_input')
    const reason = new Error('before')
    expect(await rejection(shell().run(ID, {script: ':', timeoutMs: 1000, signal: AbortSignal.abort(reason)}))).to.equal(reason)
    expect(ssm.calls).to.deep.equal([])
    expect(ssm.mock.commandCalls(GetCommandInvocationCommand)).to.have.length(0)
  })
})
