import {cp, mkdir, readdir, readFile, rm, symlink, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {PluginReport} from '../../src/model/plugin-report.js'
import {Bench, collect, type ErrorDocument, type Outcome} from './support/bench.js'
import {validated} from './support/json-schema.js'
import {REPOSITORY} from './support/repository.js'

describe('runctl and its plugins', () => {
  let bench: Bench
  let shed: string

  before(async () => {
    bench = await Bench.create()
    shed = path.join(bench.root, 'shed')
    await cp(path.join(REPOSITORY, 'test/e2e/shed-plugin'), shed, {recursive: true})
    await mkdir(path.join(shed, 'node_modules', '@oclif'), {recursive: true})
    await symlink(path.join(REPOSITORY, 'node_modules', '@oclif', 'core'), path.join(shed, 'node_modules', '@oclif', 'core'))
  })
  // Each test has its own plugins, and none when it begins: a retried one as well.
  beforeEach(() => rm(path.join(bench.root, 'data', 'package.json'), {force: true}))
  after(() => bench.destroy())

  const OFFLINE = {npm_config_offline: 'true', NO_COLOR: '1'}
  const run = (argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
    collect(bench.spawn(argv, {env: {...OFFLINE, HOME: path.join(bench.root, 'home'), ...env}}), 60_000, argv)
  const ok = async (...argv: readonly string[]): Promise<Outcome> => {
    const outcome = await run(argv)
    expect(outcome.code, `${argv.join(' ')}\n${outcome.stdout}${outcome.stderr}`).to.equal(0)
    return outcome
  }
  const plugin = async (name: string, manifest: object, files: Readonly<Record<string, string>> = {}): Promise<string> => {
    const folder = path.join(bench.root, 'plugins', name)
    await mkdir(folder, {recursive: true})
    for (const [file, text] of Object.entries({'package.json': JSON.stringify({name, version: '1.0.0', type: 'module', oclif: {}, ...manifest}), ...files})) await writeFile(path.join(folder, file), text)
    return folder
  }
  const reports = async (): Promise<readonly PluginReport[]> => validated((await ok('plugins', '--json')).stdout, 'plugins') as readonly PluginReport[]
  const problemsOf = async (name: string): Promise<readonly string[]> => (await reports()).find(one => one.name === name)?.problems.map(({message}) => message) ?? []

  it('shows what a linked one contributes, and what it costs', async () => {
    const linked = validated((await ok('plugins', 'link', shed, '--json')).stdout, 'plugins-link') as readonly PluginReport[]
    expect(await reports()).to.deep.equal(linked)
    expect(linked).to.have.length(1)
    expect(linked[0]).to.deep.include({
      name: 'runctl-plugin-shed', version: '1.0.0', kind: 'linked', path: shed, used: true, api_version: 1, platforms: ['shed'], settings: ['shed'], commands: ['shelves'],
      steps: ['postcreate', 'precreate'], hooks: [], checkpoint_formats: [],
    })
    expect(linked[0]?.problems).to.deep.equal([{
      message: 'plugin runctl-plugin-shed: it has commands, but no oclif.manifest.json: every run of runctl loads all of them',
      next: [`cd ${shed} && npx oclif manifest`],
    }])
    const core = JSON.parse((await ok('plugins', '--core', '--json')).stdout) as readonly PluginReport[]
    expect(core.filter(({kind}) => kind === 'core').map(({name}) => name)).to.include.members(['runctl', '@oclif/plugin-plugins'])
    expect(validated((await ok('plugins', 'unlink', 'runctl-plugin-shed', '--json')).stdout, 'plugins-uninstall')).to.deep.equal({removed: ['runctl-plugin-shed']})
    expect((await ok('plugins')).stdout).to.equal('No plugins installed.\n')
  })

  it('gives its commands what they ask for: settings, platforms, the agent; it needs nothing of runctl in its folder', async () => {
    await ok('plugins', 'link', shed)
    await bench.write('.runctl.toml', '[shed]\nshelves = ["wood", "steel"]\ndoor = "Open"\n')
    try {
      expect((await ok('shelves')).stdout).to.equal('wood\nsteel\n')
      expect((await run(['shelves'], {RUNCTL_SHED_SHELVES: 'a,b'})).stdout).to.equal('a\nb\n')
      expect((await ok('config', 'get', 'shed.door')).stdout).to.equal('Open\n')
      expect((await run(['config', 'get', 'shed.dor'])).stderr).to.include('did you mean shed.door?')
      const id = (await ok('shed', 'create', '--output', 'text')).stdout.trim()
      expect((await ok('shelves', '--on', id)).stdout).to.match(new RegExp(`^${id} on shed of aws, local, shed: \\d+ processes\n$`))
      expect((await run(['shelves', '--on', 'i-0123456789abcdef0'])).stderr).to.not.include('shed failed')
      await ok('shed', 'terminate', id, '--force')
    } finally {
      await rm(path.join(bench.project, '.runctl.toml'))
    }
  })

  it('refuses one for another API, says so where platforms are needed, and works', async () => {
    const folder = await plugin('future', {runctl: {apiVersion: 2, platforms: {mars: {description: 'Far away'}}}, oclif: {hooks: {platforms: './x.js', init: './x.js'}}}, {'x.js': 'throw new Error("never loaded")\n'})
    const {code, stdout} = await run(['plugins', 'link', folder, '--json'])
    expect([code, (validated(stdout, 'plugins-link') as readonly PluginReport[]).map(({used}) => used)]).to.deep.equal([13, [false]])
    const status = await run(['local', 'status'])
    expect([status.code, status.stdout]).to.deep.equal([13, 'No instances.\n'])
    expect(status.stderr).to.equal('Warning: plugin future: version 1.0.0 is written for API 2 of runctl, and this runctl has API 1: nothing of it is used; try: npm install -g runctl@latest or runctl plugins uninstall future\n')
    expect((await ok('config', 'show')).stderr).to.equal('')
    expect((await run(['mars', 'create'])).code).to.equal(2)
  })

  describe('names one that', () => {
    const throwing = {'x.js': 'throw new Error("boom at load")\n'}
    for (const [what, manifest, files, problem] of [
      ['throws as its commands are loaded', {oclif: {commands: {strategy: 'explicit', target: './x.js'}}}, throwing, /it cannot be loaded: boom at load; nothing of it is used/],
      ['throws as its platforms are loaded', {oclif: {hooks: {platforms: './x.js'}}}, throwing, /its (platforms could not|step at platforms cannot) be loaded: boom at load/],
      ['has topics that oclif falls over', {oclif: {topics: {x: null}}}, {}, /it cannot be loaded: .*; nothing of it is used/],
      ['has a hook that is nothing', {oclif: {hooks: {platforms: [null]}}}, {}, /it cannot be loaded: .*; nothing of it is used/],
      ['declares nonsense', {runctl: {apiVersion: 1, platforms: 3}}, {}, /its package\.json is wrong.*runctl\.platforms: expected an object, found 3/],
      ['gives nonsense for platforms', {oclif: {hooks: {platforms: './x.js'}}}, {'x.js': 'export default () => "mars"\n'}, /did not return a list of platform definitions/],
      ['registers a platform named aws', {oclif: {hooks: {platforms: './x.js'}}}, {'x.js': 'export default () => [{name: "aws", apiVersion: 1, ownsInstanceId: () => true, create() {}}]\n'}, /its platform aws is passed over: runctl has that name/],
    ] as const) {
      it(`${what}, with what gets rid of it, while all else works`, async () => {
        const id = (await ok('local', 'create', '--output', 'text')).stdout.trim()
        const folder = await plugin('bad', {})
        await ok('plugins', 'link', folder)
        await plugin('bad', manifest, files)
        const status = await run(['local', 'status', id, '--json'])
        expect([status.code, (JSON.parse(status.stdout) as {readonly state: string}).state]).to.deep.equal([13, 'running'])
        expect(status.stderr).to.match(problem).and.to.match(/^Warning: plugin bad: .*; try: .*runctl plugins uninstall bad\n$/)
        expect((await problemsOf('bad')).join('\n')).to.match(problem)
        expect((await ok('plugins', 'uninstall', 'bad')).stdout).to.equal('Removed bad.\n')
        expect((await ok('local', 'terminate', id, '--force')).stderr).to.not.include('bad')
      })
    }

    it('shadows commands, or has a step at what is no event, in `runctl plugins` alone', async () => {
      const commands = 'class X { static async run() {} }\nX.run = async () => {}\nexport default {"local:create": X, "run:list": X, mine: X}\n'
      await ok('plugins', 'link', await plugin('rival', {oclif: {commands: {strategy: 'explicit', target: './x.js'}, hooks: {posttrian: './y.js'}}}, {'x.js': commands, 'y.js': 'export default () => {}\n'}))
      expect(await problemsOf('rival')).to.include.members([
        'plugin rival: its command local create is passed over: runctl has one of that name',
        'plugin rival: its command run list is passed over: runctl has one of that name',
        'plugin rival: it has a step at "posttrian", which is no event; posttrain is one',
      ])
      expect((await ok('run', 'list', '--json')).stdout.trim()).to.equal('[]')
    })

    it('ends the process that loads it, or is gone from its folder', async () => {
      await ok('plugins', 'link', await plugin('quitter', {oclif: {hooks: {posttrain: './x.js'}}}, {'x.js': 'process.exit(3)\n'}))
        .catch(() => undefined)
      const gone = await plugin('gone', {})
      await ok('plugins', 'link', gone)
      await rm(gone, {recursive: true})
      expect(await problemsOf('quitter')).to.deep.equal(['plugin quitter: it cannot be loaded: it ended the process that loaded it, with exit status 3'])
      expect(await problemsOf('gone')).to.deep.equal([`plugin gone: there is no plugin in ${gone} any more; nothing of it is used`])
      await ok('plugins', 'uninstall', 'gone', 'quitter')
      expect(await reports()).to.deep.equal([])
    })
  })

  it('gives a platform that two declare to the one whose name comes first', async () => {
    const shared = {runctl: {apiVersion: 1, platforms: {mars: {description: 'Far away'}}}, oclif: {hooks: {platforms: './x.js'}}}
    const files = {'x.js': 'export default () => [{name: "mars", apiVersion: 1, description: "", ownsInstanceId: () => false, create() {}}]\n'}
    for (const name of ['zeta', 'alpha']) await ok('plugins', 'link', await plugin(name, shared, files))
    expect((await reports()).map(({name, platforms, problems}) => [name, platforms, problems.map(({message}) => message)])).to.deep.equal([
      ['alpha', ['mars'], []],
      ['zeta', [], ['plugin zeta: its platform mars is passed over: plugin alpha has that name']],
    ])
    const {code, stderr} = await run(['mars', 'create'])
    expect(code).to.equal(6)
    expect(stderr).to.include('the platform mars of plugin alpha failed: its `create` gave no provider')
  })

  it('keeps one working that exports its commands itself', async () => {
    const folder = await plugin('old-way', {oclif: {commands: {strategy: 'explicit', target: './commands.js'}, hooks: {platforms: './platforms.js'}}}, {
      'commands.js': "import {platformCommands} from 'runctl'\nexport default platformCommands('shed')\n",
      'platforms.js': await readFile(path.join(shed, 'platforms.js'), 'utf8'),
      'shed-provider.js': await readFile(path.join(shed, 'shed-provider.js'), 'utf8'),
    })
    await mkdir(path.join(folder, 'node_modules'), {recursive: true})
    await symlink(REPOSITORY, path.join(folder, 'node_modules', 'runctl')).catch(() => undefined)
    await ok('plugins', 'link', folder)
    const id = (await ok('shed', 'create', '--output', 'text')).stdout.trim()
    expect((await ok('shed', 'exec', id, 'echo $((6 * 7))')).stdout).to.equal('42\n')
    await ok('shed', 'terminate', id, '--force')
  })

  it('is told what went wrong where nothing could be installed, and nothing has changed', async () => {
    const state = async (): Promise<readonly string[]> => (await readdir(path.join(bench.root, 'data')).catch((): string[] => [])).filter(name => name.startsWith('package'))
    const before = await state()
    const failure = async (...argv: readonly string[]): Promise<readonly [string, string]> => {
      const {code, stdout} = await run([...argv, '--json'])
      const {error} = validated(stdout, 'error') as ErrorDocument
      expect(error.exit_code).to.equal(code)
      return [error.code, error.message]
    }
    const [code, message] = await failure('plugins', 'install', 'runctl-plugin-that-nobody-wrote')
    expect([code, message]).to.deep.equal(['platform_failed', 'could not install runctl-plugin-that-nobody-wrote: the registry of npm packages does not answer (ENOTCACHED). '
      + 'Nothing was changed. A packed plugin (./plugin.tgz) or a folder (./plugin) without dependencies needs no network.'])
    const folder = path.join(bench.root, 'no-plugin')
    await mkdir(folder, {recursive: true})
    expect(await failure('plugins', 'install', folder)).to.deep.equal(['not_found', `there is no plugin in ${folder}: it has no package.json`])
    await writeFile(path.join(folder, 'package.json'), '{"name": "no-plugin", "version": "1.0.0"}')
    expect((await failure('plugins', 'install', folder))[0]).to.equal('bad_input')
    expect((await failure('plugins', 'link', folder))[0]).to.equal('bad_input')
    expect((await failure('plugins', 'install', './nowhere.tgz'))[0]).to.equal('not_found')
    expect(await failure('plugins', 'uninstall', 'nobody')).to.deep.equal(['not_found', 'there is no plugin "nobody"'])
    expect(validated((await ok('plugins', 'update', '--json')).stdout, 'plugins-update')).to.deep.equal([])
    expect(await state()).to.deep.equal(before)
  })

  it('installs one from a path, with its update and its removal', async () => {
    const folder = await plugin('by-path', {oclif: {hooks: {postcreate: './x.js'}}}, {'x.js': 'export default async ({note}) => note("by path")\n'})
    const {stderr, stdout} = await ok('plugins', 'install', path.relative(bench.project, folder), '--json')
    expect(stderr).to.equal('')
    expect((validated(stdout, 'plugins-install') as readonly PluginReport[]).map(({kind, name, steps}) => [name, kind, steps])).to.deep.equal([['by-path', 'installed', ['postcreate']]])
    const id = await ok('local', 'create', '--output', 'text')
    expect(id.stderr).to.match(/^by path$/m)
    expect(validated((await ok('plugins', 'update', '--json')).stdout, 'plugins-update')).to.deep.equal([{name: 'by-path', from: '1.0.0', to: '1.0.0'}])
    await ok('plugins', 'uninstall', 'by-path')
    expect((await ok('local', 'terminate', id.stdout.trim(), '--force')).stderr).to.not.include('by path')
  })
})
