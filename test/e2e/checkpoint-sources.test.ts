import {rm} from 'node:fs/promises'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {ResourceRow} from '../../src/core/list-resources.js'
import type {InstanceStatus} from '../../src/core/show-status.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {PLATFORM, ABSENT, Bench, until} from './support/bench.js'
import {pasted} from './support/pasted-command.js'

const SCRIPT = 'training/train_with_checkpoints.py'

describe('where checkpoints are, what is at risk, and going on', () => {
  let bench: Bench
  let id: string
  let first: string

  before(async () => {
    bench = await Bench.create()
    id = await bench.instance()
    first = (await bench.json<TrainJson>([PLATFORM, 'train', id, SCRIPT, '--wait', '--', '--epochs', '2', '--step-seconds', '0'])).run.run_id
  })
  after(() => bench.destroy())

  const list = (...argv: readonly string[]): Promise<readonly Checkpoint[]> => bench.json<readonly Checkpoint[]>(['checkpoint', 'list', ...argv])

  it('lists those of a project over all instances', async () => {
    const second = await bench.instance()
    await bench.ok([PLATFORM, 'train', second, SCRIPT, '--wait', '--', '--epochs', '1', '--step-seconds', '0'])
    const found = await list('--project', 'project')
    expect(found.map(({epoch}) => epoch).toSorted()).to.deep.equal([1, 1, 2])
    expect(new Set(found.flatMap(({places}) => places.map(({where}) => where)))).to.deep.equal(new Set([id, second]))
    expect((await bench.jsonError(['checkpoint', 'list', '--project', 'none'])).error.code).to.equal('not_found')
  })

  it('refuses sources that do not go together, and places that are none', async () => {
    for (const argv of [['--project', 'project', '--run', first], ['kept', '--project', 'project'], ['kept', '--from', 's3://b/p'], ['--run', first, '--from', './out'], ['gs://b/p']]) {
      expect((await bench.jsonError(['checkpoint', 'list', ...argv])).error.code, argv.join(' ')).to.equal('bad_input')
    }
    expect((await bench.jsonError(['checkpoint', 'list', '--instance-id', ABSENT])).error).to.deep.include({code: PLATFORM === 'ssh' ? 'bad_input' : 'not_found'})
  })

  it('says in status, list and resources what is at risk while a run goes on, and not when it has ended', async () => {
    const {run} = await bench.json<TrainJson>([PLATFORM, 'train', id, SCRIPT, '--', '--epochs', '500', '--step-seconds', '0.05'])
    const status = (): Promise<InstanceStatus> => bench.json<InstanceStatus>([PLATFORM, 'status', id])
    await until(async () => ((await status()).at_risk?.checkpoint ?? null) !== null, 60_000, 'a checkpoint at risk of nothing')
    const {at_risk, save_fit} = await status()
    expect(at_risk).to.deep.include({run_id: run.run_id, usd: 0, in_store: false})
    expect(save_fit).to.equal(null)
    expect((await bench.ok([PLATFORM, 'status', id])).stdout).to.match(/^last verified checkpoint \d+ s ago \(step \d+\): \d+ s of work at risk$/m)
    expect((await bench.ok(['checkpoint', 'list', '--instance-id', id])).stdout).to.match(/^last verified checkpoint .* of work at risk$/m)
    expect((await bench.ok(['checkpoint', 'list', '--run', run.run_id])).stdout).to.match(/^last verified checkpoint .* of work at risk$/m)
    const row = (rows: readonly ResourceRow[]): ResourceRow | undefined => rows.find(one => one.id === id)
    const asked = row(await bench.json<readonly ResourceRow[]>(['resources', 'list']))
    expect(asked).to.deep.include({at_risk_usd: 0, run: run.run_id})
    expect(asked?.last_checkpoint?.path).to.match(/^checkpoints\/checkpoint_epoch_/)
    for (const argv of [['resources', 'list', '--no-ask'], [PLATFORM, 'status', '--no-ask']]) expect(row(await bench.json<readonly ResourceRow[]>(argv))?.at_risk_usd).to.equal(null)
    await bench.ok(['run', 'stop', run.run_id])
    expect((await status()).at_risk).to.equal(null)
    expect((await bench.ok(['resources', 'list'])).stdout).not.to.contain('AT RISK')
  })

  it('continues the newest run without retyping it: script, arguments, folders, from the latest good checkpoint', async () => {
    await bench.ok([PLATFORM, 'train', id, SCRIPT, '--wait', '--project-name', 'other', '--checkpoint-dir', 'ckpt', '--', '--epochs', '3', '--step-seconds', '0'])
    const {stderr} = await bench.ok(['checkpoint', 'resume', '--instance-id', id, '--wait', '--', '--epochs', '5', '--step-seconds', '0'])
    expect(stderr).to.contain('with other arguments').and.contain('values of --env, --data, --python are not kept')
    const again = await bench.json<TrainJson>(['checkpoint', 'resume', '--instance-id', id, '--wait'])
    expect(again.run).to.deep.include({project: 'other', script: SCRIPT, args: ['--epochs', '5', '--step-seconds', '0'], attempt: 3, reason: 'completed', resume_from: 'ckpt/checkpoint_epoch_5.json'})
    expect(again.sync).to.equal(null)
  })

  it('continues from the checkpoint that is named, and refuses where none is good', async () => {
    const {run} = await bench.json<TrainJson>(['checkpoint', 'resume', 'ckpt/checkpoint_epoch_3.json', '--instance-id', id, '--wait'])
    expect(run.resume_from).to.equal('ckpt/checkpoint_epoch_3.json')
    await rm(bench.home(id, 'projects', 'other', 'ckpt'), {recursive: true})
    const {error} = await bench.jsonError(['checkpoint', 'resume', '--instance-id', id])
    expect(error).to.deep.include({code: 'verification_failed'})
    expect(error.next).to.include(`runctl checkpoint list --instance-id ${id}`)
    const fresh = await bench.instance()
    const nothing = await bench.jsonError(['checkpoint', 'resume', '--instance-id', fresh])
    expect(nothing.error.code).to.equal('not_found')
    for (const line of nothing.error.next) await pasted(line)
    expect((await bench.jsonError(['checkpoint', 'resume', '--instance-id', id, 's3://bucket/x.pt'])).error).to.deep.include({code: 'bad_input'})
  })

  it('refuses to continue what goes on', async () => {
    const {run} = await bench.json<TrainJson>([PLATFORM, 'train', id, SCRIPT, '--', '--epochs', '500', '--step-seconds', '0.05'])
    const {error} = await bench.jsonError(['checkpoint', 'resume', '--instance-id', id])
    expect(error).to.deep.include({code: 'run_active'})
    expect(error.next).to.include(`runctl run stop ${run.run_id}`)
    await bench.ok(['run', 'stop', run.run_id, '--force'])
  })
})
