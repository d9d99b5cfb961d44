import {expect} from 'chai'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'

import {RunctlError} from '../../../src/model/errors.js'
import {COMMANDS} from '../src/commands.js'
import {notify, spoolFolder} from '../src/notify.js'
import {SenderLock} from '../src/sender-lock.js'
import {type startSender} from '../src/start-sender.js'
import {CHECKPOINT, INSTANCE, runStatus} from './samples.js'
import {Webhook} from './webhook.js'

const ROOT = path.join(import.meta.dirname, '..')

describe('a step of runctl-plugin-notify', () => {
  let dataDir: string
  let webhook: Webhook
  let notes: string[]
  let started: number

  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'notify-'))
    webhook = await Webhook.open()
    notes = []
    started = 0
  })
  afterEach(async () => {
    await webhook.close()
    await rm(dataDir, {recursive: true, force: true, maxRetries: 5})
  })

  const told = {event: 'posttrain', platform: 'local', instance: INSTANCE, run: runStatus()} as const
  const context = (settings: Readonly<Record<string, unknown>>): Parameters<typeof notify>[1] => ({note: message => notes.push(message), RunctlError, settings: {notify: settings}})
  const count = async (): Promise<void> => void (started += 1)
  const waiting = async (): Promise<readonly string[]> => readdir(path.join(spoolFolder(dataDir), 'waiting')).catch(() => [])

  it('lays the message down for its owner alone and starts a sender', async () => {
    await notify(dataDir, context({url: webhook.url}), told, count)
    const [name = ''] = await waiting()
    expect(name).to.match(/^\d{15}-[0-9a-f-]{36}\.json$/)
    expect((await stat(path.join(spoolFolder(dataDir), 'waiting', name))).mode & 0o777).to.equal(0o600)
    expect([started, notes]).to.deep.equal([1, []])
  })

  it('does nothing without an address, and nothing for an event that nobody asked for', async () => {
    await notify(dataDir, context({}), told, count)
    await notify(dataDir, context({url: webhook.url, events: ['interrupted']}), told, count)
    expect([await waiting(), started, notes]).to.deep.equal([[], 0, []])
  })

  it('says once what is wrong with the settings, without the address', async () => {
    for (let turn = 0; turn < 2; turn += 1) await notify(dataDir, context({url: 'ftp://s3cr3t.example'}), told, count)
    await notify(dataDir, context({url: webhook.url, events: ['lunch']}), told, count)
    expect(notes).to.have.length(2)
    expect(notes[0]).to.match(/^notify: no message is sent: notify\.url: expected .*; next: read -rs RUNCTL_NOTIFY_URL/).and.not.contain('s3cr3t')
    expect(notes[1]).to.contain('"lunch" is none of posttrain')
  })

  it('says so where nothing can be laid down, and does not fail', async () => {
    await writeFile(spoolFolder(dataDir), 'a file in the way')
    await notify(dataDir, context({url: webhook.url}), told, count)
    expect(notes.join()).to.match(/^notify: no message is sent: /).and.not.contain('s3cr3t')
  })

  it('tells of checkpoints as often as is asked for', async () => {
    const saved = {event: 'checkpoint-saved', platform: 'local', instance: INSTANCE, runId: 'r-1', checkpoint: CHECKPOINT} as const
    const settings = context({url: webhook.url, events: ['checkpoint-saved'], checkpoint_gap: 3_600_000})
    for (let turn = 0; turn < 3; turn += 1) await notify(dataDir, settings, saved, count)
    await notify(dataDir, settings, {...saved, runId: 'r-2'}, count)
    expect(await waiting()).to.have.length(2)
  })

  it('tells in the next command what could not be delivered', async () => {
    await mkdir(path.join(spoolFolder(dataDir), 'failed'), {recursive: true})
    const failed = {id: 'a', event: 'posttrain', at: '2026-11-23T12:00:00Z', failed_at: '2026-11-23T12:10:00Z', host: 'hooks.example', why: 'HTTP 410'}
    await writeFile(path.join(spoolFolder(dataDir), 'failed', '000000000000001-a.json'), JSON.stringify(failed))
    for (let turn = 0; turn < 2; turn += 1) await notify(dataDir, context({url: webhook.url}), told, count)
    expect(notes).to.deep.equal(['notify: a message was not delivered, the last one to hooks.example: HTTP 410; see: runctl notify status'])
  })

  describe('with the real sender', () => {
    /** The built one: it is what node can run. */
    const startBuilt = async (folder: string): Promise<void> => {
      const {startSender: start} = (await import(path.join(ROOT, 'dist', 'start-sender.js'))) as {readonly startSender: typeof startSender}
      await start(folder)
    }

    it('delivers after the command has gone, once each, also of two commands at once', async () => {
      await Promise.all([1, 2, 3, 4].map(async () => notify(dataDir, context({url: webhook.url}), told, startBuilt)))
      await webhook.has(4)
      const ids = webhook.received.map(({headers}) => headers['idempotency-key'])
      expect(new Set(ids).size).to.equal(ids.length)
    })

    it('takes over from a sender that was killed, with the same key', async () => {
      webhook.answer = received => (received === 1 ? 'hang' : {status: 200})
      await notify(dataDir, context({url: webhook.url}), told, startBuilt)
      await webhook.has(1)
      const pid = Number.parseInt(await readFile(path.join(spoolFolder(dataDir), 'sender'), 'utf8'), 10)
      process.kill(pid, 'SIGKILL')
      const lock = new SenderLock(spoolFolder(dataDir))
      while (await lock.isHeld()) await new Promise(resolve => setImmediate(resolve))
      await notify(dataDir, context({url: webhook.url, events: []}), told, startBuilt)
      await webhook.has(2)
      expect(webhook.received[1]?.headers['idempotency-key']).to.equal(webhook.received[0]?.headers['idempotency-key'])
    })

    it('has the address neither in its arguments nor in its environment', async function () {
      if (process.platform !== 'linux') return this.skip()
      webhook.answer = () => 'hang'
      process.env['RUNCTL_NOTIFY_URL'] = webhook.url
      try {
        await notify(dataDir, context({url: webhook.url}), told, startBuilt)
      } finally {
        delete process.env['RUNCTL_NOTIFY_URL']
      }
      await webhook.has(1)
      const pid = Number.parseInt(await readFile(path.join(spoolFolder(dataDir), 'sender'), 'utf8'), 10)
      const seen = `${await readFile(`/proc/${pid}/cmdline`, 'latin1')}${await readFile(`/proc/${pid}/environ`, 'latin1')}${(await waiting()).join()}`
      process.kill(pid, 'SIGKILL')
      expect(seen).to.contain('sender.js').and.not.contain('s3cr3t')
    })
  })

  it('is loaded without a runctl or an oclif where it is installed', async () => {
    const script = `await import('./dist/commands.js'); await import('./dist/steps.js')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {cwd: ROOT, stdio: 'inherit'})
    expect(await once(child, 'exit')).to.deep.equal([0, null])
    for (const name of await readdir(path.join(ROOT, 'dist'))) expect(await readFile(path.join(ROOT, 'dist', name), 'utf8'), name).to.not.match(/from '(?!node:|\.\/)/)
  })

  it('and its commands are those of the manifest, of the same version', async () => {
    const read = async (name: string): Promise<{readonly version: string; readonly commands?: object}> => JSON.parse(await readFile(path.join(ROOT, name), 'utf8')) as {version: string; commands?: object}
    const [manifest, {version}] = [await read('oclif.manifest.json'), await read('package.json')]
    expect(Object.keys(manifest.commands ?? {})).to.have.members(Object.keys(COMMANDS))
    expect(manifest.version).to.equal(version)
  })
})
