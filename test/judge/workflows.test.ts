import {expect} from 'chai'

import type {EndResult} from '../../src/core/end-instance.js'
import type {DoctorLine} from '../../src/core/run-doctor.js'
import type {SetupReport} from '../../src/providers/provider.js'
import {JUDGED, openEmptyJudged, type OpenAccount} from '../e2e/support/accounts.js'

/** Each test goes on where the one before it ended, from an account with nothing in it. The workflows themselves follow in test/e2e and as-written. */
describe(`an account from its beginning to its end, on ${JUDGED.title}`, function () {
  this.timeout(120_000)
  let account: OpenAccount
  let id: string

  before(async function () {
    if (JUDGED.skipped !== null) this.skip()
    account = await openEmptyJudged({})
  })
  after(() => account?.close())

  const notRight = async (argv: readonly string[]): Promise<readonly DoctorLine[]> =>
    (await account.bench.json<readonly DoctorLine[]>(argv)).filter(({status}) => status !== 'ok')
  const setup = (): Promise<SetupReport> => account.bench.json<SetupReport>(['aws', 'setup', '--read-bucket', 'training-data'])

  it('`aws setup` makes role, profile and bucket, a second time finds them, and doctor finds nothing wrong', async () => {
    const first = await setup()
    expect(first.steps.map(({state}) => state)).to.have.members([...Array<string>(5).fill('created'), ...Array<string>(3).fill('changed')])
    expect((await setup()).steps.map(({state}) => state)).to.deep.equal(Array(8).fill('ok'))
    expect(await notRight(['doctor'])).to.deep.equal([])
  })

  it('creates an instance that answers, and that doctor finds able to write to the bucket with its own role', async () => {
    id = await account.bench.instance()
    expect(account.bench.aws.calls.count('RunInstances')).to.equal(1)
    expect(account.bench.aws.ec2.state.details.size).to.equal(0)
    expect(await notRight(['doctor', id])).to.deep.equal([])
  })

  it('terminates: the instance is gone from the list, and its machine with it', async () => {
    const {instance} = await account.bench.json<EndResult>(['aws', 'terminate', id, '--force'])
    expect(instance.state).to.be.oneOf(['shutting-down', 'terminated'])
    expect(await account.bench.json<readonly unknown[]>(['resources', 'list', '--platform', 'aws'])).to.deep.equal([])
    expect(account.bench.aws.instance(id).state).to.equal('terminated')
  })
})
