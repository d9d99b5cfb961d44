import {chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync} from 'node:fs'
import {join} from 'node:path'

import {expect} from 'chai'
import fc from 'fast-check'

import {loadConfiguration} from '../../src/config/load-configuration.js'
import {setConfigValue} from '../../src/config/set-value.js'
import type {ConfigSetResult} from '../../src/model/config-answers.js'
import {failureOf, problemsOf, ProjectFolder} from './project-folder.js'

describe('setting a configuration value', () => {
  let folder: ProjectFolder
  beforeEach(() => (folder = new ProjectFolder()))
  afterEach(() => folder.remove())
  const set = (key: string, value: string, target: 'project' | 'user' = 'project'): Promise<ConfigSetResult> =>
    setConfigValue({...folder.input, key, value, target})
  const text = (): string => readFileSync(folder.projectFile, 'utf8')

  it("creates the project's file in the working directory", async () => {
    const result = await set('stop.grace', '5m')
    expect(result).to.deep.equal({key: 'stop.grace', value: '5m', file: folder.projectFile, created: true, overridden_by: null})
    expect(text()).to.equal('[stop]\ngrace = "5m"\n')
  })

  it('writes the project file of a folder above, not a new one', async () => {
    folder.write(folder.projectFile, '')
    const cwd = join(folder.cwd, 'deep')
    mkdirSync(cwd)
    const result = await setConfigValue({...folder.input, cwd, key: 'train.sync_code', value: 'off', target: 'project'})
    expect([result.file, result.created]).to.deep.equal([folder.projectFile, false])
    expect(text()).to.equal('[train]\nsync_code = false\n')
  })

  it('writes numbers as numbers', async () => {
    await set('budget.day', '50')
    await set('budget.warn_at', '0.75')
    await set('budget.month', '600.50')
    expect(text()).to.equal('[budget]\nday = 50\nwarn_at = 0.75\nmonth = 600.5\n')
    expect((await loadConfiguration(folder.input)).get('budget.month')).to.equal(600.5)
    for (const wrong of ['', '-1', '1e3', 'fifty']) {
      const error = await failureOf(set('budget.day', wrong))
      expect(error.message).to.equal(`budget.day: expected a number from 0 to 10000000, found ${JSON.stringify(wrong)}`)
    }
  })

  it("creates the user's file and its folder, for this user's eyes alone", async () => {
    const result = await set('output.format', 'text', 'user')
    expect(result.file).to.equal(folder.userFile)
    expect(statSync(folder.userFile).mode & 0o777).to.equal(0o600)
  })

  const edits: readonly (readonly [what: string, before: string, key: string, value: string, after: string])[] = [
    [
      'replaces the value and keeps everything around it',
      "# top\n[stop]  # s\n  grace   =   '1m'   # why\n\n[train]\npython='p'",
      'stop.grace',
      '2m',
      "# top\n[stop]  # s\n  grace   =   \"2m\"   # why\n\n[train]\npython='p'",
    ],
    [
      'replaces a value over several lines',
      'train.checkpoint_patterns = [\n  "a", # x\n]\n',
      'train.checkpoint_patterns',
      'b,c',
      'train.checkpoint_patterns = ["b", "c"]\n',
    ],
    [
      'adds to a section, after its last value',
      '[train]\npython = "p" # c\n\n# about stop\n[stop]\n',
      'train.output_dir',
      'o',
      '[train]\npython = "p" # c\noutput_dir = "o"\n\n# about stop\n[stop]\n',
    ],
    ['adds to an empty section', '[train] # c\n[stop]\n', 'train.output_dir', 'o', '[train] # c\noutput_dir = "o"\n[stop]\n'],
    [
      'adds below the comment that shows the key',
      '[train]\n# python = "python3"\n# output_dir = "outputs"\n',
      'train.python',
      'p',
      '[train]\n# python = "python3"\npython = "p"\n# output_dir = "outputs"\n',
    ],
    [
      'passes over such a comment in another section',
      '[train]\npython = "p"\n[stop]\n# output_dir = "o"\n',
      'train.output_dir',
      'o',
      '[train]\npython = "p"\noutput_dir = "o"\n[stop]\n# output_dir = "o"\n',
    ],
    ['keeps indentation', '[train]\n\tpython = "p"\n', 'train.output_dir', 'o', '[train]\n\tpython = "p"\n\toutput_dir = "o"\n'],
    ['keeps CRLF', '[train]\r\npython = "p"\r\n', 'stop.grace', '1s', '[train]\r\npython = "p"\r\n\r\n[stop]\r\ngrace = "1s"\r\n'],
    ['ends an unended last line', '[train]\npython = "p"', 'train.output_dir', 'o', '[train]\npython = "p"\noutput_dir = "o"\n'],
    [
      'adds inside an inline table',
      'train = {python = "p"} # c\n',
      'train.output_dir',
      'o',
      'train = {python = "p", output_dir = "o"} # c\n',
    ],
    ['adds inside an empty inline table', 'train = {}\n', 'train.output_dir', 'o', 'train = {output_dir = "o"}\n'],
    [
      'adds beside dotted keys',
      'train.python = "p"\ntrain.sync_code = true\n\n[stop]\ngrace = "1s"\n',
      'train.output_dir',
      'o',
      'train.python = "p"\ntrain.sync_code = true\ntrain.output_dir = "o"\n\n[stop]\ngrace = "1s"\n',
    ],
    [
      'adds a section that its sub-section came before',
      '[train.env]\nA = "1"\n',
      'train.python',
      'p',
      '[train.env]\nA = "1"\n\n[train]\npython = "p"\n',
    ],
    ['adds an entry to its section', '[train.env]\nA = "1"\n', 'train.env.B', 'x y', '[train.env]\nA = "1"\nB = "x y"\n'],
    ['adds an entry to an inline map', '[train]\nenv = {A = "1"}\n', 'train.env.B', '2', '[train]\nenv = {A = "1", B = "2"}\n'],
    [
      'adds an entry beside dotted entries',
      '[train]\nenv.A = "1"\npython = "p"\n',
      'train.env.B',
      '2',
      '[train]\nenv.A = "1"\nenv.B = "2"\npython = "p"\n',
    ],
    [
      'adds an entry beside dotted entries of an inline table',
      'train = {env.A = "1"}\n',
      'train.env.B',
      '2',
      'train = {env.A = "1", env.B = "2"}\n',
    ],
    [
      'adds a first entry to the section that is there',
      '[train]\npython = "p"\n',
      'train.env.B',
      '2',
      '[train]\npython = "p"\nenv.B = "2"\n',
    ],
    ['replaces an entry', '[train.env]\nA = "1"\n', 'train.env.A', '', '[train.env]\nA = ""\n'],
    ['mends a value of the wrong type', '[stop]\ngrace = 5\n', 'stop.grace', '5s', '[stop]\ngrace = "5s"\n'],
    ['finds a quoted key', '["stop"]\n"grace" = "5s"\n', 'stop.grace', '6s', '["stop"]\n"grace" = "6s"\n'],
    [
      'keeps characters outside the basic plane',
      '# 😀\n[stop]\n# 😀😀\ngrace = "5s" # 😀\n',
      'stop.grace',
      '6s',
      '# 😀\n[stop]\n# 😀😀\ngrace = "6s" # 😀\n',
    ],
  ]
  for (const [what, before, key, value, after] of edits) {
    it(what, async () => {
      folder.write(folder.projectFile, before)
      await set(key, value)
      expect(text()).to.equal(after)
    })
  }

  it('writes any text so that it is read back exactly', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({unit: 'grapheme', maxLength: 30}), async value => {
        fc.pre(!value.includes('\0'))
        await set('train.env.ANY', value)
        expect((await loadConfiguration(folder.input)).get('train.env')['ANY']).to.equal(value)
        expect(text().split('\n')).to.have.length(3)
      }),
      {numRuns: 60},
    )
    for (const value of ['"""', '\\', '\u001b[31m\u0085\u2028\u{e0001}', 'a\r\nb\tc', "'''"]) {
      await set('train.env.ANY', value)
      expect((await loadConfiguration(folder.input)).get('train.env')['ANY']).to.equal(value)
      expect(text()).to.match(/^[\x20-\x7e\n]*$/)
    }
  })

  const refused: readonly (readonly [key: string, value: string, message: string])[] = [
    ['stop.graec', '1s', 'did you mean stop.grace?'],
    ['grace', '1s', 'did you mean stop.grace?'],
    ['toString', 'x', 'unknown configuration key'],
    ['stop.grace', '120', 'expected a duration'],
    ['train.sync_code', 'maybe', 'expected true or false, found "maybe"'],
    ['workflow.then', 'kepe', 'did you mean "keep"?'],
    ['project.name', 'a/b', 'expected a name'],
    ['train.python', '', 'not empty'],
    ['train.env', 'A=1', 'name by name'],
    ['train.env.A-B', '1', 'is not a name for an environment variable'],
    ['train.env.', '1', 'is not a name for an environment variable'],
    ['train.env.RUNCTL_RUN_ID', '1', 'is set by runctl itself'],
    ['train.env.A', 'a\0b', 'NUL'],
  ]
  for (const [key, value, message] of refused) {
    it(`refuses ${key} = ${JSON.stringify(value)} and writes nothing`, async () => {
      const error = await failureOf(set(key, value))
      expect(error.code).to.equal('bad_input')
      expect(error.message).to.include(message)
      expect(existsSync(folder.projectFile)).to.equal(false)
    })
  }

  for (const [what, before] of [
    ['the file is not TOML', '[stop\n'],
    ['something else in it is wrong', '[train]\npyhton = "p"\n'],
    ['a table stands in the place of the value', '[stop.grace]\n'],
    ['a section is written as an array', '[[stop]]\n'],
    ['it is not UTF-8', new Uint8Array([0xff])],
  ] as const) {
    it(`leaves the file as it was where ${what}`, async () => {
      folder.write(folder.projectFile, before)
      const bytes = readFileSync(folder.projectFile)
      const [problem] = await problemsOf(set('stop.grace', '1s'))
      expect(problem?.file).to.equal(folder.projectFile)
      expect(readFileSync(folder.projectFile).equals(bytes)).to.equal(true)
      expect(readdirSync(folder.cwd)).to.deep.equal(['.runctl.toml'])
    })
  }

  it("keeps the file's mode and a link to it", async () => {
    folder.write(join(folder.base, 'shared.toml'), '')
    chmodSync(join(folder.base, 'shared.toml'), 0o640)
    symlinkSync('../shared.toml', folder.projectFile)
    await set('stop.grace', '1s')
    expect(lstatSync(folder.projectFile).isSymbolicLink()).to.equal(true)
    expect(readFileSync(join(folder.base, 'shared.toml'), 'utf8')).to.include('1s')
    expect(statSync(folder.projectFile).mode & 0o777).to.equal(0o640)
  })

  it('says what has the last word all the same', async () => {
    folder.write(folder.projectFile, '[stop]\ngrace = "1s"\n[train.env]\nA = "1"\n')
    expect((await set('stop.grace', '2s', 'user')).overridden_by).to.equal(folder.projectFile)
    expect((await set('train.env.A', '2', 'user')).overridden_by).to.equal(folder.projectFile)
    expect((await set('train.env.B', '2', 'user')).overridden_by).to.equal(null)
    folder.env = {RUNCTL_STOP_GRACE: '3s'}
    expect((await set('stop.grace', '2s')).overridden_by).to.equal('RUNCTL_STOP_GRACE')
  })

  it('does not repeat a secret', async () => {
    expect((await set('train.env.WANDB_API_KEY', 'abc')).value).to.equal('***')
    expect(text()).to.include('WANDB_API_KEY = "abc"')
  })
})
