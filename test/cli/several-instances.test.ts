import {expect} from 'chai'

import type {ErrorJson} from '../../src/cli/error-json.js'
import {stopCommand} from '../../src/cli/verbs/end.js'
import {startCommand} from '../../src/cli/verbs/start.js'
import {statusCommand} from '../../src/cli/verbs/status.js'
import {trainCommand} from '../../src/cli/verbs/train.js'
import {waitCommand} from '../../src/cli/verbs/wait.js'
import {RunctlError} from '../../src/model/errors.js'
import {CommandHost, definitionOf} from '../support/command-host.js'
import {MemoryProvider, sampleInstance} from '../support/memory-provider.js'

/** Whatever a verb answers with, of one instance. */
interface Result {
  readonly id?: string
  readonly runs_unknown_because?: string
  readonly instance_id?: string
  readonly instance: {readonly id: string; readonly state: string}
  readonly error: ErrorJson['error']
}

describe('a verb with several ids', () => {
  let host: CommandHost
  let provider: MemoryProvider
  before(async () => (host = await CommandHost.create(() => [definitionOf('mem', async () => provider)])))
  beforeEach(() => {
    provider = new MemoryProvider([], null)
    for (const id of ['mem-1', 'mem-2', 'mem-3']) provider.put(sampleInstance({id, state: 'stopped'}))
  })
  after(() => host.remove())

  const json = async (command: ReturnType<typeof startCommand>, ...argv: readonly string[]): Promise<{value: readonly Result[]; one: Result; code: unknown; stderr: string}> => {
    const {code, stderr, stdout} = await host.run(command, [...argv, '--json'])
    const document = JSON.parse(stdout) as Result | readonly Result[]
    return {value: Array.isArray(document) ? document : [], one: document as Result, code, stderr}
  }

  it('answers with the object for one, and for one named twice', async () => {
    for (const argv of [['mem-1'], ['mem-1', 'mem-1']]) {
      const {code, one, stderr} = await json(startCommand('mem'), ...argv)
      expect([code, stderr, one.instance.id]).to.deep.equal([undefined, '', 'mem-1'])
    }
    // And what it cost before, kept in its tags.
    expect(provider.journal).to.deep.equal(['startInstance', 'setTags'])
  })

  it('answers with an array in the order given, each once', async () => {
    const {code, value} = await json(startCommand('mem'), 'mem-3', 'mem-1', 'mem-3', 'mem-2')
    expect([code, value.map(({instance}) => instance.id)]).to.deep.equal([undefined, ['mem-3', 'mem-1', 'mem-2']])
    expect(provider.journal.filter(call => call === 'startInstance')).to.have.length(3)
  })

  it('works on all at once', async () => {
    let begun = 0
    let release = (): void => {}
    const all = new Promise<void>(resolve => (release = resolve))
    const start = provider.startInstance
    provider.startInstance = async id => {
      begun++
      if (begun === 3) release()
      await all
      return start(id)
    }
    expect((await json(startCommand('mem'), 'mem-1', 'mem-2', 'mem-3')).value).to.have.length(3)
  })

  it('goes on where some fail: each is named in its place, and the exit status is that of the first', async () => {
    const start = provider.startInstance
    provider.startInstance = id => (id === 'mem-3' ? Promise.reject(new RunctlError('platform_failed', 'no capacity', {next: ['runctl mem start mem-3']})) : start(id))
    const {code, stderr, value} = await json(startCommand('mem'), 'mem-1', 'mem-9', 'mem-3', 'mem-2')
    expect([code, stderr]).to.deep.equal([3, ''])
    expect([value[0]!.instance.state, value[3]!.instance.state]).to.deep.equal(['running', 'running'])
    expect(value[1]).to.deep.include({instance_id: 'mem-9'})
    expect(value[1]!.error).to.deep.include({code: 'not_found', exit_code: 3})
    expect(value[2]).to.deep.equal({
      instance_id: 'mem-3',
      error: {code: 'platform_failed', message: 'mem-3: no capacity', exit_code: 6, still_running: [], next: ['runctl mem start mem-3'], details: {}},
    })
  })

  it('shows what was done on standard output and each failure with its id on standard error', async () => {
    const {code, stderr, stdout} = await host.run(startCommand('mem'), ['mem-8', 'mem-2', 'mem-9'])
    expect(code).to.equal(3)
    expect(stdout).to.include('mem-2').and.to.not.include('mem-8')
    expect(stderr.match(/^Error: there is no instance mem-[89] /gm)).to.have.length(2)
    expect(stderr).to.match(/Start mem-2/)
  })

  it('tells what still runs of the one that failed alone', async () => {
    provider.shell.answer = (_, id) => {
      if (id === 'mem-1') throw new RunctlError('platform_failed', 'no permission')
      return {exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0)}
    }
    const {code, value} = await json(startCommand('mem'), 'mem-1', 'mem-2', '--wait')
    expect(code).to.equal(6)
    expect(value[0]!.error.still_running).to.deep.equal(['instance mem-1 ($1.006/h)'])
    expect(value[1]!.instance.id).to.equal('mem-2')
  })

  it('is stop, wait and status too', async () => {
    const rows = (await json(statusCommand('mem'), 'mem-2', 'mem-3')).value
    expect(rows.map(row => [row.id, row.runs_unknown_because])).to.deep.equal([['mem-2', 'the instance is stopped'], ['mem-3', 'the instance is stopped']])
    await json(startCommand('mem'), 'mem-1', 'mem-2')
    expect((await json(waitCommand('mem'), 'mem-1', 'mem-2')).value.map(({id}) => id)).to.deep.equal(['mem-1', 'mem-2'])
    expect((await json(statusCommand('mem'))).value).to.have.length(3)
    const {value} = await json(stopCommand('mem'), 'mem-3', 'mem-1', '--force')
    expect(value[0]).to.deep.include({changed: false})
    expect(provider.get('mem-3').state).to.equal('stopped')
  })

  it('detaches from all of them on Ctrl-C', async () => {
    provider.startInstance = id => {
      if (id === 'mem-2') process.emit('SIGINT')
      return new Promise((_, reject) => setImmediate(() => reject(new RunctlError('timed_out', 'x'))))
    }
    const {code, one} = await json(startCommand('mem'), 'mem-1', 'mem-2')
    expect([code, one.error.code]).to.deep.equal([130, 'detached'])
  })

  it('refuses unknown flags and what stands behind --', async () => {
    for (const argv of [['mem-1', '--nope', 'mem-2'], ['mem-1', '-x'], ['mem-1', '--', 'mem-2'], []]) expect((await host.run(startCommand('mem'), argv)).code, argv.join(' ')).to.equal(2)
    expect(provider.journal).to.deep.equal([])
  })

  describe('train', () => {
    const train = (...argv: readonly string[]) => json(Object.assign(trainCommand('mem'), {id: 'mem:train'}), ...argv)

    it('takes the last word as the script, and refuses others that are no ids', async () => {
      const {code, one} = await train('mem-1', 'train.py', 'extra')
      expect([code, one.error.code]).to.deep.equal([2, 'bad_input'])
      expect(one.error.message).to.include('"train.py" is no instance id').and.to.include("behind '--'")
    })

    it('says what comes first where the script is left out or in front', async () => {
      expect((await train('mem-1', 'mem-2')).one.error.next).to.deep.equal(['runctl mem train mem-2 SCRIPT'])
      expect((await train('train.py', 'mem-2')).one.error.next).to.deep.equal(['runctl mem train mem-2 train.py'])
    })
  })
})
