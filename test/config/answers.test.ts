import {mkdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'

import {Ajv} from 'ajv'
import {expect} from 'chai'

import {describeConfiguration, getSetting} from '../../src/config/describe-configuration.js'
import {initProject} from '../../src/config/init-project.js'
import {CONFIG_KEY_NAMES, definitionOf, environmentVariableOf} from '../../src/config/keys.js'
import {loadConfiguration} from '../../src/config/load-configuration.js'
import {setConfigValue} from '../../src/config/set-value.js'
import {tomlValue} from '../../src/config/toml-text.js'
import {validateConfiguration} from '../../src/config/validate-configuration.js'
import {renderConfigGet, renderConfigSet, renderConfigShow, renderConfigValidate, renderInit} from '../../src/ui/config-text.js'
import type {RenderEnv} from '../../src/ui/render-env.js'
import {failureOf, problemsOf, ProjectFolder} from './project-folder.js'

const ajv = new Ajv({strict: true, allowUnionTypes: true})
const ROOT = new URL('../../', import.meta.url)

function expectToFit(schema: string, value: unknown): void {
  const validate = ajv.compile(JSON.parse(readFileSync(new URL(`docs/json/${schema}.schema.json`, ROOT), 'utf8')) as object)
  validate(JSON.parse(JSON.stringify(value)))
  expect(validate.errors).to.equal(null)
}

describe('what the configuration commands answer', () => {
  const env: RenderEnv = {format: 'table', width: 100, color: false, now: new Date(0)}
  let folder: ProjectFolder
  beforeEach(() => {
    folder = new ProjectFolder()
    folder.write(folder.projectFile, '[train]\nenv.HF_TOKEN = "s3cret"\nenv.LANG = "\\u001b[31mC"\n[project]\ninclude = ["a", "b"]\n')
    folder.env = {RUNCTL_STOP_GRACE: '90s', RUNCTL_BUDGET_DAY: '49.50'}
  })
  afterEach(() => folder.remove())
  const load = () => loadConfiguration(folder.input)

  it('show: every key, maps entry by entry, secrets hidden', async () => {
    const result = describeConfiguration(await load())
    expectToFit('config-show', result)
    const shown = result.settings.map(({key}) => (key.startsWith('train.env.') ? 'train.env' : key))
    expect([...new Set(shown)]).to.deep.equal(CONFIG_KEY_NAMES)
    expect(result.settings.find(({key}) => key === 'train.env.HF_TOKEN')).to.deep.include({value: '***', origin: 'project', line: 2})
    expect(result.settings.find(({key}) => key === 'stop.grace')).to.deep.include({value: '90s', variable: 'RUNCTL_STOP_GRACE'})
    expect(JSON.stringify(result)).not.to.include('s3cret')
  })

  it('show: as a table with the files above it, as text a line a key', async () => {
    const result = describeConfiguration(await load())
    const table = renderConfigShow(result, {...env, width: 300})
    expect(table).to.match(/project file +\/.*\.runctl\.toml\nuser file +none\n\nKEY +VALUE +FROM/)
    expect(table).to.match(/project\.include +a, b +project \/.*\.runctl\.toml:5/)
    expect(table).to.match(/stop\.grace +90s +RUNCTL_STOP_GRACE/)
    expect(table).to.match(/budget\.day +49\.5 +RUNCTL_BUDGET_DAY/)
    expect(table).not.to.include('s3cret').and.not.to.include('\u001b')
    const text = renderConfigShow(result, {...env, format: 'text'})
    expect(text.split('\n')).to.have.length(result.settings.length)
    expect(text).to.include('output.format\ttable\tdefault')
    for (const line of renderConfigShow(result, {...env, width: 80}).split('\n').slice(3)) expect(line.length).to.be.at.most(80)
  })

  it('get: the bare value, and a secret only to who asks for it by name', async () => {
    const configuration = await load()
    const get = (key: string) => renderConfigGet(getSetting(configuration, key))
    expect(get('stop.grace')).to.equal('90s')
    expect(get('train.sync_code')).to.equal('true')
    expect(get('train.python')).to.equal('')
    expect([get('budget.day'), get('budget.month'), get('budget.warn_at')]).to.deep.equal(['49.5', '', '0.8'])
    expect(getSetting(configuration, 'budget.day').value).to.equal(49.5)
    expect(get('project.include')).to.equal('a\nb')
    expect(get('train.env.HF_TOKEN')).to.equal('s3cret')
    expect(get('train.env')).to.equal('HF_TOKEN=***\nLANG=\\x1b[31mC')
    for (const key of CONFIG_KEY_NAMES) expectToFit('config-get', getSetting(configuration, key))
  })

  it('get: an unknown key is bad input, an entry that is not set is not found', async () => {
    const configuration = await load()
    const codeOf = async (key: string) => (await failureOf(Promise.resolve().then(() => getSetting(configuration, key)))).code
    expect(await codeOf('stop.grce')).to.equal('bad_input')
    expect(await codeOf('train.env.NOPE')).to.equal('not_found')
    expect(await codeOf('train.env.constructor')).to.equal('not_found')
  })

  it('set: says where, and what has the last word', async () => {
    const result = await setConfigValue({...folder.input, key: 'stop.grace', value: '1m', target: 'user'})
    expectToFit('config-set', result)
    expect(renderConfigSet(result)).to.equal(
      `stop.grace = 1m in ${folder.userFile} (new file)\nIt does not count now: RUNCTL_STOP_GRACE sets it too and has the last word.`,
    )
  })

  it('validate: names the files it read', async () => {
    const result = await validateConfiguration(folder.input)
    expectToFit('config-validate', result)
    expect(renderConfigValidate(result)).to.equal(`valid: ${folder.projectFile}`)
    expect(renderConfigValidate(await validateConfiguration({...folder.input, cwd: folder.base}))).to.include('the defaults apply')
  })

  it('validate: checks one file alone, whatever counts here', async () => {
    folder.write(folder.projectFile, '[oops]\n')
    folder.write(join(folder.base, 'other.toml'), '[stop]\ngrace = "1m"\n')
    expect((await validateConfiguration({...folder.input, file: '../other.toml'})).files).to.deep.equal([join(folder.base, 'other.toml')])
    expect(await problemsOf(validateConfiguration({...folder.input, file: '.runctl.toml'}))).to.have.length(1)
    expect(await problemsOf(validateConfiguration(folder.input))).to.have.length(1)
    expect((await failureOf(validateConfiguration({...folder.input, file: 'none.toml'}))).code).to.equal('not_found')
  })

  it('init: what was written, what git ignores now, and the next command', async () => {
    mkdirSync(join(folder.cwd, '.git'))
    const result = await initProject({cwd: folder.cwd, force: true})
    expectToFit('init', result)
    expectToFit('init', {...result, gitignore: null})
    expect(renderInit(result).split('\n')).to.deep.equal([
      `Replaced ${folder.projectFile} for project my-project.`,
      `Added checkpoints/, outputs/, runctl-checkpoints/ to ${join(folder.cwd, '.gitignore')}.`,
      'Next: runctl local create',
      '      runctl doctor --platform aws',
    ])
  })

  it('the documentation lists every key as it is', () => {
    const text = readFileSync(new URL('docs/configuration.md', ROOT), 'utf8')
    const rows = text.split('\n').filter(line => /^\| `[a-z]+\.[a-z0-9_]+` \| [a-z]+ \|/.test(line))
    const expected = CONFIG_KEY_NAMES.map(key => {
      const definition = definitionOf(key)
      const byDefault =
        definition.type === 'name' ? "the folder's name" : definition.default === null ? 'unset' : `\`${tomlValue(definition.default)}\``
      const variable = environmentVariableOf(key)
      return `| \`${key}\` | ${definition.type} | ${byDefault} | ${variable === null ? 'none' : `\`${variable}\``} |`
    })
    expect(rows).to.deep.equal(expected)
    for (const key of CONFIG_KEY_NAMES) expect(text, key).to.match(new RegExp(`^- .*\`${key.replace('.', '\\.')}\``, 'm'))
  })

  it('the example in the documentation is valid', async () => {
    const [, example = ''] = /```toml\n(.*?)```/s.exec(readFileSync(new URL('docs/configuration.md', ROOT), 'utf8')) ?? []
    folder.write(folder.projectFile, example)
    expect((await load()).get('stop.grace')).to.equal(90_000)
    expect((await load()).get('project.name')).to.equal('segmenter')
    expect([(await load()).get('budget.month'), (await load()).get('limits.max_hours')]).to.deep.equal([600, 12])
  })
})
