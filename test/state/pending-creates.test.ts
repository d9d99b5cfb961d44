import {spawn} from 'node:child_process'
import {mkdtemp, readdir, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {PendingCreates, type PendingCreatesOptions} from '../../src/state/pending-creates.js'
import {isAlive, thisProcess, type ProcessMark} from '../../src/state/process-mark.js'
import {expectedFailure} from '../support/rejection.js'

const REQUEST = {name: 'mine', instanceType: null, options: {spot: true, zone: 'a'}, project: 'p', owner: 'eva', count: 1}
/** A number that no process has: above the largest that Linux gives out. */
const DEAD: ProcessMark = {pid: 4_194_305, startedAt: '1'}
const HOUR_MS = 3_600_000

describe('PendingCreates', () => {
  let dataDir: string
  let now: Date
  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'runctl-pending-'))
    now = new Date('2026-11-23T12:00:00Z')
  })
  afterEach(() => rm(dataDir, {recursive: true}))

  const journal = (over: Partial<PendingCreatesOptions> = {}): PendingCreates => new PendingCreates({dataDir, platform: 'aws', settings: {region: 'r'}, now: () => now, ...over})
  const cutOff = async (over: Partial<PendingCreatesOptions> = {}, request: object = REQUEST, ids: readonly string[] = ['req-1']): Promise<unknown> =>
    journal({process: DEAD, ...over}).begin(request, ids)
  const files = (): Promise<string[]> => readdir(path.join(dataDir, 'pending-creates'))

  it('keeps a request until it is settled', async () => {
    const entry = await journal().begin(REQUEST, ['req-1'])
    expect(entry).to.deep.include({requestIds: ['req-1'], resumedFrom: null})
    expect(await files()).to.have.length(1)
    await entry.settle()
    expect(await files()).to.deep.equal([])
  })

  it('gives the same request the keys of one whose process died, once', async () => {
    await cutOff()
    now = new Date('2026-11-23T12:10:00Z')
    const sameInOtherOrder = {count: 1, owner: 'eva', project: 'p', options: {zone: 'a', spot: true}, instanceType: null, name: 'mine'}
    const entry = await journal().begin(sameInOtherOrder, ['req-2'])
    expect(entry).to.deep.include({requestIds: ['req-1'], resumedFrom: '2026-11-23T12:00:00.000Z'})
    expect((await journal().begin(REQUEST, ['req-3'])).requestIds).to.deep.equal(['req-3'])
    await entry.settle()
    expect(await files()).to.have.length(1)
  })

  it('gives it to one alone of many that try at once', async () => {
    await cutOff()
    const entries = await Promise.all(Array.from({length: 20}, async (_, at) => journal().begin(REQUEST, [`req-n${at}`])))
    expect(entries.filter(({requestIds}) => requestIds[0] === 'req-1')).to.have.length(1)
    expect(new Set(entries.map(({requestIds}) => requestIds[0])).size).to.equal(20)
  })

  it('shares nothing with a process that lives, and takes over when it was killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {stdio: 'ignore'})
    const mark = {pid: child.pid!, startedAt: '0'}
    await cutOff({process: mark})
    expect((await journal().begin(REQUEST, ['req-2'])).requestIds).to.deep.equal(['req-2'])
    const gone = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    expect((await journal().begin(REQUEST, ['req-3'])).requestIds).to.deep.equal(['req-1'])
  })

  it('takes a process with the number of the dead one for another', function () {
    if (process.platform !== 'linux') return this.skip()
    expect(isAlive(thisProcess())).to.equal(true)
    expect(isAlive({...thisProcess(), startedAt: '1'})).to.equal(false)
    expect(isAlive({pid: 1, startedAt: '0'})).to.equal(true)
    return undefined
  })

  it('knows another request by anything in it, the platform and its settings', async () => {
    for (const [over, request] of [
      [{platform: 'ssh'}, REQUEST],
      [{settings: {region: 'other'}}, REQUEST],
      [{}, {...REQUEST, name: null}],
      [{}, {...REQUEST, options: {spot: true}}],
      [{}, {...REQUEST, instanceType: 'g5.xlarge'}],
    ] as const) {
      await cutOff(over, request)
      expect((await journal().begin(REQUEST, ['req-mine'])).requestIds).to.deep.equal(['req-mine'])
    }
  })

  it('forgets after an hour', async () => {
    await cutOff()
    now = new Date(now.getTime() + HOUR_MS + 1)
    const entry = await journal().begin(REQUEST, ['req-2'])
    expect(entry.requestIds).to.deep.equal(['req-2'])
    await entry.settle()
    expect(await files()).to.deep.equal([])
  })

  it('keeps several keys, and a fresh one in the place of another', async () => {
    await cutOff({}, {...REQUEST, count: 2}, ['req-1', 'req-2'])
    const entry = await journal({process: DEAD}).begin({...REQUEST, count: 2}, ['x', 'y'])
    expect(entry.requestIds).to.deep.equal(['req-1', 'req-2'])
    const fresh = await entry.replace('req-2')
    expect(fresh).to.match(/^req-[0-9a-f-]{36}$/)
    expect((await journal().begin({...REQUEST, count: 2}, ['x', 'y'])).requestIds).to.deep.equal(['req-1', fresh])
  })

  it('passes over what is no entry', async () => {
    await cutOff()
    const [name = ''] = await files()
    await writeFile(path.join(dataDir, 'pending-creates', name), '{"begun_at": 1')
    await writeFile(path.join(dataDir, 'pending-creates', 'notes.txt'), 'x')
    expect((await journal().begin(REQUEST, ['req-2'])).requestIds).to.deep.equal(['req-2'])
  })

  it('creates nothing where it cannot be written down', async () => {
    await writeFile(path.join(dataDir, 'pending-creates'), '')
    const error = await expectedFailure(journal().begin(REQUEST, ['req-1']))
    expect(error.code).to.equal('platform_failed')
    expect(error.message).to.include('nothing was created')
  })
})
