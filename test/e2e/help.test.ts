import {readFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import {Bench} from './support/bench.js'
import {REPOSITORY} from './support/repository.js'

interface Manifest {
  readonly commands: Readonly<Record<string, {readonly summary?: string; readonly hidden: boolean; readonly pluginName: string}>>
}

describe('what comes with oclif', () => {
  let bench: Bench
  let commands: Manifest['commands']

  before(async () => {
    bench = await Bench.create()
    commands = (JSON.parse(await readFile(path.join(REPOSITORY, 'oclif.manifest.json'), 'utf8')) as Manifest).commands
  })
  after(() => bench.destroy())

  it('gives help on every topic, with each of its commands, and on the whole', async () => {
    const topics = new Map<string, string[]>()
    for (const id of Object.keys(commands).filter(name => name.includes(':'))) topics.set(id.split(':')[0] ?? '', [...(topics.get(id.split(':')[0] ?? '') ?? []), id.replaceAll(':', ' ')])
    expect([...topics.keys()]).to.include.members(['aws', 'checkpoint', 'config', 'local', 'resources', 'run', 'workflow'])
    const root = (await bench.ok(['--help'])).stdout
    for (const [topic, ids] of topics) {
      expect(root).to.match(new RegExp(`^ +${topic} +\\S`, 'm'))
      const {stderr, stdout} = await bench.ok(['help', topic])
      expect(stderr, topic).to.equal('')
      for (const id of ids) expect(stdout, topic).to.match(new RegExp(`^ +${id} +\\S`, 'm'))
    }
  })

  it('gives help on every command by --help and -h, without doing anything', async () => {
    const ids = Object.keys(commands).filter(id => !id.startsWith('aws:') || id === 'aws:setup')
    for (const id of ids) {
      const words = id.split(':')
      const {stdout} = await bench.ok([...words, '--help'])
      expect(stdout, id).to.contain((commands[id]?.summary ?? '').split('\n')[0]?.slice(0, 40)).and.to.match(new RegExp(`^ +\\$ runctl ${words.join(' ')}`, 'm'))
    }
    expect((await bench.ok(['local', 'create', '-h'])).stdout).to.equal((await bench.ok(['local', 'create', '--help'])).stdout)
    expect(JSON.parse((await bench.ok(['resources', 'list', '--json'])).stdout)).to.deep.equal([])
  }).timeout(120_000)

  it('tells its version, as text and as JSON', async () => {
    const {version} = JSON.parse(await readFile(path.join(REPOSITORY, 'package.json'), 'utf8')) as {readonly version: string}
    for (const argv of [['version'], ['--version']]) expect((await bench.ok(argv)).stdout).to.match(new RegExp(`^runctl/${version.replaceAll('.', '\\.')} \\S+ node-v[\\d.]+\\n$`))
    expect(JSON.parse((await bench.ok(['version', '--json'])).stdout)).to.deep.include({cliVersion: `runctl/${version}`, nodeVersion: `node-${process.version}`})
  })

  it('lists its plugins as JSON', async () => {
    const plugins = JSON.parse((await bench.ok(['plugins', '--core', '--json'])).stdout) as readonly {readonly name: string}[]
    expect(plugins.map(({name}) => name)).to.include.members(['runctl', '@oclif/plugin-help', '@oclif/plugin-autocomplete', '@oclif/plugin-plugins', '@oclif/plugin-version'])
  })
})

describe('a command that does not exist', () => {
  let bench: Bench
  before(async () => {
    bench = await Bench.create()
  })
  after(() => bench.destroy())

  it('names the one that was meant, on stderr as text and on stdout as JSON, and asks nothing', async () => {
    const plain = await bench.run(['chekpoint', 'list', './folder'])
    expect(plain).to.deep.equal({code: 2, stdout: '', stderr: 'Error: "chekpoint list ./folder" is not a runctl command\nNext: runctl checkpoint list\n      runctl --help\n'})
    for (const format of [['--json'], ['--output', 'json'], ['--output=json']]) {
      const {code, error} = await bench.jsonError(['resorces', 'list', ...format])
      expect([code, error.code, error.exit_code]).to.deep.equal([2, 'bad_input', 2])
      expect(error.next[0]).to.equal('runctl resources list')
    }
  })

  it('that is a verb of every platform is suggested for each, first for the one that costs nothing', async () => {
    for (const verb of ['create', 'train', 'stop']) {
      const {error} = await bench.jsonError([verb])
      expect(error.next.slice(0, 2)).to.deep.equal([`runctl local ${verb}`, `runctl aws ${verb}`])
      expect(error.next).to.deep.equal([...new Set(error.next)]).and.to.not.include(`runctl autocomplete ${verb}`)
    }
  })

  it('far from all of them leads to the help, and nothing of it reaches the terminal raw', async () => {
    const {code, stderr, stdout} = await bench.run(['\u001B[2Jnonsense'])
    expect([code, stdout]).to.deep.equal([2, ''])
    expect(stderr).to.match(/Next: runctl --help\n$/).and.to.not.contain('\u001B')
  })
})
