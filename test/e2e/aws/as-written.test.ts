import {expect} from 'chai'

import type {WorkflowResult} from '../../../src/core/run-workflow.js'
import {Bench} from '../support/bench.js'
import {ownScript} from '../support/samples.js'
import {wellAsWritten, type WrittenAccount} from './as-written.js'
import {patternsAsWritten} from './as-written-patterns.js'
import {workflowsAsWritten} from './as-written-workflows.js'
import {LINES} from './documented-lines.js'

describe('on aws, as the documentation writes it', function () {
  this.timeout(120_000)
  let account: WrittenAccount

  before(async () => {
    const bench = await Bench.create({'script.py': ownScript({stepSeconds: 0.025})}, {platform: 'aws'})
    account = {bench, ids: await Promise.all([1, 2, 3].map(() => bench.aws.addInstance()))}
  })
  after(() => account?.bench.destroy())

  describe('the workflows', () => {
    workflowsAsWritten(async () => account)

    it('W7, on a new instance: what was made for it is stopped', async () => {
      const {bench} = account
      const made = await bench.json<WorkflowResult>(['workflow', 'run', 'aws', 'training/train_with_checkpoints.py', '--', '--epochs', '2', '--step-seconds', '0'])
      expect(made).to.deep.include({began: 'created', then: 'stop', verified_count: 2})
      expect(made.instance.last_checkpoint?.path).to.equal('checkpoints/checkpoint_epoch_2.json')
      expect(made.instance.estimated_cost, 'for the time that it ran').to.be.within(1e-9, 0.01)
      expect(bench.aws.instance(made.instance.id).state).to.equal('stopped')
    })

    it('W14: what costs money for nothing is named, with the command that ends it', async () => {
      const {bench} = account
      const tags = {'runctl:created-by': '0.1.0', 'runctl:owner': 'eva'}
      const [forgotten, unused] = await Promise.all([bench.aws.addInstance({state: 'stopped', tags}), bench.aws.addInstance({tags})])
      const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000)
      bench.aws.instance(forgotten).transitionReason = `User initiated (${daysAgo(12.1).toISOString().slice(0, 19).replace('T', ' ')} GMT)`
      bench.aws.instance(unused).launchedAt = daysAgo(0.21)
      for (const id of [forgotten, unused]) bench.aws.ec2.state.record(bench.aws.instance(id))
      const said = await wellAsWritten(bench, account.ids, LINES.W14.split('\n\n')[0] ?? '')
      expect(said).to.contain(`
What could be cleaned up:
  ${forgotten}: stopped for 12d, its disk is paid for: runctl aws terminate ${forgotten}
  ${unused}: running for 5h 2m, nothing was trained on it: runctl aws stop ${unused}
`)
    })
  })

  describe('the usage patterns', () => {
    patternsAsWritten(async () => {
      await account.bench.write('script.py', ownScript({stepSeconds: 0}))
      await account.bench.ok(['aws', 'start', ...account.ids, '--wait'])
      return account
    })
  })
})
