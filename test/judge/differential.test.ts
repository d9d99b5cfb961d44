import {EC2Client} from '@aws-sdk/client-ec2'
import {IAMClient} from '@aws-sdk/client-iam'
import {S3Client} from '@aws-sdk/client-s3'
import {STSClient} from '@aws-sdk/client-sts'
import {expect} from 'chai'

import {type AwsBench, startAwsBench} from '../bench/index.js'
import {clientSettings, recordedMachines} from '../bench-self/with-bench.js'
import {ec2Operations} from './ec2-operations.js'
import {iamOperations} from './iam-operations.js'
import {type Deviation, EC2_DEVIATIONS, IAM_DEVIATIONS, S3_DEVIATIONS} from './known-deviations.js'
import {type Moto, startMoto, WITHOUT_JUDGE} from './moto.js'
import {s3Operations} from './s3-operations.js'
import {type Difference, differences, Transcript} from './transcript.js'

/** The same list of operations, sent to both: what they answer differs where, and as, the table says, and nowhere else. */
describe(`the bench and moto, asked the same${WITHOUT_JUDGE === null ? '' : ` (${WITHOUT_JUDGE})`}`, function () {
  this.timeout(120_000)
  // What the first attempt left behind would be another account.
  this.retries(0)
  let moto: Moto
  let bench: AwsBench

  before(async function () {
    if (WITHOUT_JUDGE !== null) this.skip()
    moto = await startMoto()
    bench = await startAwsBench({machines: recordedMachines(), times: {pendingMs: 5, stoppingMs: 5, shuttingDownMs: 5}})
    // The bench has them in every account, moto has not.
    bench.world.roles.clear()
    bench.world.instanceProfiles.clear()
  })
  after(async () => {
    await bench?.close()
    await moto?.close()
  })

  type Settings = ReturnType<typeof clientSettings>

  async function judge(ask: (script: Transcript, settings: Settings) => Promise<void>): Promise<readonly Difference[]> {
    const settings = clientSettings(bench)
    const [ours, theirs] = [new Transcript(), new Transcript()]
    await Promise.all([ask(ours, settings), ask(theirs, {...settings, endpoint: moto.url})])
    expect(ours.leaves.size).to.be.greaterThan(20)
    return differences(ours, theirs)
  }

  const rows = (table: readonly Deviation[]): readonly Difference[] =>
    table
      .flatMap(({differs}) => Object.entries(differs).map(([at, {bench: ours, moto: theirs}]) => ({at, bench: ours, moto: theirs})))
      .toSorted((a, b) => (a.at < b.at ? -1 : 1))

  // In this order: instances are given the profile that is made here.
  it('answer for IAM and STS alike', async () => {
    expect(await judge((script, settings) => iamOperations(script, new IAMClient(settings), new STSClient(settings)))).to.deep.equal(rows(IAM_DEVIATIONS))
  })

  it('answer for EC2 alike', async () => {
    expect(await judge((script, settings) => ec2Operations(script, new EC2Client(settings)))).to.deep.equal(rows(EC2_DEVIATIONS))
  })

  it('answer for S3 alike', async () => {
    expect(await judge((script, settings) => s3Operations(script, new S3Client(settings), new S3Client({...settings, requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED'})))).to.deep.equal(rows(S3_DEVIATIONS))
  })
})
