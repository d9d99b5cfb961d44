import {readFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {WorkflowResult} from '../../../src/core/run-workflow.js'
import type {ResourceRow} from '../../../src/core/list-resources.js'
import type {SetupResult} from '../../../src/core/set-up-platform.js'
import {Bench} from '../support/bench.js'
import {pasted} from '../support/pasted-command.js'
import {REPOSITORY} from '../support/repository.js'
import {sampleScript} from '../support/samples.js'
import {asWritten, endedRuns, hasJq, nextCommands, oneLine, wellAsWritten} from './as-written.js'

describe('the workflows on aws, as the documentation writes them', function () {
  this.timeout(120_000)
  let bench: Bench
  let ids: readonly string[]

  before(async () => {
    bench = await Bench.create({'script.py': await sampleScript()}, {platform: 'aws'})
    ids = await Promise.all([1, 2, 3].map(() => bench.aws.addInstance()))
  })
  after(() => bench.destroy())

  const bash = (lines: string): Promise<string> => wellAsWritten(bench, ids, lines)

  it('15: a whole session, timed', async () => {
    const said = await bash(`
START_TIME=$(date +%s)
runctl aws train i-xxx training/train_with_checkpoints.py \\
  --sync-code --wait \\
  -- --epochs 3 --checkpoint-interval 1
END_TIME=$(date +%s)
DURATION=$((END_TIME - START_TIME))
echo "Training completed in $DURATION seconds"`)
    for (const epoch of [1, 2, 3]) expect(said).to.contain(`saved checkpoints/checkpoint_epoch_${epoch}.json`)
    const seconds = Number(/^Training completed in (\d+) seconds$/m.exec(said)?.[1])
    // 60 steps with 0.025 s of rest after each.
    expect(seconds).to.be.at.least(1)
  })

  it('5 and 14: what there is, and what each costs, in the words of jq', async function () {
    if (!hasJq()) {
      this.test!.title += ' (no jq here)'
      return this.skip()
    }
    const table = await bash('runctl resources list --platform aws')
    for (const id of ids) expect(table).to.match(new RegExp(`^${id} .* running `, 'm'))
    expect(table).to.contain('3 of 3 instances running: $0.125/h, <$0.01 so far')

    const rows = await bench.json<readonly ResourceRow[]>(['resources', 'list', '--platform', 'aws'])
    expect(rows.map(({id}) => id)).to.have.members(ids)
    const cost = (age: number): number => (0.0416 * age) / 3_600_000
    for (const row of rows) expect(row.estimated_cost).to.be.closeTo(cost(Date.now() - Date.parse(row.launched_at ?? '')), cost(60_000))

    const each = await bash(`runctl resources list --platform aws --output json | jq '.[] | {id: .id, cost: .estimated_cost}'`)
    const all = await bash(`runctl resources list --platform aws --output json | jq '[.[] | {id: .id, cost: .estimated_cost}]'`)
    for (const listed of [JSON.parse(`[${each.replaceAll('}\n{', '},{')}]`), JSON.parse(all)] as {id: string; cost: unknown}[][]) {
      expect(listed.map(({id}) => id)).to.have.members(ids)
      for (const {cost} of listed) expect(cost).to.be.within(0, 0.01)
    }
    return undefined
  })

  it('3: training on data from S3', async () => {
    bench.aws.s3.addBucket('bucket')
    await wellAsWritten(bench, ids, 'python3 training/make_digits.py digits --train 60 --test 20')
    for (const part of ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1']) {
      await bench.aws.s3.addObject('bucket', `path/${part}-ubyte.gz`, await readFile(path.join(bench.project, 'digits', `${part}-ubyte.gz`)))
    }
    const lines = `
runctl aws train i-xxx training/train_mnist_e2e.py \\
  --sync-code \\
  --data-s3 s3://bucket/path/ \\
  --wait \\
  -- --epochs 2`

    const refused = await asWritten(bench, ids, lines)
    expect(refused.code).to.equal(6)
    expect(oneLine(refused.stderr)).to.contain("the instance's role may not s3:ListBucket there; `runctl aws setup --read-bucket bucket` allows it")
    await bench.json<SetupResult>(['aws', 'setup', '--read-bucket', 'bucket'])

    const said = await bash(lines)
    expect(said).to.contain('data: 4 files').and.to.contain('training on 60 images of 784 pixels').and.to.contain('finished 2 epochs')
    expect(await bash(lines)).to.contain('nothing changed').and.to.contain('finished 2 epochs')
  })

  it('7: the whole session in one command, on a running instance, a stopped one and a new one', async () => {
    const lines = `
runctl workflow run i-xxx training/train_with_checkpoints.py \\
  -- --epochs 2`
    expect(await bash(lines)).to.contain('was running, kept running').and.to.contain('2 verified of 2')
    expect(await bash(`runctl aws stop i-xxx\n${lines}`), 'as it was before').to.contain('started, stopped, its disk is kept').and.to.contain('2 verified of 2')

    const made = await bench.json<WorkflowResult>(['workflow', 'run', 'aws', 'training/train_with_checkpoints.py', '--', '--epochs', '2', '--step-seconds', '0'])
    expect(made).to.deep.include({began: 'created', then: 'stop', verified_count: 2})
    expect(made.instance.last_checkpoint?.path).to.equal('checkpoints/checkpoint_epoch_2.json')
    expect(made.instance.estimated_cost, 'for the time that it ran').to.be.within(1e-9, 0.01)
    expect(bench.aws.instance(made.instance.id).state).to.equal('stopped')
  })

  it('12: a loop that looks again and again', async () => {
    await bash('runctl aws start i-xxx --wait')
    const said = await bash(`
# Start training
runctl aws train i-xxx script.py --sync-code -- --epochs 300

# Monitor periodically
for i in {1..3}; do
  echo "Check $i:"
  runctl aws monitor i-xxx
  sleep 0.1
done`)
    const checks = said.split(/^Check \d:$/m).slice(1)
    const seen = checks.map(check => Math.max(0, ...[...check.matchAll(/^epoch (\d+)\/300/gm)].map(([, epoch]) => Number(epoch))))
    expect(seen).to.have.length(3)
    expect(seen.toSorted((a, b) => a - b)).to.deep.equal(seen)
    expect(seen[2]).to.be.greaterThan(seen[0] ?? Infinity)
    expect(checks[2]).to.contain(`checkpoint_epoch_`).and.to.match(/^State +running$/m)
  })

  it('13: a script that is not there, and an instance that is stopped: the cause, and the command that helps', async () => {
    const absent = await asWritten(bench, ids, 'runctl aws train i-xxx nonexistent_script.py --sync-code')
    expect([absent.code, absent.stdout]).to.deep.equal([3, ''])
    expect(oneLine(absent.stderr)).to.contain('Error: the script nonexistent_script.py does not exist here').and.to.contain('nothing was sent')

    const stopped = await asWritten(bench, ids, `
runctl aws stop i-xxx
runctl aws train i-xxx script.py --sync-code`)
    expect(stopped.code).to.equal(4)
    expect(stopped.stdout).to.match(/^State +stopped \(by you\)$/m)
    expect(oneLine(stopped.stderr)).to.contain(`Error: instance ${ids[0]} is not ready: it is stopped (user), not running`)
    expect(nextCommands(stopped.stderr)).to.deep.equal([`runctl aws start ${ids[0]} --wait`])

    for (const {stderr} of [absent, stopped]) {
      expect(stderr).not.to.match(/^\s+at |node:internal/m)
      for (const command of nextCommands(stderr)) await pasted(command)
    }
  })

  it('pattern 2: learning rates one after another', async () => {
    const said = await wellAsWritten(bench, ids.slice(1), `
# Test different learning rates
for lr in 0.001 0.01 0.1; do
  runctl aws train i-xxx script.py --sync-code --wait \\
    -- --learning-rate $lr --epochs 5
done`)
    expect(said.match(/^State +completed$/gm)).to.have.length(3)
    const runs = await endedRuns(bench, [ids[1]!])
    expect(runs.map(({args}) => args.join(' '))).to.deep.equal(['0.1', '0.01', '0.001'].map(rate => `--learning-rate ${rate} --epochs 5`))
  })

  it('pattern 4: three instances at the same time', async () => {
    await bash('runctl aws start i-xxx --wait')
    const before = (await bench.json<readonly unknown[]>(['run', 'list'])).length
    await bash(`
# Train on multiple instances simultaneously
for instance in i-xxx i-yyy i-zzz; do
  runctl aws train $instance script.py --sync-code -- --epochs 10 &
done
wait`)
    const runs = (await endedRuns(bench, ids)).filter(({args}) => args.join(' ') === '--epochs 10')
    expect(runs.map(({instance_id}) => instance_id)).to.have.members(ids)
    expect(runs.map(({checkpoint_count, reason}) => [checkpoint_count, reason])).to.deep.equal(ids.map(() => [10, 'completed']))
    expect(await bench.json<readonly unknown[]>(['run', 'list'])).to.have.length(before + 3)
    expect(await readFile(path.join(REPOSITORY, 'training', 'train_with_checkpoints.py'), 'utf8')).to.equal(await bench.readHome(ids[2]!, 'projects', 'project', 'script.py'))
  })
})
