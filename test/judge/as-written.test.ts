import type {CreateResult} from '../../src/core/create-instance.js'
import {patternsAsWritten} from '../e2e/aws/as-written-patterns.js'
import type {WrittenAccount} from '../e2e/aws/as-written.js'
import {workflowsAsWritten} from '../e2e/aws/as-written-workflows.js'
import {JUDGED, type OpenAccount} from '../e2e/support/accounts.js'
import {ownScript} from '../e2e/support/samples.js'

describe(`as the documentation writes it, on ${JUDGED.title}`, function () {
  this.timeout(120_000)
  let open: OpenAccount
  let account: WrittenAccount

  before(async function () {
    if (JUDGED.skipped !== null) this.skip()
    open = await JUDGED.open({'script.py': ownScript({stepSeconds: 0.025})})
    const made = await open.bench.json<readonly CreateResult[]>(['aws', 'create', '--type', 't3.medium', '--count', '3', '--wait'])
    account = {bench: open.bench, ids: made.map(({instance}) => instance.id)}
  })
  after(() => open?.close())

  describe('the workflows', () => workflowsAsWritten(async () => account))

  describe('the usage patterns', () => {
    patternsAsWritten(async () => {
      await account.bench.write('script.py', ownScript({stepSeconds: 0}))
      await account.bench.ok(['aws', 'start', ...account.ids, '--wait'])
      return account
    })
  })
})
