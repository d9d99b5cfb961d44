import {chmodSync, mkdirSync} from 'node:fs'
import {join} from 'node:path'

import {expect} from 'chai'

import {loadConfiguration} from '../../src/config/load-configuration.js'
import {CONFIG_KEY_NAMES, environmentVariableOf} from '../../src/config/keys.js'
import {failureOf, problemsOf, ProjectFolder} from './project-folder.js'

describe('loading the configuration', () => {
  let folder: ProjectFolder
  beforeEach(() => (folder = new ProjectFolder()))
  afterEach(() => folder.remove())
  const load = () => loadConfiguration(folder.input)

  it('has defaults for everything where there is no file', async () => {
    const configuration = await load()
    expect(configuration).to.include({root: folder.cwd, projectFile: null, userFile: null})
    expect(configuration.get('project.name')).to.equal('my-project')
    expect(configuration.get('train.python')).to.equal(null)
    expect(configuration.get('stop.grace')).to.equal(120_000)
    expect(configuration.get('train.sync_code')).to.equal(true)
    expect(configuration.get('train.env')).to.deep.equal({})
    for (const key of CONFIG_KEY_NAMES) expect(configuration.origin(key).source).to.equal('default')
  })

  it('takes the nearest project file upwards, and its folder as the root', async () => {
    folder.write(folder.projectFile, '[train]\npython = "py-outer"\n')
    folder.write(join(folder.cwd, 'a/.runctl.toml'), '[train]\npython = "py-inner"\n')
    mkdirSync(join(folder.cwd, 'a/b'))
    mkdirSync(join(folder.cwd, 'c/d'), {recursive: true})
    const inner = await loadConfiguration({...folder.input, cwd: join(folder.cwd, 'a/b')})
    expect([inner.root, inner.get('train.python')]).to.deep.equal([join(folder.cwd, 'a'), 'py-inner'])
    const outer = await loadConfiguration({...folder.input, cwd: join(folder.cwd, 'c/d')})
    expect([outer.root, outer.get('train.python'), outer.get('project.name')]).to.deep.equal([folder.cwd, 'py-outer', 'my-project'])
  })

  it('puts the environment over the project over the user, and says where each value is from', async () => {
    folder.write(folder.userFile, '# mine\n[stop]\ngrace = "1m"\n[output]\nformat = "text"\n[train]\npython = "user"\n')
    folder.write(folder.projectFile, '[train]\npython = "project"\noutput_dir = "out"\n\n[stop]\ngrace = "2m"\n')
    folder.env = {RUNCTL_STOP_GRACE: '3m', RUNCTL_TRAIN_SYNC_CODE: 'no', RUNCTL_PROJECT_INCLUDE: 'a, b/*.csv', RUNCTL_TRAIN_OUTPUT_DIR: ''}
    const configuration = await load()
    expect(configuration.get('stop.grace')).to.equal(180_000)
    expect(configuration.written('stop.grace')).to.equal('3m')
    expect(configuration.get('train.sync_code')).to.equal(false)
    expect(configuration.get('project.include')).to.deep.equal(['a', 'b/*.csv'])
    expect(configuration.get('train.output_dir')).to.equal('out')
    expect(configuration.origin('stop.grace')).to.deep.equal({source: 'environment', file: null, line: null, variable: 'RUNCTL_STOP_GRACE'})
    expect(configuration.origin('train.python')).to.deep.equal({source: 'project', file: folder.projectFile, line: 2, variable: null})
    expect(configuration.origin('output.format')).to.deep.equal({source: 'user', file: folder.userFile, line: 5, variable: null})
  })

  it('merges maps name by name', async () => {
    folder.write(folder.userFile, '[train.env]\nWANDB_API_KEY = "u"\nA = "user"\n')
    folder.write(folder.projectFile, '[train]\nenv.A = "project"\nenv.__proto__ = "x"\n')
    const configuration = await load()
    expect(Object.entries(configuration.get('train.env'))).to.deep.equal([['WANDB_API_KEY', 'u'], ['A', 'project'], ['__proto__', 'x']])
    expect(configuration.origin('train.env')).to.include({source: 'project', line: 2})
    expect(configuration.origin('train.env', 'A')).to.include({source: 'project', line: 2})
    expect(configuration.origin('train.env', 'WANDB_API_KEY')).to.include({source: 'user', line: 2})
  })

  for (const [form, text] of [
    ['a section', '[train]\npython = "p"\n[train.env]\nA = "1"\n'],
    ['inline tables', 'train = {python = "p", env = {A = "1"}}'],
    ['dotted keys', 'train.python = \'p\'\ntrain.env.A = """1"""'],
    ['CRLF and a byte order mark', '\ufeff[train]\r\npython = "p"\r\nenv = {A = "1"}\r\n'],
  ] as const) {
    it(`reads ${form}`, async () => {
      folder.write(folder.projectFile, text)
      const configuration = await load()
      expect([configuration.get('train.python'), configuration.get('train.env')]).to.deep.equal(['p', {A: '1'}])
    })
  }

  it('reads numbers with and without decimals, from files and the environment', async () => {
    folder.write(folder.userFile, '[budget]\nday = 50\nmonth = 600.50\nwarn_at = 0\n')
    folder.write(folder.projectFile, '[budget]\nday = 1_000\n[limits]\nmax_hours = 1e1\n')
    folder.env = {RUNCTL_BUDGET_WARN_AT: ' .5 ', RUNCTL_LIMITS_MAX_COST: '12.'}
    const configuration = await load()
    const values = (['budget.day', 'budget.month', 'budget.warn_at', 'limits.max_hours', 'limits.max_cost'] as const).map(key => configuration.get(key))
    expect(values).to.deep.equal([1000, 600.5, 0.5, 10, 12])
    expect(configuration.origin('budget.day').source).to.equal('project')
    expect(configuration.origin('budget.month').source).to.equal('user')
  })

  it('takes a number of the environment only as it is written in decimals, within its limits', async () => {
    for (const text of ['1e3', '0x10', 'ten', '$5', '5 $', '1,000', '-1', '10000001', 'NaN', 'Infinity', '.']) {
      folder.env = {RUNCTL_BUDGET_DAY: text}
      const [problem] = await problemsOf(load())
      expect(problem?.message).to.equal(`environment variable RUNCTL_BUDGET_DAY: expected a number from 0 to 10000000, found ${JSON.stringify(text)}`)
    }
  })

  it('names all problems of all layers at once', async () => {
    folder.write(folder.userFile, '[ouptut]\nformat = "text"\ncolor = 1\n')
    folder.write(folder.projectFile, '[train]\nchekpoint_dir = "c"\n  sync_code = "yes"\n[stop]\ngrace = 120\n')
    folder.env = {RUNCTL_WORKFLOW_THEN: 'stpo'}
    const error = await failureOf(load())
    expect(error.code).to.equal('bad_input')
    const problems = await problemsOf(load())
    expect(problems.map(({file, line, column, key}) => [file, line, column, key])).to.deep.equal([
      [folder.userFile, 1, 2, 'ouptut'],
      [folder.projectFile, 2, 1, 'train.chekpoint_dir'],
      [folder.projectFile, 3, 3, 'train.sync_code'],
      [folder.projectFile, 5, 1, 'stop.grace'],
      [null, null, null, 'workflow.then'],
    ])
    expect(problems.map(problem => problem.message)).to.deep.equal([
      'unknown section ouptut; did you mean output?',
      'unknown key train.chekpoint_dir; did you mean train.checkpoint_dir?',
      'train.sync_code: expected true or false, found the string "yes"',
      'stop.grace: expected a duration such as "120s" or "2h", found the integer 120',
      'environment variable RUNCTL_WORKFLOW_THEN: expected one of "auto", "keep", "stop", "terminate", found "stpo"; did you mean "stop"?',
    ])
    expect(error.message).to.include('5 problems').and.to.include('\n.runctl.toml:2:1: unknown key')
  })

  for (const [text, place, message] of [
    ['a = ', [1, 5], 'not valid TOML'],
    ['[stop]\ngrace = "1s"\ngrace = "2s"', [3, 1], 'not valid TOML'],
    ['checkpoint_dir = "c"', [1, 1], 'unknown section checkpoint_dir; did you mean train.checkpoint_dir?'],
    ['output.pyhton = "p"', [1, 1], 'unknown key output.pyhton; did you mean train.python?'],
    ['stop.checkpoint-dir = "p"', [1, 1], 'did you mean train.checkpoint_dir?'],
    ['train.lang = "p"', [1, 1], 'unknown key train.lang'],
    ['zzz.qqq = 1', [1, 1], 'unknown section zzz; known are'],
    ['train = 3', [1, 1], 'train is a section: expected [train], found the integer 3'],
    ['[[train]]', [1, 3], 'found an array of tables'],
    ['[train.python]\na = 1', [1, 2], 'expected a string that is not empty, found a table'],
    ['train.python.a.b = 1', [1, 1], 'expected a string that is not empty, found a table'],
    ['"train.python" = "x"', [1, 1], 'unknown section "train.python"'],
    ['train."py\\u001bthon" = "x"', [1, 1], 'unknown key train."py\\u001bthon"'],
    ['train.python = " "', [1, 1], 'found the string " "'],
    ['train.checkpoint_patterns = ["a", 3]', [1, 1], 'found a list with the integer 3'],
    ['train.checkpoint_patterns = [["a"]]', [1, 1], 'found a list with a list'],
    ['project.include = [""]', [1, 1], 'found a list with the string ""'],
    ['project.name = "../x"', [1, 1], 'expected a name: letters'],
    ['budget.day = "50"', [1, 1], 'budget.day: expected a number from 0 to 10000000, found the string "50"'],
    ['budget.day = -0.01', [1, 1], 'expected a number from 0 to 10000000, found the float -0.01'],
    ['budget.month = inf', [1, 1], 'found the float Infinity'],
    ['budget.month = nan', [1, 1], 'found the float NaN'],
    ['budget.warn_at = 1.01', [1, 1], 'expected a number from 0 to 1, found the float 1.01'],
    ['budget.dya = 1', [1, 1], 'unknown key budget.dya; did you mean budget.day?'],
    ['limits.max_hours = 0', [1, 1], 'expected a number from 0.01 to 8760, found the integer 0'],
    ['limits.idle = 30', [1, 1], 'expected a duration such as "120s" or "2h", found the integer 30'],
    ['stop.grace = 1979-05-27', [1, 1], 'found a date or time'],
    ['train.env = "A=1"', [1, 1], 'expected a table of strings by name, found a string'],
    ['train.env.A.b = "1"', [1, 1], 'train.env.A.b: expected a string, found a table'],
    ['train.env.RUNCTL_RUN_ID = "1"', [1, 1], 'is set by runctl itself'],
    ['train.env."a b" = "1"', [1, 1], 'is not a name for an environment variable'],
    ['train.env.A = "\\u0000"', [1, 1], 'expected a string'],
  ] as const) {
    it(`finds what is wrong in ${JSON.stringify(text)}`, async () => {
      folder.write(folder.projectFile, text)
      const problems = await problemsOf(load())
      expect(problems).to.have.length(1)
      expect([problems[0]?.line, problems[0]?.column]).to.deep.equal(place)
      expect(problems[0]?.message).to.include(message)
    })
  }

  it('never shows a value of train.env, which may be a secret', async () => {
    folder.write(folder.projectFile, '[train.env]\nAPI_KEY = 12345\n')
    const [problem] = await problemsOf(load())
    expect(problem?.message).to.equal('train.env.API_KEY: expected a string, found an integer')
    expect((await failureOf(load())).message).not.to.include('12345')
  })

  it('says so where the file is a folder, not UTF-8, or not readable', async () => {
    mkdirSync(folder.projectFile)
    folder.write(folder.userFile, new Uint8Array([0x61, 0xff]))
    const problems = await problemsOf(load())
    expect(problems.map(problem => problem.message)).to.deep.equal(['is not UTF-8 text', 'cannot be read: it is a folder'])
    if (process.getuid?.() !== 0) {
      folder.write(folder.userFile, '')
      chmodSync(folder.userFile, 0)
      expect((await problemsOf(load()))[0]?.message).to.include('no permission')
    }
  })

  it('derives variables that collide with none that oclif or a training script uses', () => {
    const ofOclif = ['DATA_DIR', 'CONFIG_DIR', 'CACHE_DIR', 'DEBUG']
    const taken = [...ofOclif, 'RUN_ID', 'CHECKPOINT_DIR', 'OUTPUT_DIR', 'STOP_FILE', 'RESUME_FROM', 'BOOT_ID']
    const variables = CONFIG_KEY_NAMES.map(key => environmentVariableOf(key)).filter(name => name !== null)
    expect(new Set(variables).size).to.equal(variables.length)
    expect(variables).to.include('RUNCTL_TRAIN_CHECKPOINT_DIR')
    for (const name of taken) expect(variables).not.to.include(`RUNCTL_${name}`)
  })
})
