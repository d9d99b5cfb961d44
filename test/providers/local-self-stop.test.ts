import {spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdir, readFile, rm, stat, utimes, writeFile} from 'node:fs/promises'
import {dirname} from 'node:path'

import {expect} from 'chai'

import {TAGS, type Instance} from '../../src/model/instance.js'
import type {FirstLimits} from '../../src/providers/provider.js'
import {expectedFailure} from '../support/rejection.js'
import {describeAll, isAlive, LocalTestBed, run} from './local-test-bed.js'

describe('a local instance that ends its own time', () => {
  let bed: LocalTestBed
  let id: string
  beforeEach(async () => {
    bed = await LocalTestBed.create()
  })
  afterEach(() => bed.dispose())

  const create = async (limits?: FirstLimits): Promise<Instance> => {
    const made = await bed.provider().createInstance({requestId: 'request-1', tags: {}, ...(limits ? {limits} : {})})
    ;({id} = made)
    return made
  }
  const lay = async (name: string, text: string): Promise<void> => {
    const file = `${bed.home(id)}/.runctl/${name}`
    await mkdir(dirname(file), {recursive: true})
    await writeFile(file, text)
  }
  const look = async (env?: Record<string, string>): Promise<Instance> => (await describeAll(bed.provider(env)))[0] ?? expect.fail('it is gone')
  const pass = (seconds: number): void => {
    bed.now = new Date(bed.now.getTime() + seconds * 1000)
  }
  const limits = (hardSeconds: number | null): FirstLimits => ({forAgent: '{"set":{"max_seconds":1}}', hardSeconds, unattendedSeconds: 60})

  it('needs nothing set up, is stopped and keeps its disk', async () => {
    await create()
    const {selfStop} = bed.provider()
    expect([selfStop.install, selfStop.access, selfStop.endsAs(await look())]).to.deep.equal([null, null, 'stop'])
  })

  it('is stopped by whoever looks next, for its reason, at its time, with all its processes', async () => {
    await create()
    const pid = await run(bed.provider(), id, 'sleep 300 >/dev/null 2>&1 & echo $!; echo kept >file')
    pass(100)
    const at = bed.now.toISOString()
    await lay('power-off', JSON.stringify({reason: 'idle', detail: 'idle for 30 min', at}))
    pass(1000)
    expect(await look()).to.deep.include({state: 'stopped', stateReason: 'idle', stoppedAt: at})
    expect((await look()).tags[TAGS.guard]).to.equal('idle for 30 min')
    expect(isAlive(Number(pid))).to.equal(false)
    expect(await readFile(`${bed.home(id)}/file`, 'utf8')).to.equal('kept\n')
    await bed.provider().startInstance(id)
    const again = await look()
    expect(again).to.include({state: 'running', stateReason: null}).and.not.to.have.property('stoppedAt')
    expect(await run(bed.provider(), id, 'ls .runctl')).to.equal('')
  })

  it('is stopped before a script comes to run on it', async () => {
    await create()
    await lay('power-off', '{"reason":"budget"}')
    const {code, details} = await expectedFailure(run(bed.provider(), id, 'echo ran >file'))
    expect([code, details['state_reason']]).to.deep.equal(['wrong_state', 'budget'])
    expect(existsSync(`${bed.home(id)}/file`)).to.equal(false)
  })

  it('is stopped whatever stands in the file; what makes no sense in it is passed over', async () => {
    await create()
    const texts = [
      '', '[]', 'null', '{"reason":"interrupted","at":"2099-01-01T00:00:00Z","detail":7}', '{"at":"1999-01-01T00:00:00Z"}', '{"at":"never","reason":{}}', 'x'.repeat(100_000),
    ]
    for (const text of texts) {
      await lay('power-off', text)
      pass(60)
      expect(await look(), text.slice(0, 80)).to.deep.include({state: 'stopped', stateReason: null, stoppedAt: bed.now.toISOString()})
      expect((await look()).tags).to.not.have.property(TAGS.guard)
      await bed.provider().startInstance(id)
    }
    await lay('power-off', JSON.stringify({detail: '\u001b[2J' + 'ü'.repeat(400)}))
    expect([...((await look()).tags[TAGS.guard] ?? '')]).to.have.length(256)
  })

  it('is not ended from within itself', async () => {
    await create()
    await lay('power-off', '{}')
    expect((await look({RUNCTL_INSTANCE_ID: id})).state).to.equal('running')
    expect((await look()).state).to.equal('stopped')
  })

  it('is born with its limits, which nobody else can read', async () => {
    await create(limits(100))
    expect(await readFile(`${bed.home(id)}/.runctl/limits.json`, 'utf8')).to.equal('{"set":{"max_seconds":1}}')
    expect(await readFile(`${bed.home(id)}/.runctl/watch`, 'utf8')).to.equal('100 60\n')
    const modes = await Promise.all(['', '/limits.json', '/watch'].map(async name => (await stat(`${bed.home(id)}/.runctl${name}`)).mode & 0o777))
    expect(modes).to.deep.equal([0o700, 0o600, 0o600])
    // The same request again changes nothing.
    await lay('watch', '- -\n')
    await create(limits(100))
    expect(await readFile(`${bed.home(id)}/.runctl/watch`, 'utf8')).to.equal('- -\n')
  })

  it('is stopped at the hard limit by whoever looks next, where its guard is gone', async () => {
    await create(limits(100))
    pass(100)
    expect((await look()).state).to.equal('running')
    pass(1)
    await lay('guard-alive', '')
    expect((await look()).state).to.equal('running')
    await utimes(`${bed.home(id)}/.runctl/guard-alive`, new Date(), new Date(Date.now() - 600_000))
    expect(await look()).to.deep.include({state: 'stopped', stateReason: 'budget', stoppedAt: bed.now.toISOString()})
    expect((await look()).tags[TAGS.guard]).to.contain('more than 100 s')
  })

  it('counts all its starts, and no time between them', async () => {
    await create(limits(2000))
    pass(60)
    await bed.provider().stopInstance(id)
    pass(10_000)
    await bed.provider().startInstance(id)
    pass(1940)
    expect((await look()).state).to.equal('running')
    pass(1)
    expect((await look()).state).to.equal('stopped')
  })

  it('has 15 minutes after each later start, although the hard limit is past', async () => {
    await create(limits(100))
    pass(101)
    expect((await look()).state).to.equal('stopped')
    await bed.provider().startInstance(id)
    pass(899)
    expect((await look()).state).to.equal('running')
    pass(1)
    expect((await look()).state).to.equal('stopped')
  })

  it('goes on without a limit that can be read', async () => {
    await create()
    pass(1_000_000)
    for (const line of ['- -\n', '', 'x y\n', '-5 -\n', '1e3 -\n', `${'9'.repeat(30)} -\n`]) {
      await lay('watch', line)
      expect((await look()).state, line).to.equal('running')
    }
    await rm(`${bed.home(id)}/.runctl/watch`)
    spawnSync('mkfifo', [`${bed.home(id)}/.runctl/watch`])
    expect((await look()).state).to.equal('running')
  })

  it('tells when a person stopped it', async () => {
    await create()
    pass(5)
    const at = bed.now.toISOString()
    expect(await bed.provider().stopInstance(id)).to.deep.include({stoppedAt: at, stateReason: 'user'})
    pass(5)
    expect(await look()).to.deep.include({stoppedAt: at})
    expect(await bed.provider().terminateInstance(id)).to.deep.include({stoppedAt: at})
  })

  it('does not say when the machine went down under it', async () => {
    await create()
    await bed.provider().stopInstance(id)
    await bed.provider().startInstance(id)
    bed.bootId = 'boot-2'
    expect(await look()).to.include({state: 'stopped', stateReason: 'interrupted'}).and.not.to.have.property('stoppedAt')
  })
})
