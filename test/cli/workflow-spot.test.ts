import {expect} from 'chai'

import {oneShotCommand} from '../../src/cli/verbs/one-shot.js'
import WorkflowRun from '../../src/commands/workflow/run.js'
import {RunctlError} from '../../src/model/errors.js'
import type {CreateInstanceRequest} from '../../src/providers/provider.js'
import {CommandHost, type CommandOutcome, definitionOf} from '../support/command-host.js'
import {MemoryProvider} from '../support/memory-provider.js'

const SCRIPT = 'training/train_with_checkpoints.py'
const FALLBACK = ['--spot', '--spot-fallback', 'on-demand']

describe('a workflow on a spot instance', () => {
  let host: CommandHost
  let asked: CreateInstanceRequest[]
  before(async () => (host = await CommandHost.create(() => [definitionOf('mem', async () => {
    const provider = new MemoryProvider([], null)
    provider.createInstance = async request => {
      asked.push(request)
      throw new RunctlError('platform_failed', 'enough is known')
    }
    return provider
  })])))
  beforeEach(() => (asked = []))
  after(() => host.remove())

  const workflow = (...argv: readonly string[]): Promise<CommandOutcome> => host.run(Object.assign(WorkflowRun, {id: 'workflow:run'}), argv)
  const oneShot = (...argv: readonly string[]): Promise<CommandOutcome> => host.run(Object.assign(oneShotCommand('mem'), {id: 'mem'}), argv)

  it('asks the platform for what it says of spot, as create does, and for nothing where it says nothing', async () => {
    await workflow('mem', SCRIPT, ...FALLBACK)
    await oneShot(SCRIPT, ...FALLBACK)
    await oneShot(SCRIPT, '--spot')
    await oneShot(SCRIPT)
    const wanted = {spot: true, 'spot-fallback': 'on-demand'}
    expect(asked.map(({options}) => options)).to.deep.equal([wanted, wanted, {spot: true}, undefined])
  })

  it('asks for nothing where a fallback stands without --spot, or for an instance that exists', async () => {
    for (const refused of [await workflow('mem', SCRIPT, '--spot-fallback', 'on-demand'), await oneShot(SCRIPT, '--spot-fallback', 'on-demand')]) {
      expect(refused.code).to.equal(2)
      expect(refused.stderr).to.contain('--spot-fallback').and.to.contain('--spot')
    }
    const exists = await workflow('mem-1', SCRIPT, ...FALLBACK)
    expect([exists.code, exists.stderr]).to.deep.equal([2, 'Error: --spot is for an instance that is created; mem-1 exists\n'])
    expect(asked).to.deep.equal([])
  })
})
