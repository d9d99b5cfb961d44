import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {loadCheckpointFormats} from '../../src/cli/checkpoint-formats.js'
import {HookHost} from '../support/hook-host.js'

describe('loadCheckpointFormats', () => {
  let folder: string
  let module: string
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'runctl-formats-'))
    module = path.join(folder, 'gguf.py')
    await writeFile(module, 'def inspect(source, full): ...\n')
    await writeFile(path.join(folder, 'large.py'), '#'.repeat(65_537))
  })
  after(() => rm(folder, {recursive: true}))

  const load = (plugins: Readonly<Record<string, () => unknown>>) =>
    loadCheckpointFormats(new HookHost(Object.fromEntries(Object.entries(plugins).map(([name, hook]) => [name, {'checkpoint-formats': hook}]))))
  const format = (over: object = {}): object => ({apiVersion: 1, name: 'gguf', extensions: ['.gguf'], module, ...over})

  it('reads the module of each format', async () => {
    expect(await load({'runctl-plugin-gguf': () => [format()]})).to.deep.equal({
      modules: [{name: 'gguf', extensions: ['.gguf'], source: 'def inspect(source, full): ...\n'}], problems: [],
    })
    expect(await load({})).to.deep.equal({modules: [], problems: []})
  })

  it('names each that cannot be used and why, and offers the others', async () => {
    const {modules, problems} = await load({
      a: () => { throw new Error('broken') },
      b: () => 'no list',
      c: () => [null],
      d: () => [
        format(), format({extensions: ['.other']}), format({name: 'Big'}), format({name: 'old', apiVersion: 7}), format({name: 'nowhere', module: path.join(folder, 'gone.py')}),
        format({name: 'near', module: 'gguf.py'}), format({name: 'large', module: path.join(folder, 'large.py')}), format({name: 'wide', extensions: ['gguf']}),
        format({name: 'none', extensions: []}),
      ],
    })
    expect(modules.map(({name}) => name)).to.deep.equal(['gguf'])
    expect(problems).to.have.length(11)
    const said = problems.join('\n')
    for (const part of ['of a could not be loaded: broken', 'of b could not', 'of c could not', '"gguf" cannot be used: there are two', '"Big"', 'API 7', 'gone.py', 'not an absolute path', 'more than 65536 bytes']) {
      expect(said).to.include(part)
    }
  })
})
