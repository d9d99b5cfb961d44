import {Flags} from '@oclif/core'
import {expect} from 'chai'

import {createCommand} from '../../src/cli/verbs/create.js'
import {RunctlError} from '../../src/model/errors.js'
import type {CreateInstanceRequest} from '../../src/providers/provider.js'
import {CommandHost, definitionOf} from '../support/command-host.js'
import {MemoryProvider, sampleInstance} from '../support/memory-provider.js'

const EXTRA = {zone: Flags.string(), spot: Flags.boolean(), group: Flags.string({multiple: true, multipleNonGreedy: true}), gib: Flags.integer()}

describe('create', () => {
  let host: CommandHost
  let provider: MemoryProvider
  let asked: CreateInstanceRequest[]
  let refuse: (at: number) => Error | null
  before(async () => (host = await CommandHost.create(() => [definitionOf('mem', async () => provider)])))
  beforeEach(() => {
    provider = new MemoryProvider([], null)
    asked = []
    refuse = () => null
    provider.createInstance = async request => {
      asked.push(request)
      const at = asked.length
      const error = refuse(at)
      if (error) throw error
      return provider.put(sampleInstance({id: `mem-${at}`, tags: request.tags}))
    }
  })
  after(() => host.remove())
  const create = async (...argv: readonly string[]) => host.run(Object.assign(createCommand('mem', EXTRA), {id: 'mem:create'}), argv)

  it('hands on what only this platform knows, by the flags that were given', async () => {
    await create('--zone', 'a', '--group', 'g1', '--group', 'g2', '--gib', '30', '--spot')
    await create()
    expect(asked.map(({options}) => options)).to.deep.equal([{zone: 'a', group: ['g1', 'g2'], gib: 30, spot: true}, undefined])
  })

  it('refuses flags that the platform did not add', async () => {
    expect((await host.run(createCommand('mem'), ['--zone', 'a'])).code).to.equal(2)
    expect(asked).to.deep.equal([])
  })

  it('answers with the object for one and an array for several, as text an id a line', async () => {
    expect(JSON.parse((await create('--json', '--count', '1')).stdout).instance.id).to.equal('mem-1')
    expect((JSON.parse((await create('--json', '--count', '2')).stdout) as readonly {instance: {id: string}}[]).map(one => one.instance.id)).to.deep.equal(['mem-2', 'mem-3'])
    expect((await create('--output', 'text', '--count', '2')).stdout).to.equal('mem-4\nmem-5\n')
  })

  it('names those that exist and run where one of several fails', async () => {
    refuse = at => (at === 2 ? new RunctlError('platform_failed', 'quota') : null)
    const {code, stderr, stdout} = await create('--count', '3')
    expect([code, stdout.match(/mem-[13]/g)?.length]).to.deep.equal([6, 2])
    expect(stderr).to.include('Error: quota').and.to.include('Still running: instance mem-1 ($1.006/h)').and.to.include('instance mem-3 ($1.006/h)').and.to.include('runctl mem terminate mem-3')
    asked = []
    const value = JSON.parse((await create('--count', '3', '--json')).stdout)
    expect(value[1]).to.deep.include({instance_id: null})
    expect(value[1].error).to.deep.include({code: 'platform_failed', exit_code: 6, still_running: ['instance mem-1 ($1.006/h)', 'instance mem-3 ($1.006/h)']})
  })

  it('is one failure where none could be made, for one reason', async () => {
    refuse = () => new RunctlError('platform_failed', 'quota')
    const {code, stderr} = await create('--count', '3')
    expect([code, stderr.match(/Error: quota/g)]).to.deep.equal([6, ['Error: quota']])
    expect(JSON.parse((await create('--count', '3', '--json')).stdout).error.code).to.equal('platform_failed')
  })

  it("uses the user's own key, and refuses one that cannot be one", async () => {
    await create('--request-id', 'exp-7', '--count', '2')
    expect(asked.map(({requestId}) => requestId)).to.deep.equal(['exp-7-1', 'exp-7-2'])
    for (const key of ['', 'a b', 'é', 'x'.repeat(61)]) expect((await create('--request-id', key)).code, key).to.equal(2)
  })

  it('finds the instance of a create whose answer was lost when it is called again', async () => {
    refuse = at => (at === 1 ? new RunctlError('timed_out', 'no answer') : null)
    const lost = await create('--name', 'x')
    expect(lost.code).to.equal(8)
    expect(lost.stderr).to.include('perhaps a new instance on mem').and.to.include('runctl resources list --platform mem')
    // The journal of a process that lives is its own: that of the next process is looked at in test/state.
    expect(asked).to.have.length(1)
  })

  it('only says what it would do with --dry-run', async () => {
    Object.assign(provider, {planCreate: async (request: CreateInstanceRequest) => ({settings: {image: `ami-1 ${request.instanceType ?? ''}`, zone: 'a'}, usdPerHour: 0.5})})
    const {stdout} = await create('--dry-run', '--count', '4', '--type', 'big')
    expect(stdout).to.match(/Would create +4 on mem\nImage +ami-1 big\nZone +a\nCosts +\$2\.00\/h\n/)
    expect(JSON.parse((await create('--dry-run', '--json')).stdout)).to.deep.equal({dry_run: true, platform: 'mem', count: 1, settings: {image: 'ami-1 ', zone: 'a'}, cost_per_hour: 0.5, limits: null, budget: []})
    expect((await create('--dry-run', '--wait')).code).to.equal(2)
    expect(asked).to.deep.equal([])
  })
})
