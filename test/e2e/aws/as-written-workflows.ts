import {expect} from 'chai'

import type {ResourceRow} from '../../../src/core/list-resources.js'
import type {RunRow} from '../../../src/core/list-runs.js'
import type {SetupResult} from '../../../src/core/set-up-platform.js'
import type {Checkpoint} from '../../../src/model/checkpoint.js'
import {until} from '../support/bench.js'
import {ownScript} from '../support/samples.js'
import {asWritten, hasJq, nextCommands, oneLine, wellAsWritten, type WrittenAccount} from './as-written.js'
import {digitsFor} from './digits-on-s3.js'
import {LINES} from './documented-lines.js'
import {pasted} from '../support/pasted-command.js'

/** Of t3.medium, which all three are. */
const USD_PER_HOUR = 0.0416
const epochs = (count: number): readonly string[] => Array.from({length: count}, (_, at) => `checkpoints/checkpoint_epoch_${at + 1}.json`)

/** W1 to W15, in their order: each finds what the one before it left, as a reader who tries all of them does. */
export function workflowsAsWritten(open: () => Promise<WrittenAccount>): void {
  let account: WrittenAccount
  before(async () => {
    account = await open()
  })

  const well = (lines: string, ids = account.ids): Promise<string> => wellAsWritten(account.bench, ids, lines)
  const lastRun = async (): Promise<RunRow | undefined> => (await account.bench.json<readonly RunRow[]>(['run', 'list', '--limit', '1']))[0]
  const rows = (): Promise<readonly ResourceRow[]> => account.bench.json<readonly ResourceRow[]>(['resources', 'list', '--platform', 'aws'])
  const expectSaved = (said: string, count: number): void => {
    for (const path of epochs(count)) expect(said).to.contain(`saved ${path}`)
  }

  it('W1: trains, checkpoints at each interval, saves on stop, and the tags know it', async () => {
    const said = await well(LINES.W1)
    expectSaved(said, 3)
    expect(said).to.match(/^State +completed$/m).and.to.match(/^State +stopped \(by you\)$/m)
    const row = (await rows()).find(({id}) => id === account.ids[0])
    expect(row).to.deep.include({state: 'stopped', state_reason: 'user', project: 'project'})
    expect(row?.last_checkpoint).to.deep.include({path: 'checkpoints/checkpoint_epoch_3.json', epoch: 3, step: 60})
  })

  it('W2: goes on from the epoch of the checkpoint, and trains none twice', async () => {
    const said = await well(LINES.W2)
    expect(said).to.contain('resumed from checkpoints/checkpoint_epoch_1.json at epoch 1, step 20')
    expect(said.match(/^epoch \d/gm)).to.deep.equal(['epoch 2', 'epoch 3', 'epoch 4', 'epoch 5'])
  })

  it('W3: brings the data from S3, and trains on them; once more, nothing has changed', async () => {
    await digitsFor(account.bench, 'bucket', 'path/')
    const refused = await asWritten(account.bench, account.ids, LINES.W3)
    expect(refused.code).to.equal(6)
    expect(oneLine(refused.stderr)).to.contain("the instance's role may not s3:ListBucket there; `runctl aws setup --read-bucket bucket` allows it")
    await account.bench.json<SetupResult>(['aws', 'setup', '--read-bucket', 'bucket'])
    const said = await well(LINES.W3)
    expect(said).to.contain('data: 4 files').and.to.contain('training on 60 images of 784 pixels').and.to.contain('finished 2 epochs')
    expect(await well(LINES.W3)).to.contain('nothing changed').and.to.contain('finished 2 epochs')
  })

  it('W4: a checkpoint for each epoch, all of them whole', async () => {
    expectSaved(await well(LINES.W4), 5)
    const run = await lastRun()
    const listed = await account.bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--run', run?.run_id ?? ''])
    expect(listed.map(({epoch, path, state}) => [path, epoch, state])).to.deep.equal(epochs(5).map((path, at) => [path, at + 1, 'complete']))
  })

  it('W5: what there is, and what each costs, in the words of jq', async function () {
    if (!hasJq()) {
      this.test!.title += ' (skipped: no jq here)'
      return this.skip()
    }
    const said = await well(LINES.W5)
    for (const id of account.ids) expect(said).to.match(new RegExp(`^${id} .* running `, 'm'))
    expect(said).to.contain('3 of 3 instances running: $0.125/h, <$0.01 so far')
    const costs = [...said.matchAll(/\{\s+"id": "(i-\w+)",\s+"cost": ([\d.e-]+)\s+\}/g)].map(([, id = '', cost]) => [id, Number(cost)] as const)
    expect(costs.map(([id]) => id)).to.have.members(account.ids)
    for (const row of await rows()) {
      expect(row.cost_per_hour).to.equal(USD_PER_HOUR)
      // Since its last start, and a minute at least for each of the few starts before; the disk comes to less than a minute's rest.
      const cost = (USD_PER_HOUR * (Date.now() - Date.parse(row.launched_at ?? ''))) / 3_600_000
      const minute = USD_PER_HOUR / 60
      expect(costs.find(([id]) => id === row.id)?.[1]).to.be.within(cost - minute, cost + 5 * minute)
    }
    return undefined
  })

  it('W6: the log is followed to its end, and the status is the present one', async () => {
    const said = await well(LINES.W6)
    const followed = said.slice(said.indexOf('epoch 1/3'))
    expect(followed.match(/^epoch \d\/3/gm)?.slice(0, 3)).to.deep.equal(['epoch 1/3', 'epoch 2/3', 'epoch 3/3'])
    expect(followed).to.contain('finished 3 epochs').and.to.match(/^State +completed$/m).and.to.match(/^State +running$/m)
  })

  it('W7: the whole session on an instance that runs, which goes on; and on one that is stopped, which is stopped again', async () => {
    expect(await well(LINES.W7)).to.contain('was running, kept running').and.to.contain('2 verified of 2')
    const stopped = [account.ids[2] ?? '']
    await account.bench.ok(['aws', 'stop', ...stopped])
    expect(await well(LINES.W7, stopped)).to.contain('started, stopped, its disk is kept').and.to.contain('2 verified of 2')
  })

  it('W8: in the folder of the name that was given, checkpoints too', async () => {
    await well(LINES.W8)
    const project = (...parts: readonly string[]): Promise<string> => account.bench.readHome(account.ids[0] ?? '', 'projects', 'my-training-project', ...parts)
    expect(await project('training', 'train_with_checkpoints.py')).to.contain('A small but real training')
    expect(await project('checkpoints', 'checkpoint_epoch_2.json')).to.contain('"epoch":2')
    expect(await project('outputs', 'epochs.log')).to.equal('epoch 1\nepoch 2\n')
  })

  it('W9: the arguments reach the script, which uses them', async () => {
    await well(LINES.W9)
    expect((await lastRun())?.args).to.deep.equal(['--epochs', '3', '--checkpoint-interval', '1', '--learning-rate', '0.001'])
    const saved = await account.bench.readHome(account.ids[0] ?? '', 'projects', 'project', 'checkpoints', 'checkpoint_epoch_3.json')
    expect(JSON.parse(saved)).to.have.nested.property('settings.learning_rate', 0.001)
  })

  it('W10: the checkpoints, with what is known of them and where they are', async () => {
    const said = await well(LINES.W10)
    expect(said).to.match(/^PATH +EPOCH +STEP +/m).and.to.match(/^checkpoints\/checkpoint_epoch_3\.json +3 +60 .* complete +instance/m)
  })

  it('W11: stop saves what runs, it is there after the restart, and the training goes on from it', async () => {
    await account.bench.write('script.py', ownScript({stepSeconds: 0.2}))
    const said = await well(LINES.W11)
    const saved = /^Checkpoint +(checkpoints\/checkpoint_epoch_0_step_\d+\.json) .*saved on request/m.exec(said)?.[1] ?? ''
    expect(saved, said).not.to.equal('')
    const step = /_step_(\d+)/.exec(saved)?.[1]
    const log = async (): Promise<string> => (await account.bench.ok(['run', 'logs', (await lastRun())?.run_id ?? ''])).stdout
    await until(async () => (await log()).includes(`resumed from checkpoint.json at epoch 0, step ${step}`), 20_000, 'it is resumed')
  })

  it('W12: each look shows more', async () => {
    await account.bench.write('script.py', ownScript({stepSeconds: 0.1}))
    const said = await well(LINES.W12, account.ids.slice(1))
    const checks = said.split(/^Check \d:$/m).slice(1)
    const seen = checks.map(check => Math.max(0, ...[...check.matchAll(/^epoch (\d+)\/3/gm)].map(([, epoch]) => Number(epoch))))
    expect(seen).to.have.length(5)
    expect(seen.toSorted((a, b) => a - b)).to.deep.equal(seen)
    expect(seen[4]).to.be.greaterThan(seen[0] ?? Infinity)
    expect(checks[4]).to.contain('checkpoint_epoch_')
  })

  it('W13: a script that is not there, and an instance that is stopped: the cause, and the command that helps', async () => {
    const {code, stderr, stdout} = await asWritten(account.bench, account.ids, LINES.W13)
    expect(code).to.equal(4)
    expect(stdout).to.match(/^State +stopped \(by you\)$/m)
    expect(oneLine(stderr)).to.contain('Error: the script nonexistent_script.py does not exist here').and.to.contain('nothing was sent')
    expect(oneLine(stderr)).to.contain(`Error: instance ${account.ids[0]} is not ready: it is stopped (user), not running`)
    expect(stderr).not.to.match(/^\s+at |node:internal/m)
    const commands = nextCommands(stderr)
    expect(commands.at(-1)).to.equal(`runctl aws start ${account.ids[0]} --wait`)
    for (const command of commands) await pasted(command)
  })

  it('W14: all there is, running or not, and its cost as one array', async function () {
    if (!hasJq()) {
      this.test!.title += ' (skipped: no jq here)'
      return this.skip()
    }
    const said = await well(LINES.W14)
    for (const id of account.ids) expect(said).to.match(new RegExp(`^${id} `, 'm'))
    const running = (await rows()).filter(({state}) => state === 'running').map(({id}) => id)
    expect(said).to.contain(`${running.length} of 3 instances running`)
    const array = JSON.parse(said.slice(said.indexOf('\n[\n'))) as readonly {id: string; cost: unknown}[]
    expect(array.map(({id}) => id)).to.have.members(account.ids)
    for (const {cost} of array) expect(cost).to.be.within(0, 0.01)
    return undefined
  })

  it('W15: a whole session, timed', async () => {
    await account.bench.ok(['aws', 'start', account.ids[0] ?? '', '--wait'])
    const said = await well(LINES.W15)
    expectSaved(said, 3)
    // 60 steps with 0.025 s of rest after each.
    expect(Number(/^Training completed in (\d+) seconds$/m.exec(said)?.[1])).to.be.at.least(1)
  })
}
