import {expect} from 'chai'
import type {Interfaces} from '@oclif/core'

import {judgePlugins, type JudgedPlugin} from '../../../src/cli/plugins/judge-plugins.js'
import {preparePlugins} from '../../../src/cli/plugins/prepare-plugins.js'
import {platformCommands} from '../../../src/cli/platform-commands.js'
import {fakePlugin, type FakePlugin} from '../../support/fake-plugin.js'

const OWN = fakePlugin('runctl', {type: 'core', commands: ['local:create', 'run:list', 'plugins'], topics: [{name: 'aws', description: 'EC2'}]})
const shed = (over: object = {}): object => ({apiVersion: 1, platforms: {shed: {description: 'Machines in the shed', ...over}}})

describe('plugins are judged', () => {
  const judge = async (...plugins: readonly FakePlugin[]): Promise<readonly JudgedPlugin[]> => judgePlugins([OWN, ...plugins])
  const messages = (judged: readonly JudgedPlugin[]): readonly string[] => judged.flatMap(({problems}) => problems.map(({message, next}) => [message, ...next].join(' | ')))

  it('without a complaint where nothing is wrong, sorted by name; runctl itself is not among them', async () => {
    const judged = await judge(fakePlugin('b', {commands: ['team:list'], type: 'link'}), fakePlugin('a', {runctl: {...shed(), settings: {shed: {door: {type: 'string', description: 'd'}}}}}))
    expect(judged.map(({apiVersion, isRefused, kind, name, platforms, settings}) => [name, kind, apiVersion, isRefused, Object.keys(platforms), Object.keys(settings)])).to.deep.equal([
      ['a', 'installed', 1, false, ['shed'], ['shed']],
      ['b', 'linked', null, false, [], []],
    ])
    expect(messages(judged)).to.deep.equal([])
  })

  it('by the version of the API before anything else: what is newer asks for a newer runctl', async () => {
    const judged = await judge(fakePlugin('new', {runctl: {apiVersion: 2, engines: {}}}), fakePlugin('old', {runctl: {apiVersion: 0}}))
    expect(judged.every(({isRefused}) => isRefused)).to.equal(true)
    expect(messages(judged)).to.deep.equal([
      'plugin new: version 1.2.3 is written for API 2 of runctl, and this runctl has API 1: nothing of it is used | npm install -g runctl@latest | runctl plugins uninstall new',
      'plugin old: version 1.2.3 is written for API 0 of runctl, and this runctl has API 1: nothing of it is used | runctl plugins update | runctl plugins uninstall old',
    ])
  })

  it('refused as a whole where the block is wrong, with each place', async () => {
    const [judged] = await judge(fakePlugin('a', {runctl: {apiVersion: 1, platforms: {shed: {}}, more: 1}}))
    expect(judged).to.include({isRefused: true})
    expect(judged?.problems[0]?.message).to.match(/^plugin a: its package\.json is wrong.*unknown key "more".*runctl\.platforms\.shed\.description/)
  })

  it('so that of one name there is one platform: runctl comes first, then the plugin whose name does', async () => {
    const judged = await judge(fakePlugin('c', {runctl: shed()}), fakePlugin('b', {runctl: shed()}), fakePlugin('a', {runctl: {apiVersion: 1, platforms: {aws: {description: 'x'}, run: {description: 'x'}, local: {description: 'x'}}}}))
    expect(judged.map(({platforms}) => Object.keys(platforms))).to.deep.equal([[], ['shed'], []])
    expect(messages(judged)).to.deep.equal([
      ...['aws', 'run', 'local'].map(name => `plugin a: its platform ${name} is passed over: runctl has that name | runctl plugins uninstall a`),
      'plugin c: its platform shed is passed over: plugin b has that name | runctl plugins uninstall c',
    ])
  })

  it('so that the flags of `create`, sections and commands that runctl has stay as they are', async () => {
    const flags = {type: {type: 'string', summary: 's'}, shelf: {type: 'string', summary: 's'}, json: {type: 'boolean', summary: 's'}}
    const settings = {aws: {x: {type: 'string', description: 'd'}}, data: {dir: {type: 'string', description: 'd'}}, own: {x: {type: 'string', description: 'd'}}}
    const judged = await judge(fakePlugin('a', {runctl: {...shed({createFlags: flags}), settings}, commands: ['run:list', 'shed:create', 'mine']}), fakePlugin('b', {commands: ['mine', 'shed:stop']}))
    expect(Object.keys(judged[0]?.platforms['shed']?.createFlags ?? {})).to.deep.equal(['shelf'])
    expect(Object.keys(judged[0]?.settings ?? {})).to.deep.equal(['own'])
    expect(judged.map(({shadowed}) => shadowed)).to.deep.equal([['run:list', 'shed:create'], ['mine', 'shed:stop']])
    expect(judged.flatMap(({problems}) => problems.map(({about, name}) => `${about} ${name}`))).to.deep.equal([
      'flag type', 'flag json', 'setting aws', 'setting data', 'command run:list', 'command shed:create', 'command mine', 'command shed:stop',
    ])
    expect(messages(judged)).to.include('plugin b: its command mine is passed over: plugin a has one of that name | runctl plugins uninstall b')
  })

  it('passes over a platform whose commands an earlier plugin exports itself', async () => {
    const judged = await judge(fakePlugin('a', {commands: Object.keys(platformCommands('shed'))}), fakePlugin('b', {runctl: shed()}))
    expect(Object.keys(judged[1]?.platforms ?? {})).to.deep.equal([])
    expect(messages(judged)).to.deep.equal(['plugin b: its platform shed is passed over: plugin a has that name | runctl plugins uninstall b'])
  })

  it('writes a name that a shell would act on so that it does not', async () => {
    const [judged] = await judge(fakePlugin('a; rm -rf ~', {runctl: {apiVersion: 2}}))
    expect(judged?.problems[0]?.next.at(-1)).to.equal("runctl plugins uninstall 'a; rm -rf ~'")
  })
})

describe('plugins are prepared', () => {
  const prepare = async (plugins: readonly FakePlugin[], options?: {readonly keepHooks: boolean}): Promise<void> =>
    preparePlugins({plugins: new Map([OWN, ...plugins].map(plugin => [plugin.name, plugin as unknown as Interfaces.Plugin]))}, options)
  const hook = [{identifier: 'default', target: './x.js'}]

  it('so that a declared platform has the commands of every platform, with its name and its flags, and none is loaded', async () => {
    const plugin = fakePlugin('a', {runctl: shed({createFlags: {shelf: {type: 'string', summary: 'Which shelf.', options: ['top']}, dry: {type: 'boolean', summary: 'Dry.'}}}), commands: ['mine', 'run:list']})
    await prepare([plugin])
    expect(plugin.commands.map(({id}) => id)).to.deep.equal([...Object.keys(platformCommands('shed')).toSorted(), 'mine'])
    const create = plugin.commands.find(({id}) => id === 'shed:create')
    expect(create).to.include({summary: 'Create an instance on shed.', pluginName: 'a'})
    expect(create?.flags['shelf']).to.deep.equal({name: 'shelf', summary: 'Which shelf.', type: 'option', multiple: false, hasDynamicHelp: false, options: ['top']})
    expect(create?.flags['dry']).to.deep.equal({name: 'dry', summary: 'Dry.', type: 'boolean', allowNo: false})
    expect(plugin.topics).to.deep.equal([{name: 'shed', description: 'Machines in the shed'}])
    expect(JSON.stringify(plugin.commands)).to.not.include('name-of-the-platform')
  })

  it('so that each of those commands loads as the class that platformCommands gives', async () => {
    const plugin = fakePlugin('a', {runctl: shed({createFlags: {shelf: {type: 'string', summary: 'Which shelf.', multiple: true}}})})
    await prepare([plugin])
    const classes = platformCommands('shed')
    for (const command of plugin.commands) {
      const loaded = await command.load()
      const {args, flags, summary} = classes[command.id] ?? {}
      expect(loaded.summary, command.id).to.equal(summary)
      expect(Object.keys(loaded.args ?? {}), command.id).to.deep.equal(Object.keys(args ?? {}))
      expect(Object.keys(loaded.flags ?? {}).filter(name => name !== 'shelf'), command.id).to.deep.equal(Object.keys(flags ?? {}))
      expect([loaded.id, (loaded as {plugin?: unknown}).plugin]).to.deep.equal([command.id, plugin])
    }
    const create = await plugin.commands.find(({id}) => id === 'shed:create')?.load()
    expect(create?.flags['shelf']).to.include({multiple: true, multipleNonGreedy: true})
  })

  it('so that one for another API contributes nothing, and is judged the same afterwards', async () => {
    const plugin = fakePlugin('a', {runctl: {...shed(), apiVersion: 2}, commands: ['mine'], hooks: {platforms: hook}, topics: [{name: 'mine'}]})
    const before = await judgePlugins([OWN, plugin])
    await prepare([plugin])
    expect([plugin.commands, plugin.hooks, plugin.topics]).to.deep.equal([[], {}, []])
    expect(await judgePlugins([OWN, plugin])).to.deep.equal(before)
  })

  it('so that what is said of runctl\'s own topics is runctl\'s, and what plugins ask is answered by runctl', async () => {
    const plugin = fakePlugin('a', {topics: [{name: 'aws', description: 'mine now'}, {name: 'team'}], hooks: {'runctl-api': hook, posttrain: hook}})
    await prepare([plugin])
    expect([plugin.topics, Object.keys(plugin.hooks)]).to.deep.equal([[{name: 'team'}], ['posttrain']])
  })

  it('without their hooks for the commands about plugins', async () => {
    const plugin = fakePlugin('a', {hooks: {init: hook}})
    await prepare([plugin], {keepHooks: false})
    expect(plugin.hooks).to.deep.equal({})
  })
})
