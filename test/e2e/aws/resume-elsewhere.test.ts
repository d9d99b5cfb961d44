import {expect} from 'chai'

import type {TrainJson} from '../../../src/cli/verbs/train.js'
import type {SetupResult} from '../../../src/core/set-up-platform.js'
import type {InstanceStatus} from '../../../src/core/show-status.js'
import type {Checkpoint} from '../../../src/model/checkpoint.js'
import {Bench, collect, until} from '../support/bench.js'
import {pasted} from '../support/pasted-command.js'
import {sampleScript} from '../support/samples.js'

const QUICK = ['--step-seconds', '0'] as const

describe('going on elsewhere, from S3', function () {
  this.timeout(180_000)
  let bench: Bench
  let out: string
  let first: string
  let run: string

  before(async () => {
    bench = await Bench.create({'script.py': await sampleScript()}, {platform: 'aws'})
    const {settings} = await bench.json<SetupResult>(['aws', 'setup'])
    out = `s3://${settings['bucket'] ?? ''}/out`
    first = await bench.aws.addInstance()
    run = (await bench.json<TrainJson>(['aws', 'train', first, 'script.py', '--sync-code', '--wait', '--output-s3', out, '--', '--epochs', '3', ...QUICK])).run.run_id
  })
  after(() => bench?.destroy())

  const list = (...argv: readonly string[]): Promise<readonly Checkpoint[]> => bench.json<readonly Checkpoint[]>(['checkpoint', 'list', ...argv])
  const kinds = (found: readonly Checkpoint[]): readonly (readonly unknown[])[] => found.map(({epoch, places, state}) => [epoch, state, places.map(({kind}) => kind).sort().join(',')])

  it('says both places while the instance runs, and where the outputs go in its tags', async () => {
    expect(kinds(await list('--instance-id', first))).to.deep.equal([1, 2, 3].map(epoch => [epoch, 'complete', 'instance,s3']))
    expect(bench.aws.instance(first).tags.get('runctl:output')).to.equal(out)
  })

  it('lists them by instance, run, project and prefix when the instance is terminated', async () => {
    await bench.ok(['aws', 'terminate', first])
    const wanted = [1, 2, 3].map(epoch => [epoch, 'complete', 's3'])
    for (const argv of [['--instance-id', first], ['--run', run], ['--run', run, '--from', out], ['--project', 'project', '--from', out], [`${out}/project/${run}/`], [out]]) {
      expect(kinds(await list(...argv)), argv.join(' ')).to.deep.equal(wanted)
    }
  })

  it('resumes on another instance from the newest one in S3', async () => {
    const id = await bench.aws.addInstance()
    const {run: again} = await bench.json<TrainJson>(['aws', 'train', id, 'script.py', '--sync-code', '--wait', '--output-s3', out, '--resume', 'latest', '--', '--epochs', '5', ...QUICK])
    expect(again).to.deep.include({reason: 'completed', parent_run_id: run, attempt: 2, resume_alarm: null})
    expect(again.last_checkpoint?.epoch).to.equal(5)
    expect((await bench.ok(['run', 'logs', again.run_id])).stdout).to.match(/resumed from .* at epoch 3/)
    await bench.ok(['aws', 'terminate', id])
  })

  it('continues a run that is named, with its own script, arguments and output, on another instance', async () => {
    const id = await bench.aws.addInstance()
    const {run: again} = await bench.json<TrainJson>(['checkpoint', 'resume', '--instance-id', id, '--run', run, '--from', out, '--wait', '--', '--epochs', '4', ...QUICK])
    expect(again).to.deep.include({reason: 'completed', parent_run_id: run, script: 'script.py', project: 'project'})
    expect(again.output_uri).to.equal(`${out}/project/${again.run_id}/`)
    await bench.ok(['aws', 'terminate', id])
  })

  it('resumes from the one whose address is given, and refuses an object that is no checkpoint', async () => {
    const id = await bench.aws.addInstance()
    const [one] = await list('--run', run, '--from', out)
    const place = one?.places.find(({kind}) => kind === 's3')
    const uri = `s3://${place?.where ?? ''}/${place?.path ?? ''}`
    const {run: again} = await bench.json<TrainJson>(['aws', 'train', id, 'script.py', '--sync-code', '--wait', '--resume', uri, '--', '--epochs', '2', ...QUICK])
    expect((await bench.ok(['run', 'logs', again.run_id])).stdout).to.match(/resumed from .* at epoch 1/)
    const {error} = await bench.jsonError(['aws', 'train', id, 'script.py', '--resume', `${out}/project/${run}/run.json`])
    expect(error.code).to.be.oneOf(['verification_failed', 'not_found'])
    await bench.ok(['aws', 'terminate', id, '--force'])
  })

  it('refuses to resume from something older where the store cannot be read', async () => {
    const id = await bench.aws.addInstance()
    const remove = bench.aws.inject({operation: 'ListObjectsV2', kind: 'error', code: 'AccessDenied', status: 403})
    const {error} = await bench.jsonError(['aws', 'train', id, 'script.py', '--sync-code', '--output-s3', out, '--resume', 'latest']).finally(remove)
    expect(error.message).to.contain('nothing was started')
    expect(error.next.join('\n')).to.contain('--resume PATH')
    await bench.ok(['aws', 'terminate', id])
  })

  /** A run that has a checkpoint in the store, followed by a command whose end tells what to do when the machine went away. */
  async function followed(id: string): Promise<{readonly runId: string; readonly ended: ReturnType<typeof collect>}> {
    const ended = collect(bench.spawn(['aws', 'train', id, 'script.py', '--json', '--sync-code', '--wait', '--output-s3', out, '--', '--epochs', '400', '--step-seconds', '0.05']), 120_000)
    const status = (): Promise<InstanceStatus> => bench.json<InstanceStatus>(['aws', 'status', id])
    await until(async () => ((await status()).runs?.[0]?.last_stored_checkpoint ?? null) !== null, 60_000, 'a checkpoint in the store')
    const {at_risk, runs} = await status()
    expect(at_risk).to.deep.include({in_store: true})
    expect(at_risk?.usd).to.be.a('number').that.is.greaterThan(0)
    return {runId: runs?.[0]?.run_id ?? '', ended}
  }

  it('prints for a run whose instance was stopped what really resumes it there', async () => {
    const id = await bench.aws.addInstance()
    const {ended, runId} = await followed(id)
    bench.aws.ec2.lifecycle.stop(bench.aws.instance(id), 'Server.InternalError: Internal error on launch')
    const {error} = JSON.parse((await ended).stdout) as {error: {next: readonly string[]}}
    const resume = `runctl checkpoint resume --instance-id ${id} --run ${runId} --wait`
    expect(error.next).to.include.members([`runctl aws start ${id} --wait`, resume])
    await bench.ok(['aws', 'start', id, '--wait'])
    // It would go on for minutes.
    const {run: again} = await bench.json<TrainJson>((await pasted(resume)).filter(word => word !== '--wait'))
    expect(again).to.deep.include({parent_run_id: runId, attempt: 2, args: ['--epochs', '400', '--step-seconds', '0.05']})
    await bench.ok(['aws', 'terminate', id, '--force', '--grace', '5s'])
  })

  it('prints for a run whose spot instance was taken away what really resumes it on a new one', async () => {
    const {instance: {id}} = await bench.json<{instance: {id: string}}>(['aws', 'create', '--spot', '--type', 't3.medium', '--wait'])
    const {ended, runId} = await followed(id)
    bench.aws.interrupt(id, 8000)
    const {error} = JSON.parse((await ended).stdout) as {error: {next: readonly string[]}}
    const words = await pasted(error.next.find(line => line.startsWith('runctl workflow run aws ')) ?? '')
    // The same command with fewer epochs: it need not run for minutes.
    const shorter = words.map((one, at) => (words[at - 1] === '--epochs' ? '1' : one))
    const result = await bench.json<{run: TrainJson['run']}>([...shorter.slice(0, 4), '--then', 'keep', ...shorter.slice(4)])
    expect(result.run.parent_run_id).to.equal(runId)
  })
})
