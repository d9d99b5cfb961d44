import {captureOutput} from '@oclif/test'
import {Args, Config, Flags} from '@oclif/core'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {RunctlCommand, type Rendered} from '../../src/cli/base-command.js'
import {RunctlError} from '../../src/model/errors.js'

let work: (command: Probe) => Promise<Rendered<unknown>>

/** Does what the test tells it to. */
class Probe extends RunctlCommand<unknown> {
  static override id = 'probe:it'
  static override args = {thing: Args.string({ignoreStdin: true})}
  static override flags = {count: Flags.integer(), kind: Flags.option({options: ['a', 'b'] as const})()}

  protected async execute(): Promise<Rendered<unknown>> {
    await this.parse(Probe)
    return work(this)
  }

  leave(): void {
    this.footprint.note('mem-1', {stillRunning: 'instance mem-1 ($1.006/h)', next: ['runctl mem stop mem-1']})
  }

  get following(): readonly string[] | null {
    return this.rest
  }

  get interrupted(): AbortSignal {
    return this.signal
  }

  tell(type: 'note' | 'warning', message: string): void {
    this.progress.emit({type, message})
  }
}

class Taking extends Probe {
  protected override readonly takesRest = true
}

describe('a command', () => {
  let config: Config
  let folder: string
  const variables = ['NO_COLOR', 'RUNCTL_CONFIG_DIR', 'RUNCTL_OUTPUT_FORMAT', 'RUNCTL_DATA_DIR'] as const
  const before_ = Object.fromEntries(variables.map(name => [name, process.env[name]]))

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'runctl-base-'))
    Object.assign(process.env, {NO_COLOR: '1', RUNCTL_CONFIG_DIR: folder, RUNCTL_DATA_DIR: folder})
    config = await Config.load(path.resolve(import.meta.dirname, '../..'))
  })
  beforeEach(() => (work = async () => ({value: {ok: true}, text: 'done'})))
  afterEach(() => {
    process.exitCode = undefined
    delete process.env['RUNCTL_OUTPUT_FORMAT']
  })
  after(async () => {
    for (const name of variables) {
      if (before_[name] === undefined) delete process.env[name]
      else process.env[name] = before_[name]
    }
    await rm(folder, {recursive: true})
  })

  async function execute(argv: readonly string[], command: typeof Probe = Probe) {
    const {stderr, stdout} = await captureOutput(async () => command.run([...argv], config), {print: false, testNodeEnv: 'production'})
    return {stdout, stderr, code: process.exitCode}
  }

  it('prints its text, or under --json its value alone, and ends well', async () => {
    expect(await execute([])).to.deep.equal({stdout: 'done\n', stderr: '', code: undefined})
    for (const argv of [['--json'], ['--output', 'json'], ['--output=json']]) {
      const {code, stderr, stdout} = await execute(argv)
      expect({code, stderr, value: JSON.parse(stdout)}).to.deep.equal({code: undefined, stderr: '', value: {ok: true}})
    }
  })

  it('prints an empty list as one', async () => {
    work = async () => ({value: [], text: ''})
    expect((await execute(['--json'])).stdout).to.equal('[]\n')
    expect((await execute([])).stdout).to.equal('')
  })

  it('takes the format from the configuration, and the command line before it', async () => {
    process.env['RUNCTL_OUTPUT_FORMAT'] = 'json'
    expect(JSON.parse((await execute([])).stdout)).to.deep.equal({ok: true})
    expect((await execute(['--output', 'table'])).stdout).to.equal('done\n')
  })

  it('calls wrong input wrong input, with the help as the next command', async () => {
    for (const argv of [['--nope'], ['--count', 'x'], ['--kind', 'c'], ['a', 'b'], ['--output', 'yaml'], ['--count']]) {
      const {code, stderr, stdout} = await execute(argv)
      expect({code, stdout}, argv.join(' ')).to.deep.equal({code: 2, stdout: ''})
      expect(stderr).to.match(/^Error: /).and.to.include('Next: runctl probe it --help').and.not.to.include('See more help')
      expect(stderr).not.to.match(/\n {4}at /)
    }
  })

  it('tells wrong input as one document under --json', async () => {
    const {code, stderr, stdout} = await execute(['--nope', '--json'])
    expect({code, stderr}).to.deep.equal({code: 2, stderr: ''})
    const {error} = JSON.parse(stdout)
    expect(error).to.deep.include({code: 'bad_input', exit_code: 2, next: ['runctl probe it --help']})
    expect(error.message).to.include('--nope')
  })

  it('refuses what follows -- unless it takes it, and then gives exactly that', async () => {
    const refused = await execute(['--', 'x'])
    expect(refused.code).to.equal(2)
    expect(refused.stderr).to.include("runctl probe it takes nothing after '--'")
    let following: readonly string[] | null = null
    work = async command => {
      following = command.following
      return {value: {}, text: ''}
    }
    const words = ['--json', '--lr', '0.1', '--lr', '0.1', '--', '', '-x']
    expect((await execute(['thing', '--', ...words], Taking)).stdout).to.equal('')
    expect(following).to.deep.equal(words)
  })

  it('ends with the exit status of an expected failure, and says what it left running', async () => {
    work = async command => {
      command.leave()
      throw new RunctlError('save_failed', 'nothing saved', {next: ['runctl mem monitor mem-1']})
    }
    expect(await execute([])).to.deep.equal({
      code: 9,
      stdout: '',
      stderr: 'Error: nothing saved\nStill running: instance mem-1 ($1.006/h)\nNext: runctl mem monitor mem-1\n      runctl mem stop mem-1\n',
    })
    const {error} = JSON.parse((await execute(['--json'])).stdout)
    expect(error).to.deep.include({code: 'save_failed', still_running: ['instance mem-1 ($1.006/h)'], next: ['runctl mem monitor mem-1', 'runctl mem stop mem-1']})
  })

  it('does not repeat what an error says of what runs', async () => {
    work = async command => {
      command.leave()
      throw new RunctlError('save_failed', 'x', {stillRunning: ['run-1 on mem-1']})
    }
    expect((await execute([])).stderr).to.equal('Error: x\nStill running: run-1 on mem-1\n')
  })

  it('ends with 1 for a bug, with its stack, and still says what it left running', async () => {
    work = async command => {
      command.leave()
      throw new TypeError('oops')
    }
    const text = await execute([])
    expect(text.code).to.equal(1)
    expect(text.stderr).to.match(/^Error: oops\nThis is a bug in runctl\.\nTypeError: oops\n/)
    expect(text.stderr).to.match(/Still running: instance mem-1 \(\$1\.006\/h\)\nNext: runctl mem stop mem-1\n$/)
    const {error} = JSON.parse((await execute(['--json'])).stdout)
    expect(error).to.deep.include({code: 'bug', exit_code: 1, still_running: ['instance mem-1 ($1.006/h)']})
  })

  it('detaches on Ctrl-C: says what goes on, and ends with 130', async () => {
    work = async command => {
      command.leave()
      process.emit('SIGINT')
      command.interrupted.throwIfAborted()
      return {value: {}, text: ''}
    }
    const listeners = process.listenerCount('SIGINT')
    const {code, stderr} = await execute([])
    expect(code).to.equal(130)
    expect(stderr).to.match(/^Detached: /).and.to.include('Still running: instance mem-1')
    expect(stderr).not.to.include('bug')
    expect(process.listenerCount('SIGINT')).to.equal(listeners)
    process.exitCode = undefined
    expect(JSON.parse((await execute(['--json'])).stdout).error).to.deep.include({code: 'detached', exit_code: 130, still_running: ['instance mem-1 ($1.006/h)']})
  })

  it('does the same on SIGTERM and SIGHUP, with their exit statuses', async () => {
    for (const [signal, status] of [['SIGTERM', 143], ['SIGHUP', 129]] as const) {
      const listeners = process.listenerCount(signal)
      work = async command => {
        command.leave()
        process.emit(signal, signal)
        command.interrupted.throwIfAborted()
        return {value: {}, text: ''}
      }
      const {code, stderr} = await execute([])
      expect(code).to.equal(status)
      expect(stderr).to.match(/^Detached: /).and.to.include('Still running: instance mem-1')
      expect(process.listenerCount(signal)).to.equal(listeners)
      process.exitCode = undefined
      expect(JSON.parse((await execute(['--json'])).stdout).error).to.deep.include({code: 'detached', exit_code: status})
      process.exitCode = undefined
    }
  })

  it('shows each of several failures after the result, and ends with the exit status of the first', async () => {
    const failures = [new RunctlError('not_found', 'one is gone'), new RunctlError('wrong_state', 'two is stopped', {next: ['runctl mem start two']})]
    work = async () => ({value: [{ok: true}], text: 'three is done', failures})
    expect(await execute([])).to.deep.equal({code: 3, stdout: 'three is done\n', stderr: 'Error: one is gone\nError: two is stopped\nNext: runctl mem start two\n'})
    const {code, stderr, stdout} = await execute(['--json'])
    expect([code, stderr, JSON.parse(stdout)]).to.deep.equal([3, '', [{ok: true}]])
  })

  it('says once that its output cannot be written, also under --json, and ends', async () => {
    for (const argv of [[], ['--json']]) {
      work = async command => {
        command.leave()
        const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {code: 'ENOSPC'})
        process.stdout.emit('error', full)
        process.stdout.emit('error', full)
        command.interrupted.throwIfAborted()
        return {value: {}, text: 'not reached'}
      }
      const {code, stderr, stdout} = await execute(argv)
      expect([code, stdout]).to.deep.equal([6, ''])
      expect(stderr).to.equal('Error: the output cannot be written: ENOSPC: no space left on device, write\nStill running: instance mem-1 ($1.006/h)\nNext: runctl mem stop mem-1\n')
      process.exitCode = undefined
    }
  })

  it('shows warnings on standard error, also under --json, where standard output is one document', async () => {
    work = async command => {
      command.tell('note', 'one thing done')
      command.tell('warning', 'a step of x failed')
      return {value: [], text: ''}
    }
    expect(await execute([])).to.deep.equal({code: undefined, stdout: '', stderr: 'one thing done\nWarning: a step of x failed\n'})
    expect(await execute(['--json'])).to.deep.equal({code: undefined, stdout: '[]\n', stderr: 'Warning: a step of x failed\n'})
  })
})
