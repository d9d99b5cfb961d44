import {mkdtemp, rm, stat} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {judgePlugins} from '../../src/cli/plugins/judge-plugins.js'
import {Platforms} from '../../src/cli/platforms.js'
import {RunctlError} from '../../src/model/errors.js'
import type {PlatformDefinition} from '../../src/providers/provider.js'
import {fakePlugin} from '../support/fake-plugin.js'
import {HookHost} from '../support/hook-host.js'
import {MemoryProvider} from '../support/memory-provider.js'
import {expectedFailure, rejection} from '../support/rejection.js'

const definition = (name: string, over: Partial<PlatformDefinition> = {}): PlatformDefinition => ({
  name,
  apiVersion: 1,
  description: name,
  ownsInstanceId: id => id.startsWith(`${name}-`),
  create: async () => new MemoryProvider(),
  ...over,
})

describe('Platforms', () => {
  let folder: string
  beforeEach(async () => (folder = await mkdtemp(path.join(tmpdir(), 'runctl-'))))
  afterEach(() => rm(folder, {recursive: true}))

  const load = (...lists: readonly (readonly unknown[])[]): Promise<Platforms> =>
    Platforms.load(new HookHost(Object.fromEntries(lists.map((list, at) => [`plugin-${at}`, {platforms: () => list}])), path.join(folder, 'data')))

  it('names each platform that cannot be used and why, and offers the others', async () => {
    const platforms = await load(
      [definition('good')],
      [definition('Bad Name'), definition('a\nb'), definition('')],
      [definition('old', {apiVersion: 0})],
      [definition('good', {description: 'again'}), definition('ssh')],
    )
    expect(platforms.definitions.map(({name}) => name)).to.deep.equal(['good', 'ssh'])
    expect(platforms.problems).to.have.length(5)
    const said = platforms.problems.join('\n')
    const parts = ['plugin plugin-1: its platform has the name "Bad Name"', String.raw`the name "a\nb"`, 'the name ""', 'plugin plugin-2: its platform old is written for API 0',
      'plugin plugin-3: its platform good is passed over: plugin plugin-0 has that name; try: runctl plugins update or runctl plugins uninstall plugin-3']
    for (const part of parts) expect(said).to.include(part)
    expect(platforms.has('ssh')).to.equal(true)
    expect(platforms.has('old')).to.equal(false)
  })

  it('names a plugin whose hook fails', async () => {
    const host = new HookHost({broken: {platforms: () => Promise.reject(new Error('no token'))}, fine: {platforms: () => [definition('ssh')]}}, folder)
    const platforms = await Platforms.load(host)
    expect(platforms.problems).to.deep.equal(['plugin broken: its platforms could not be loaded: no token; try: runctl plugins update or runctl plugins uninstall broken'])
    expect(platforms.definitions).to.have.length(1)
  })

  it('opens a platform once, with a data folder that exists', async () => {
    let opened = 0
    const provider = new MemoryProvider()
    const platforms = await load([definition('ssh', {create: async ({dataDir}) => {
      opened++
      expect((await stat(dataDir)).isDirectory()).to.equal(true)
      return provider
    }})])
    expect(await Promise.all([platforms.open('ssh'), platforms.open('ssh')])).to.deep.equal([provider, provider])
    expect(opened).to.equal(1)
  })

  it('refuses a name that nobody registered, with the names that are', async () => {
    const error = await expectedFailure((await load([definition('ssh'), definition('local')])).open('nope'))
    expect(error.code).to.equal('bad_input')
    expect(error.message).to.equal('there is no platform nope; known: local, ssh')
  })

  it('hands on an expected failure of opening, and names the platform in any other', async () => {
    const expected = new RunctlError('platform_failed', 'no credentials')
    const platforms = await load([definition('a', {create: () => Promise.reject(expected)}), definition('b', {create: () => Promise.reject(new TypeError('oops'))})])
    expect(await rejection(platforms.open('a'))).to.equal(expected)
    const bug = await rejection(platforms.open('b')) as Error
    expect(bug.message).to.include('platform b')
    expect((bug.cause as Error).message).to.equal('oops')
  })

  it('knows by its form whose an instance id is', async () => {
    const platforms = await load([definition('ssh'), definition('local')])
    expect(platforms.ownerOf('local-1a2b')).to.equal('local')
    expect(() => platforms.ownerOf('i-1234')).to.throw(RunctlError, '"i-1234"').with.property('code', 'bad_input')
  })

  describe('of plugins', () => {
    const own = definition('local', {ownsInstanceId: id => id.startsWith('local-')})
    const beside = (...list: readonly PlatformDefinition[]): Promise<Platforms> =>
      Platforms.load(new HookHost({runctl: {platforms: () => [own]}, odd: {platforms: () => list}}, path.join(folder, 'data')))

    it('never own the id of a built-in one, nor one that they throw at; the plugin is named where nobody owns it', async () => {
      const greedy = await beside(definition('greedy', {ownsInstanceId: () => true}))
      expect([greedy.ownerOf('local-1'), greedy.ownerOf('gpu-box')]).to.deep.equal(['local', 'greedy'])
      const throwing = await beside(definition('aaa', {ownsInstanceId: () => {
        throw new Error('no list of hosts')
      }}))
      expect(throwing.ownerOf('local-1')).to.equal('local')
      expect(throwing.knows('gpu-box')).to.equal(false)
      expect(() => throwing.ownerOf('gpu-box')).to.throw(RunctlError, 'the platform aaa of plugin odd failed: no list of hosts')
        .with.deep.property('next', ['runctl plugins update', 'runctl plugins uninstall odd'])
      expect((await beside(definition('late', {ownsInstanceId: (() => Promise.resolve(true)) as unknown as () => boolean}))).knows('x')).to.equal(false)
    })

    for (const [what, create, why] of [
      ['throws', () => Promise.reject(new TypeError('oops')), 'oops'],
      ['gives nothing', () => Promise.resolve(undefined), 'its `create` gave no provider: createInstance, describeInstances, setTags, terminateInstance, shell.run are missing'],
      ['gives half of a provider', () => Promise.resolve(Object.assign(new MemoryProvider(), {shell: {}})), 'its `create` gave no provider: shell.run is missing'],
    ] as const) {
      it(`are named with what mends it where \`create\` ${what}, and the others work`, async () => {
        const platforms = await beside(definition('bad', {create: create as unknown as PlatformDefinition['create']}))
        const error = await expectedFailure(platforms.open('bad'))
        expect(error).to.deep.include({code: 'platform_failed', message: `the platform bad of plugin odd failed: ${why}`, next: ['runctl plugins update', 'runctl plugins uninstall odd']})
        expect(await platforms.open('local')).to.be.instanceOf(MemoryProvider)
      })
    }

    it('are told once with what mends it: registered twice, named aws, undeclared, not given', async () => {
      const host = new HookHost({runctl: {platforms: () => [definition('aws')]}, odd: {platforms: () => [definition('aws'), definition('mine'), definition('mine'), definition('more')]}}, folder)
      const [judged] = await judgePlugins([fakePlugin('odd', {runctl: {apiVersion: 1, platforms: Object.fromEntries(['mine', 'gone'].map(name => [name, {description: 'x'}]))}})])
      const platforms = await Platforms.load(host, undefined, judged ? [judged] : [])
      expect(platforms.definitions.map(({name}) => name)).to.deep.equal(['aws', 'mine'])
      expect(platforms.problems.map(line => line.split(';')[0])).to.deep.equal([
        'plugin odd: its platform aws is passed over: runctl has that name',
        'plugin odd: it registers the platform mine twice',
        'plugin odd: it registers the platform more, which its package.json does not declare (runctl.platforms)',
        'plugin odd: its package.json declares the platform gone, but its `platforms` hook does not give it',
      ])
    })
  })
})
