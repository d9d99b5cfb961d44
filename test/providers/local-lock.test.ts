import {expect} from 'chai'
import {mkdir, readdir} from 'node:fs/promises'
import {join} from 'node:path'

import {isRunctlError} from '../../src/model/errors.js'
import {FolderLock} from '../../src/providers/local/folder-lock.js'
import {thisMachine} from '../../src/providers/local/machine.js'
import {LocalTestBed, nextMessage, startPeer} from './local-test-bed.js'

describe('the lock of a folder', () => {
  let bed: LocalTestBed
  let folder: string
  let lock: FolderLock
  beforeEach(async () => {
    bed = await LocalTestBed.create()
    folder = join(bed.dataDir, 'lock')
    await mkdir(folder)
    lock = new FolderLock(folder, thisMachine())
  })
  afterEach(() => bed.dispose())

  it('lets one in at a time', async () => {
    let inside = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside)
      await new Promise(resolve => setTimeout(resolve, 1))
      inside--
    }
    await Promise.all(Array.from({length: 40}, () => lock.hold(work)))
    expect(most).to.equal(1)
    expect(await readdir(folder)).to.have.length(1)
  })

  it('is free again after work that fails', async () => {
    const error = await lock.hold(() => Promise.reject(new Error('broken'))).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(Error).with.property('message', 'broken')
    expect(await lock.hold(() => Promise.resolve('next'))).to.equal('next')
  })

  it('is not taken from a live process, and is from a dead one', async () => {
    const peer = startPeer('hold', folder)
    await nextMessage(peer)
    const held = nextMessage(peer)
    peer.send('go')
    expect(await held).to.equal('held')
    expect(await lock.holdIfFree(() => Promise.resolve('in'))).to.equal(undefined)
    const refused = await lock.hold(() => Promise.resolve('in'), {timeoutMs: 100}).catch((error: unknown) => error)
    expect(isRunctlError(refused) && refused.message).to.include(`process ${peer.pid} `)

    const waiting = lock.hold(() => Promise.resolve('in'))
    peer.kill('SIGKILL')
    expect(await waiting).to.equal('in')
  })

  it('goes to exactly one of many that find its holder dead', async () => {
    const dead = new FolderLock(folder, {...thisMachine(), pid: 4_000_000, processStart: () => '1'})
    for (let round = 0; round < 20; round++) {
      await new Promise<void>(resolve => void dead.hold(() => new Promise(() => resolve())))
      const work = (): Promise<number> => new Promise(resolve => setTimeout(() => resolve(1), 5))
      const winners = await Promise.all(Array.from({length: 10}, () => lock.holdIfFree(work)))
      expect(winners.filter(winner => winner === 1)).to.have.length(1)
    }
  })

  it('is not kept by a later process with the same id, or by a process of an earlier boot', async () => {
    const machine = thisMachine()
    for (const before of [{...machine, processStart: () => '1'}, {...machine, bootId: () => 'earlier'}]) {
      await new Promise<void>(resolve => void new FolderLock(folder, before).hold(() => new Promise(() => resolve())))
      expect(await lock.holdIfFree(() => Promise.resolve('in'))).to.equal('in')
    }
  })

  it('gives up waiting when the signal says so', async () => {
    const reason = new Error('cancelled')
    const controller = new AbortController()
    const error = await lock.hold(async () => {
      const waiting = lock.hold(() => Promise.resolve(), {signal: controller.signal}).catch((thrown: unknown) => thrown)
      controller.abort(reason)
      return waiting
    })
    expect(error).to.equal(reason)
  })
})
