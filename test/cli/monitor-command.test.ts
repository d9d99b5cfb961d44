import {expect} from 'chai'

import type {ErrorJson} from '../../src/cli/error-json.js'
import {monitorCommand} from '../../src/cli/verbs/monitor.js'
import {RunctlError} from '../../src/model/errors.js'
import {CommandHost, definitionOf} from '../support/command-host.js'
import {MemoryProvider} from '../support/memory-provider.js'

describe('monitor --follow', () => {
  let host: CommandHost
  let provider: MemoryProvider
  before(async () => (host = await CommandHost.create(() => [definitionOf('mem', async () => provider)])))
  beforeEach(() => (provider = new MemoryProvider([])))
  after(() => host.remove())
  const follow = async (): Promise<ErrorJson['error']> => {
    const {stdout} = await host.run(Object.assign(monitorCommand('mem'), {id: 'mem:monitor'}), ['mem-1', '--follow', '--json'])
    return (JSON.parse(stdout) as ErrorJson).error
  }

  it('says how to come back on Ctrl-C before it has found the instance or the run', async () => {
    provider.describeInstances = async function* (_, options) {
      process.emit('SIGINT')
      options?.signal?.throwIfAborted()
    }
    const early = await follow()
    provider = new MemoryProvider([])
    provider.shell.answer = async request => {
      process.emit('SIGINT')
      request.signal?.throwIfAborted()
      return {exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0)}
    }
    for (const outcome of [early, await follow()]) {
      expect(outcome).to.deep.include({code: 'detached', exit_code: 130, next: ['runctl mem monitor mem-1 --follow'], still_running: ['what runs on mem-1']})
    }
  })

  it('leaves nothing running where there is no such instance', async () => {
    provider.instances.clear()
    expect(await follow()).to.deep.include({code: 'not_found', still_running: []})
    provider = new MemoryProvider([])
    provider.shell.answer = () => Promise.reject(new RunctlError('unreachable', 'silent'))
    expect(await follow()).to.deep.include({code: 'unreachable', still_running: []})
  })
})
