import {existsSync, mkdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'

import {expect} from 'chai'

import {initProject} from '../../src/config/init-project.js'
import {CONFIG_KEY_NAMES, definitionOf} from '../../src/config/keys.js'
import {loadConfiguration} from '../../src/config/load-configuration.js'
import {projectNameOfFolder} from '../../src/config/project-name.js'
import {failureOf, ProjectFolder} from './project-folder.js'

describe('init', () => {
  let folder: ProjectFolder
  beforeEach(() => (folder = new ProjectFolder()))
  afterEach(() => folder.remove())
  const init = (more: {force?: boolean; name?: string} = {}) => initProject({cwd: folder.cwd, force: false, ...more})
  const gitignore = () => readFileSync(join(folder.cwd, '.gitignore'), 'utf8')

  it('writes a file that sets the name and leaves every other key at its default', async () => {
    const {projectFile: file} = folder
    expect(await init()).to.deep.equal({project_name: 'my-project', file, replaced: false, gitignore: null, hides: null})
    const configuration = await loadConfiguration(folder.input)
    for (const key of CONFIG_KEY_NAMES) {
      expect(configuration.origin(key).source, key).to.equal(key === 'project.name' ? 'project' : 'default')
    }
  })

  it('shows every key so that taking the # away gives a valid value, the default where there is one', async () => {
    await init()
    const text = readFileSync(folder.projectFile, 'utf8').replace(/^# ([a-z0-9_]+ = )/gm, '$1')
    folder.write(folder.projectFile, text)
    const configuration = await loadConfiguration(folder.input)
    for (const key of CONFIG_KEY_NAMES) {
      expect(configuration.origin(key).source, key).to.equal('project')
      const definition = definitionOf(key)
      if (definition.example !== undefined || definition.type === 'name') continue
      expect(configuration.written(key), key).to.deep.equal(definition.default)
    }
  })

  it('refuses to overwrite, unless forced', async () => {
    folder.write(folder.projectFile, '[stop]\n')
    const error = await failureOf(init())
    expect([error.code, error.next[0]]).to.deep.equal(['bad_input', 'runctl config show'])
    expect(readFileSync(folder.projectFile, 'utf8')).to.equal('[stop]\n')
    expect((await init({force: true, name: 'other'})).replaced).to.equal(true)
    expect((await loadConfiguration(folder.input)).get('project.name')).to.equal('other')
  })

  it('refuses a name that is not plain, before it writes anything', async () => {
    expect((await failureOf(init({name: '../x'}))).code).to.equal('bad_input')
    expect(existsSync(folder.projectFile)).to.equal(false)
  })

  it('names the file of the folder above that no longer counts', async () => {
    folder.write(join(folder.base, '.runctl.toml'), '')
    expect((await init()).hides).to.equal(join(folder.base, '.runctl.toml'))
  })

  it('leaves .gitignore alone outside a repository', async () => {
    await init()
    expect(existsSync(join(folder.cwd, '.gitignore'))).to.equal(false)
  })

  it('adds what is lacking to .gitignore, once', async () => {
    mkdirSync(join(folder.base, '.git'))
    folder.write(join(folder.cwd, '.gitignore'), '*.pyc\r\n/outputs')
    expect((await init()).gitignore).to.deep.equal({file: join(folder.cwd, '.gitignore'), added: ['checkpoints/', 'runctl-checkpoints/']})
    expect(gitignore()).to.equal('*.pyc\r\n/outputs\r\ncheckpoints/\r\nrunctl-checkpoints/\r\n')
    expect((await init({force: true})).gitignore?.added).to.deep.equal([])
    expect(gitignore()).to.equal('*.pyc\r\n/outputs\r\ncheckpoints/\r\nrunctl-checkpoints/\r\n')
  })

  it('makes a .gitignore where there is none, whatever is ignored outside the repository', async () => {
    mkdirSync(join(folder.cwd, '.git'))
    folder.write(join(folder.base, '.gitignore'), 'checkpoints\n')
    await init()
    expect(gitignore()).to.equal('checkpoints/\noutputs/\nrunctl-checkpoints/\n')
  })

  it("counts what a folder above ignores, up to the repository's own", async () => {
    folder.write(join(folder.base, '.git'), 'gitdir: elsewhere')
    folder.write(join(folder.base, '.gitignore'), 'checkpoints\nrunctl-checkpoints/\n/my-project/outputs/\n')
    expect((await init()).gitignore?.added).to.deep.equal([])
    expect(existsSync(join(folder.cwd, '.gitignore'))).to.equal(false)
  })

  it("makes a folder's name plain", () => {
    const names = ['/a/My Nets (2)', '/a/.hidden', '/', '/a/Café', '/a/深層', `/a/${'x'.repeat(62)}--y`, '/a/-_-']
    expect(names.map(projectNameOfFolder)).to.deep.equal(['My-Nets-2', 'hidden', 'project', 'Cafe', 'project', 'x'.repeat(62), 'project'])
  })
})
