import {expect} from 'chai'
import {mkdir, readdir, readFile, stat, writeFile} from 'node:fs/promises'

import {isRunctlError, RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import {localPlatform, refuseWindows} from '../../src/providers/local/local-platform.js'
import registerLocal from '../../src/hooks/platforms/local.js'
import {describeAll, LocalTestBed, nextMessage, run, startPeer} from './local-test-bed.js'

describe('a local instance', () => {
  let bed: LocalTestBed
  beforeEach(async () => {
    bed = await LocalTestBed.create()
  })
  afterEach(() => bed.dispose())

  const create = (tags: Record<string, string> = {}) => bed.provider().createInstance({requestId: 'request-1', tags})
  const failure = (promise: Promise<unknown>): Promise<RunctlError> =>
    promise.then(
      () => expect.fail('must be refused'),
      (error: unknown) => (isRunctlError(error) ? error : expect.fail(String(error))),
    )

  it('is pending first and runs at the next look, at no cost', async () => {
    const created = await create()
    expect(created).to.include({platform: 'local', state: 'pending', name: null})
    expect(created).to.include({region: null, instanceType: 'local', lifecycle: 'on-demand'})
    expect(created.id).to.match(/^local-[0-9a-f]{8}$/)
    expect(localPlatform.ownsInstanceId(created.id)).to.equal(true)
    const [seen] = await describeAll(bed.provider())
    expect(seen).to.deep.equal({...created, state: 'running'})
    expect(await bed.provider().pricing.hourlyPrice(created)).to.deep.equal({usdPerHour: 0, source: 'local'})
  })

  it('is made once when two processes ask for it at the same time', async () => {
    const peers = [1, 2, 3].map(() => startPeer('create', bed.dataDir, 'the-same'))
    await Promise.all(peers.map(nextMessage))
    const answers = peers.map(nextMessage)
    for (const peer of peers) peer.send('go')
    expect(new Set(await Promise.all(answers)).size).to.equal(1)
    expect(await readdir(bed.folder('.'))).to.have.length(1)
  })

  it('loses no tag when several processes write at the same time', async () => {
    const {id} = await create()
    const peers = ['a', 'b', 'c'].map(prefix => startPeer('tag', bed.dataDir, id, prefix, '30'))
    await Promise.all(peers.map(nextMessage))
    const done = peers.map(nextMessage)
    for (const peer of peers) peer.send('go')
    await Promise.all(done)
    expect(Object.keys((await describeAll(bed.provider()))[0]?.tags ?? {})).to.have.length(90)
  })

  it('has another id in another data folder, so that their processes are told apart', async () => {
    const other = await LocalTestBed.create()
    const theirs = await other.provider().createInstance({requestId: 'request-1', tags: {}})
    expect(theirs.id).not.to.equal((await create()).id)
    await other.dispose()
  })

  it('is stopped as interrupted after a reboot of the machine, and starts again with its disk', async () => {
    const {id, launchedAt} = await create({kept: 'yes'})
    await run(bed.provider(), id, 'echo 1 > file')
    bed.bootId = 'boot-2'
    expect((await describeAll(bed.provider()))[0]).to.include({state: 'stopped', stateReason: 'interrupted'})
    const refused = await failure(run(bed.provider(), id, 'true'))
    expect(refused).to.include({code: 'wrong_state'})
    expect(refused.next).to.deep.equal([`runctl local start ${id} --wait`])
    expect(await bed.provider().stopInstance(id)).to.include({state: 'stopped', stateReason: 'interrupted'})

    expect(await bed.provider().startInstance(id)).to.include({state: 'pending', stateReason: null})
    expect(Date.parse((await describeAll(bed.provider()))[0]?.launchedAt ?? '')).to.be.greaterThan(Date.parse(launchedAt ?? ''))
    expect(await run(bed.provider(), id, 'cat file')).to.equal('1')
  })

  it('tells the reason for a stop that its tags name, else that it was a person', async () => {
    const {id} = await create()
    expect(await bed.provider().stopInstance(id)).to.include({stateReason: 'user'})
    await bed.provider().startInstance(id)
    await bed.provider().setTags(id, {[TAGS.stateReason]: 'budget'})
    expect(await bed.provider().stopInstance(id)).to.include({stateReason: 'budget'})
  })

  it('loses its home at once when terminated, stays visible for an hour, then is gone', async () => {
    const {id} = await create()
    await run(bed.provider(), id, 'mkdir -p deep/er && echo 1 > deep/er/file && chmod 500 deep/er')
    await bed.provider().terminateInstance(id)
    expect(await readdir(bed.folder(id))).not.to.include('home')
    expect((await failure(bed.provider().stopInstance(id))).code).to.equal('wrong_state')

    bed.now = new Date(bed.now.getTime() + 3_599_000)
    expect((await describeAll(bed.provider()))[0]).to.include({id, state: 'terminated'})
    bed.now = new Date(bed.now.getTime() + 2000)
    expect(await describeAll(bed.provider())).to.deep.equal([])
    expect(await readdir(bed.folder('.'))).to.deep.equal([])
    expect((await failure(bed.provider().terminateInstance(id))).code).to.equal('not_found')
  })

  for (const [state, after] of [['stopping', 'stopped'], ['shutting-down', 'terminated']] as const) {
    it(`is ${after} at the next look when the runctl that left it ${state} was killed`, async () => {
      const {id} = await create()
      const path = bed.folder(id, 'instance.json')
      await writeFile(path, (await readFile(path, 'utf8')).replace('"running"', `"${state}"`))
      expect((await describeAll(bed.provider()))[0]?.state).to.equal(after)
      expect(await stat(bed.home(id)).then(() => true, () => false)).to.equal(after === 'stopped')
    })
  }

  it('refuses ids that are none of its own, whatever path they spell', async () => {
    await mkdir(bed.folder('elsewhere', 'lock'), {recursive: true})
    for (const id of ['i-0123456789abcdef0', '../elsewhere', 'elsewhere', 'local-00000000/../elsewhere', '']) {
      const error = await failure(bed.provider().terminateInstance(id))
      expect(error).to.include({code: 'not_found'})
      expect(error.next).to.deep.equal(['runctl local status'])
      expect(localPlatform.ownsInstanceId(id)).to.equal(false)
    }
  })

  it('is not made with tags, types or request ids that it cannot have', async () => {
    const provider = bed.provider()
    const wrong = [
      {requestId: 'a', tags: {['k'.repeat(129)]: ''}},
      {requestId: 'a', tags: {'': ''}},
      {requestId: 'a', tags: {key: 'v'.repeat(257)}},
      {requestId: 'a', tags: {}, name: 'n'.repeat(257)},
      {requestId: 'a', tags: {}, instanceType: 'g5.xlarge'},
      {requestId: 'a'.repeat(65), tags: {}},
      {requestId: '', tags: {}},
    ]
    for (const request of wrong) expect((await failure(provider.createInstance(request))).code).to.equal('bad_input')
    expect(await describeAll(provider)).to.deep.equal([])
    const {id} = await create({kept: 'yes'})
    expect((await failure(provider.setTags(id, {key: 'v'.repeat(257)}))).code).to.equal('bad_input')
  })

  it('is not ended from within itself', async () => {
    const {id} = await create()
    const inside = bed.provider({...process.env, RUNCTL_INSTANCE_ID: id})
    expect((await failure(inside.stopInstance(id))).code).to.equal('wrong_state')
    expect((await failure(inside.terminateInstance(id))).code).to.equal('wrong_state')
  })

  it('names the file when its record is damaged', async () => {
    const {id} = await create()
    const path = bed.folder(id, 'instance.json')
    const whole = await readFile(path, 'utf8')
    for (const text of ['', '[]', 'null', whole.replace('"version": 1', '"version": 2'), whole.slice(0, 40)]) {
      await writeFile(path, text)
      const error = await failure(describeAll(bed.provider()))
      expect(error.code).to.equal('platform_failed')
      expect(error.message).to.include(path)
    }
    await writeFile(path, whole)
  })

  it('comes from a platform that any system but Windows can have', async () => {
    expect(() => refuseWindows('linux')).not.to.throw()
    expect(() => refuseWindows('darwin')).not.to.throw()
    expect(() => refuseWindows('win32')).to.throw(RunctlError, 'WSL')
    const platforms = await registerLocal.call({} as never, {} as never)
    expect(platforms).to.deep.equal([localPlatform])
  })
})
