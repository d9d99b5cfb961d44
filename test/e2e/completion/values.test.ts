import {spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdir, readFile, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {KnownValues} from '../../../src/model/known-values.js'
import {Bench, until} from '../support/bench.js'
import {REPOSITORY} from '../support/repository.js'
import {know} from './real-shell.js'

describe('completion', () => {
  let bench: Bench
  beforeEach(async () => void (bench = await Bench.create({'train.py': 'print("trained")\n'})))
  afterEach(() => bench.destroy())

  const offered = async (...words: readonly string[]): Promise<readonly string[]> =>
    (await bench.ok(['__complete', 'fish', ...words])).stdout.trimEnd().split('\n').slice(1).map(line => line.split('\t')[0] ?? '')

  it('offers at once what commands have seen: instances in a fitting state, runs, projects', async () => {
    // As if refreshed: nothing is to come from behind the back here.
    for (const platform of ['local', 'aws']) await know(bench, platform, {})
    const id = await bench.instance()
    expect(await offered('local', 'stop', '')).to.deep.equal([id])
    await bench.ok(['local', 'train', id, 'train.py', '--wait', '--project-name', 'demo'])
    const [run = ''] = await offered('run', 'logs', '')
    expect(run).to.match(/^run-\d{8}-/)
    expect(await offered('run', 'list', '--instance-id', '')).to.deep.equal([id])
    expect(await offered('checkpoint', 'list', '--project', 'de')).to.deep.equal(['demo'])
    await bench.ok(['local', 'stop', id])
    expect(await offered('local', 'start', '')).to.deep.equal([id])
    await bench.ok(['local', 'terminate', id])
    expect(await offered('local', 'start', '')).to.deep.equal([])
  })

  it('refreshes behind the back what is old, one at a time, and asks nothing of a platform that is not set up', async () => {
    const id = await bench.instance()
    const cache = path.join(bench.root, 'other-cache')
    const env = {RUNCTL_CACHE_DIR: cache}
    expect((await bench.ok(['__complete', 'zsh', 'workflow', 'run', ''], {env})).stdout).to.contain('local\t').and.not.contain(id)
    const known = async (platform: string): Promise<Partial<KnownValues>> => JSON.parse(await readFile(path.join(cache, 'completion', `${platform}.json`), 'utf8').catch(() => '{}')) as Partial<KnownValues>
    await until(async () => (await known('local')).instances?.[0]?.id === id && Date.parse((await known('aws')).refreshAfter ?? '') > Date.now() + 60_000, 60_000, 'both are refreshed')
    await until(() => !existsSync(path.join(cache, 'completion', 'refresh-lock')), 60_000, 'the refresh is through')
    expect((await bench.ok(['__complete', 'zsh', 'workflow', 'run', ''], {env})).stdout).to.contain(`${id}\t`)
    // Another one is on its way: this one leaves it to that.
    await writeFile(path.join(cache, 'completion', 'refresh-lock'), JSON.stringify({pid: process.pid, startedAt: '0'}))
    expect(await bench.json(['__refresh', 'local'], {env})).to.deep.equal([])
  })

  it('covers the platforms, settings and commands of plugins, without loading them; not of one for another API', async () => {
    const data = path.join(bench.root, 'data')
    const plugin = async (name: string, apiVersion: number): Promise<object> => {
      const root = path.join(bench.root, name)
      await mkdir(root)
      const platforms = {[name]: {description: `Machines in the ${name}`, createFlags: {shelf: {type: 'string', summary: 'Which shelf.', options: ['low', 'top']}, row: {type: 'integer', summary: 'Which row.'}}}}
      const settings = {[name]: {locked: {type: 'boolean', description: 'Whether it is locked.'}}}
      await writeFile(path.join(root, 'package.json'), JSON.stringify({name, main: './throws.js', runctl: {apiVersion, platforms, settings}}))
      const completions = {args: {box: 'instance'}}
      await writeFile(path.join(root, 'oclif.manifest.json'), JSON.stringify({commands: {[`${name}s`]: {id: `${name}s`, summary: 'List them.', args: {box: {name: 'box'}}, flags: {}, completions}}}))
      return {name, type: 'link', root}
    }
    await mkdir(data, {recursive: true})
    await writeFile(path.join(data, 'package.json'), JSON.stringify({oclif: {plugins: [await plugin('shed', 1), await plugin('barn', 2), {name: 'gone', type: 'user'}, 7]}}))
    for (const platform of ['local', 'aws', 'shed']) await know(bench, platform, {})
    await know(bench, 'shed', {instances: [{id: 'shed-1', name: null, state: 'running', type: null, project: null, createdAt: null}], suggestions: {row: [{value: '7'}]}})
    expect(await offered('sh')).to.deep.equal(['shed', 'sheds'])
    expect(await offered('ba')).to.deep.equal([])
    expect(await offered('shed', 't')).to.deep.equal(['terminate', 'train'])
    expect(await offered('shed', 'stop', '')).to.deep.equal(['shed-1'])
    expect(await offered('sheds', '')).to.deep.equal(['shed-1'])
    expect(await offered('shed', 'create', '--sh')).to.deep.equal(['--shelf'])
    expect(await offered('shed', 'create', '--shelf', '')).to.deep.equal(['low', 'top'])
    expect(await offered('shed', 'create', '--row=')).to.deep.equal(['--row=7'])
    expect(await offered('resources', 'list', '--platform', 's')).to.deep.equal(['shed'])
    expect(await offered('config', 'set', 'shed.locked', '')).to.deep.equal(['true', 'false'])
    expect(await offered('plugins', 'uninstall', '')).to.deep.equal(['shed', 'barn', 'gone'])
    expect(await offered('plugins', 'install', '')).to.deep.equal([])
  })

  it('loads two modules and reads no more than it asks for: no oclif, no SDK', async () => {
    for (const platform of ['local', 'aws']) await know(bench, platform, {})
    const trace = path.join(bench.root, 'trace')
    const argv = ['--import', path.join(REPOSITORY, 'test/e2e/completion/trace.mjs'), path.join(REPOSITORY, 'bin/run.js'), '__complete', 'bash', ' ', 'runctl local stop ']
    const {status} = spawnSync(process.execPath, argv, {env: {...bench.env, TRACE: trace}})
    expect(status).to.equal(0)
    const lines = (await readFile(trace, 'utf8')).trimEnd().split('\n').map(line => line.replace(REPOSITORY.replace(/\/$/, ''), '').replace(bench.root, '')).filter(line => !line.endsWith('trace.mjs'))
    // Node itself reads what it loads; those lines say the same twice.
    expect(lines.filter(line => line.startsWith('load '))).to.deep.equal(['load /bin/run.js', 'load /dist/complete/main.js'])
    expect(lines.filter(line => line.startsWith('read ') && line.endsWith('.json'))).to.deep.equal(['read /dist/complete/commands.json', 'read /data/package.json', 'read /cache/completion/local.json'])
  })

  it('says nothing, and does not fail, with files that are anything else', async () => {
    await know(bench, 'local', {instances: [null, 7, {id: 7}, {id: {}}] as never, runs: 'no' as never, checkpoints: null as never, suggestions: [] as never})
    await know(bench, 'aws', {})
    await mkdir(path.join(bench.root, 'data'), {recursive: true})
    await writeFile(path.join(bench.root, 'data', 'package.json'), '{"oclif":{"plugins":{}}}')
    for (const words of [['local', 'stop', ''], ['run', 'logs', ''], ['checkpoint', 'info', ''], ['local', 'create', '--type', '']]) expect(await offered(...words)).to.deep.equal([])
  })
})
