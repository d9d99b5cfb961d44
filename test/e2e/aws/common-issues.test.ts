import {expect} from 'chai'

import type {TrainJson} from '../../../src/cli/verbs/train.js'
import type {InstanceStatus} from '../../../src/core/show-status.js'
import {Bench} from '../support/bench.js'
import {pasted} from '../support/pasted-command.js'
import {sampleScript} from '../support/samples.js'
import {asWritten, nextCommands, oneLine, wellAsWritten} from './as-written.js'

const QUICK = ['--', '--epochs', '2', '--step-seconds', '0']

describe('common issues on aws', function () {
  this.timeout(120_000)
  let bench: Bench
  let id: string

  before(async () => {
    // Commands reach a new instance only when a test says so.
    bench = await Bench.create({'script.py': await sampleScript()}, {platform: 'aws', aws: {times: {onlineMs: 3_600_000}}})
    id = await bench.aws.addInstance()
  })
  after(() => bench.destroy())

  const finishes = async (instanceId: string, ...flags: readonly string[]): Promise<TrainJson> => {
    const trained = await bench.json<TrainJson>(['aws', 'train', instanceId, 'script.py', '--sync-code', '--wait', ...flags, ...QUICK])
    expect(trained.run).to.deep.include({state: 'stopped', reason: 'completed', checkpoint_count: 2})
    return trained
  }

  it('1, instance not ready: without --wait the error names both ways to wait, with --wait it trains', async () => {
    const {instance} = await bench.json<{instance: {id: string}}>(['aws', 'create'])
    const created = bench.aws.instance(instance.id)
    await bench.ok(['aws', 'status', instance.id])
    const early = await asWritten(bench, [instance.id], 'runctl aws train i-xxx script.py --sync-code')
    expect(early.code).to.equal(7)
    expect(oneLine(early.stderr)).to.contain(`Error: instance ${instance.id} is not ready: the SSM agent on ${instance.id} has not connected yet`)
    const commands = nextCommands(early.stderr)
    expect(commands).to.include(`runctl aws wait ${instance.id}`)
    expect(commands.filter(command => command.startsWith(`runctl aws train ${instance.id} script.py`) && command.includes('--wait')), early.stderr).to.have.length(1)
    for (const command of commands) await pasted(command)

    created.onlineAt = new Date(Date.now() + 1500)
    await finishes(instance.id)
  })

  it('2, checkpoint not found: says so before anything is trained, and how to see which there are', async () => {
    await finishes(id)
    const named = await bench.jsonError(['aws', 'train', id, 'script.py', '--wait', '--resume', 'checkpoints/checkpoint_epoch_7.json'])
    expect(named.error.code).to.equal('not_found')
    expect(named.error.message).to.contain('checkpoints/checkpoint_epoch_7.json')
    expect(named.error.next).to.include(`runctl checkpoint list --instance-id ${id}`)

    const handed = await bench.jsonError(['aws', 'train', id, 'script.py', '--wait', '--', '--resume-from', 'checkpoints/checkpoint_epoch_7.json'])
    expect(handed.error).to.deep.include({code: 'training_failed', exit_code: 10})
    expect(handed.error.details['last_log_lines']).to.deep.equal(['error: cannot resume from checkpoints/checkpoint_epoch_7.json: No such file or directory'])
    expect(handed.error.next).to.include(`runctl checkpoint list --instance-id ${id}`)
  })

  it('3, SSM not available: names the missing profile and the command that gives one, after which it trains', async () => {
    const bare = await bench.aws.addInstance({profile: null})
    for (const flags of ['', ' --wait']) {
      const refused = await asWritten(bench, [bare], `runctl aws train i-xxx script.py --sync-code${flags}`)
      expect(refused.code).to.equal(7)
      expect(oneLine(refused.stderr)).to.contain('it has no instance profile, so its SSM agent may not register')
      expect(nextCommands(refused.stderr)).to.deep.equal([`runctl aws setup --attach ${bare}`])
    }
    await wellAsWritten(bench, [bare], 'runctl aws setup --attach i-xxx')
    bench.aws.instance(bare).onlineAt = new Date()
    await finishes(bare)
  })

  it('4, S3 upload fails: the training completes all the same, and status and stop say what is missing and why', async () => {
    bench.aws.s3.addBucket('not-ours')
    const {run} = await finishes(id, '--project-name', 'locked', '--output-s3', 's3://not-ours/out')
    const why = "the instance's role may not s3:PutObject there; `runctl aws setup --bucket not-ours` allows it"

    const status = await bench.json<InstanceStatus>(['aws', 'status', id])
    expect(status.runs?.[0]).to.deep.include({run_id: run.run_id, reason: 'completed', output_uri: `s3://not-ours/out/locked/${run.run_id}/`})
    expect(status.runs?.[0]?.upload?.error).to.contain('403 AccessDenied for s3://not-ours/out/locked/').and.to.contain(why)
    expect(status.runs?.[0]?.upload?.pending).to.be.greaterThan(0)
    expect((await bench.ok(['aws', 'status', id])).stdout).to.contain('The upload fails: 403 AccessDenied').and.to.contain(why)

    const {stdout} = await bench.ok(['aws', 'stop', id])
    expect(stdout.replace(/\n +/g, ' ')).to.contain('checkpoints/checkpoint_epoch_2.json is not in s3://not-ours/out/locked/').and.to.contain(why)
    expect(bench.aws.s3.keys('not-ours')).to.deep.equal([])
    const refused = await bench.jsonError(['aws', 'terminate', id])
    expect(refused.error.code).to.equal('save_failed')
    expect(bench.aws.instance(id).state).to.equal('stopped')
  })
})
