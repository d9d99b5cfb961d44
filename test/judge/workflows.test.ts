import {CreateBucketCommand, PutObjectCommand, S3Client} from '@aws-sdk/client-s3'
import {expect} from 'chai'
import {execFile} from 'node:child_process'
import {readdir, readFile, symlink} from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'

import type {MonitorJson} from '../../src/cli/verbs/monitor.js'
import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {EndResult} from '../../src/core/end-instance.js'
import type {DoctorLine} from '../../src/core/run-doctor.js'
import type {StartResult} from '../../src/core/start-instance.js'
import type {SetupReport} from '../../src/providers/provider.js'
import {Bench, collect, type ErrorDocument, until} from '../e2e/support/bench.js'
import {sampleScript} from '../e2e/support/samples.js'
import {type Moto, startMoto, WITHOUT_JUDGE} from './moto.js'

const SCRIPT = 'training/train_with_checkpoints.py'
const QUICK = ['--step-seconds', '0']
const BUCKET = 'training-data'

const epochs = (count: number): readonly string[] => Array.from({length: count}, (_, at) => `checkpoints/checkpoint_epoch_${at + 1}.json`)

/** Each test goes on where the one before it ended, from an account with nothing in it. */
describe(`the workflows, where moto answers for EC2, IAM, S3 and STS${WITHOUT_JUDGE === null ? '' : ` (${WITHOUT_JUDGE})`}`, function () {
  this.timeout(120_000)
  let moto: Moto
  let bench: Bench
  let id: string

  before(async function () {
    if (WITHOUT_JUDGE !== null) this.skip()
    moto = await startMoto()
    bench = await Bench.create({'script.py': await sampleScript()}, {platform: 'aws', aws: {judge: {url: moto.url}}})
    // The bench has them in every account, moto has not.
    bench.aws.world.roles.clear()
    bench.aws.world.instanceProfiles.clear()
  })
  after(async () => {
    await bench?.destroy()
    await moto?.close()
  })

  const notRight = async (argv: readonly string[]): Promise<readonly DoctorLine[]> =>
    (await bench.json<readonly DoctorLine[]>(argv)).filter(({status}) => status !== 'ok')
  const setup = (): Promise<SetupReport> => bench.json<SetupReport>(['aws', 'setup', '--read-bucket', BUCKET])

  it('`aws setup` makes role, profile and bucket, a second time finds them, and doctor finds nothing wrong', async () => {
    const first = await setup()
    expect(first.steps.map(({state}) => state)).to.have.members([...Array<string>(5).fill('created'), ...Array<string>(3).fill('changed')])
    expect((await setup()).steps.map(({state}) => state)).to.deep.equal(Array(8).fill('ok'))
    expect(await notRight(['doctor'])).to.deep.equal([])
  })

  it('creates an instance that answers, and that doctor finds able to write to the bucket with its own role', async () => {
    id = await bench.instance()
    expect(bench.aws.calls.count('RunInstances')).to.equal(1)
    expect(bench.aws.ec2.state.details.size).to.equal(0)
    expect(await notRight(['doctor', id])).to.deep.equal([])
  })

  it('1: start, train with checkpoints, stop: all of them are kept and the last one is in the tags', async () => {
    await bench.ok(['aws', 'stop', id])
    const started = await bench.json<StartResult>(['aws', 'start', id, '--wait'])
    expect([started.changed, started.instance.state]).to.deep.equal([true, 'running'])
    const {run} = await bench.json<TrainJson>(['aws', 'train', id, SCRIPT, '--sync-code', '--wait', '--', '--epochs', '3', '--checkpoint-interval', '1', ...QUICK])
    expect(run).to.deep.include({state: 'stopped', reason: 'completed', exit_code: 0, checkpoint_count: 3})
    const stopped = await bench.json<EndResult>(['aws', 'stop', id])
    expect(stopped.instance).to.deep.include({state: 'stopped', state_reason: 'user', run: run.run_id})
    expect(stopped.instance.last_checkpoint).to.deep.include({path: 'checkpoints/checkpoint_epoch_3.json', epoch: 3, step: 60})
    expect(stopped.saved?.only_here?.map((checkpoint) => checkpoint.path)).to.deep.equal(epochs(3))
  })

  it('2: resumes from the checkpoint of an epoch, and trains none twice', async () => {
    await bench.ok(['aws', 'start', id, '--wait'])
    const {stdout} = await bench.ok(['aws', 'train', id, SCRIPT, '--sync-code', '--wait', '--', '--epochs', '5', '--resume-from', 'checkpoints/checkpoint_epoch_1.json', ...QUICK])
    expect(stdout).to.contain('resumed from checkpoints/checkpoint_epoch_1.json at epoch 1, step 20')
    expect(stdout.match(/^epoch \d/gm)).to.deep.equal(['epoch 2', 'epoch 3', 'epoch 4', 'epoch 5'])
  })

  it("3: the instance itself brings the data from moto's S3, and trains on them", async () => {
    const files = await uploadDigits()
    bench.aws.calls.reset()
    const {stdout} = await bench.ok(['aws', 'train', id, 'training/train_mnist_e2e.py', '--sync-code', '--data-s3', `s3://${BUCKET}/path/`, '--wait', '--', '--epochs', '2'])
    expect(stdout).to.contain('epoch 2/2').and.to.contain('completed')
    // Large enough to be told from the CLI's own calls, which move none of the data.
    const fetched = bench.aws.calls.list().filter(({operation}) => operation === 'GetObject').reduce((sum, {responseBytes}) => sum + responseBytes, 0)
    expect(fetched).to.equal(files.reduce((sum, {length}) => sum + length, 0))
  })

  it('5: lists what there is and what it costs, for jq too', async () => {
    const tools = path.join(bench.root, 'tools')
    await promisify(execFile)('mkdir', ['-p', tools])
    await symlink(path.resolve(import.meta.dirname, '../../bin/run.js'), path.join(tools, 'runctl'))
    expect((await bench.ok(['resources', 'list', '--platform', 'aws'])).stdout).to.contain(id)
    const line = `PATH=${tools}:$PATH; runctl resources list --platform aws --output json | jq -c '.[] | {id: .id, cost: .estimated_cost}'`
    const {code, stdout} = await collect(bench.shell(line), 30_000)
    expect(code).to.equal(0)
    const {cost, ...rest} = JSON.parse(stdout) as {readonly id: string; readonly cost: number}
    expect(rest).to.deep.equal({id})
    expect(cost).to.be.greaterThan(0)
  })

  it('7: one command starts what is stopped, trains, waits and verifies', async () => {
    await bench.ok(['aws', 'stop', id])
    const {stdout} = await bench.ok(['workflow', 'run', id, SCRIPT, '--', '--epochs', '2', ...QUICK])
    expect(stdout).to.contain('finished 2 epochs')
    // As it was before.
    expect(bench.aws.instance(id).state).to.equal('stopped')
  })

  it('11: stop saves in the middle, the disk comes back with the next start, and the training goes on from there', async () => {
    const w11 = ['--sync-code', '--project-name', 'w11']
    await bench.ok(['aws', 'start', id, '--wait'])
    const {run} = await bench.json<TrainJson>(['aws', 'train', id, 'script.py', ...w11, '--', '--epochs', '2', '--step-seconds', '0.5'])
    await until(async () => (await bench.json<MonitorJson>(['aws', 'monitor', id])).run.state === 'running', 10_000, 'the script runs')
    const stopped = await bench.json<EndResult>(['aws', 'stop', id])
    expect(stopped.saved?.reports[0]).to.deep.include({run_id: run.run_id, ok: true, saved_on_request: true, ended: 'graceful'})
    const saved = stopped.saved?.reports[0]?.checkpoint?.path ?? ''
    expect(saved).to.match(/^checkpoints\/checkpoint_epoch_0_step_\d+\.json$/)
    await bench.ok(['aws', 'start', id, '--wait'])
    const resumed = await bench.ok(['aws', 'train', id, 'script.py', ...w11, '--wait', '--', '--epochs', '2', '--resume-from', saved, ...QUICK])
    expect(resumed.stdout).to.contain(`resumed from ${saved}`).and.to.contain('finished 2 epochs')
  })

  it('13: a script that is not there and a stopped instance are told as such, with what to do', async () => {
    const missing: ErrorDocument = await bench.jsonError(['aws', 'train', id, 'nonexistent_script.py', '--sync-code'])
    expect(missing.error.message).to.contain('nonexistent_script.py')
    await bench.ok(['aws', 'stop', id])
    const {error}: ErrorDocument = await bench.jsonError(['aws', 'train', id, 'script.py', '--sync-code'])
    expect(error.message).to.contain('stopped')
    expect(error.next.join('\n')).to.contain(`runctl aws start ${id} --wait`)
  })

  it('terminates: the instance is gone from the list, and its machine with it', async () => {
    const {instance} = await bench.json<EndResult>(['aws', 'terminate', id, '--force'])
    expect(instance.state).to.be.oneOf(['shutting-down', 'terminated'])
    expect(await bench.json<readonly unknown[]>(['resources', 'list', '--platform', 'aws'])).to.deep.equal([])
    expect(bench.aws.instance(id).state).to.equal('terminated')
  })

  /** A small data set below `path/` in a bucket that is not runctl's own; the files' bytes. */
  async function uploadDigits(): Promise<readonly Buffer[]> {
    const folder = path.join(bench.root, 'digits')
    await promisify(execFile)('python3', [path.join(bench.project, 'training', 'make_digits.py'), folder, '--train', '200', '--test', '50'])
    const {key, url} = bench.aws
    const s3 = new S3Client({endpoint: url, region: 'us-east-1', credentials: {accessKeyId: key.id, secretAccessKey: key.secret}})
    try {
      await s3.send(new CreateBucketCommand({Bucket: BUCKET}))
      const put = async (name: string): Promise<Buffer> => {
        const bytes = await readFile(path.join(folder, name))
        await s3.send(new PutObjectCommand({Bucket: BUCKET, Key: `path/${name}`, Body: bytes}))
        return bytes
      }
      return await Promise.all((await readdir(folder)).map(put))
    } finally {
      s3.destroy()
    }
  }
})
