import {expect} from 'chai'

import type {CreatePlanResult} from '../../../src/core/plan-create.js'
import {Bench, type RunOptions} from '../support/bench.js'

const SCRIPT = 'training/train_with_checkpoints.py'
const TAG = 'runctl:over-budget'
/** Nothing that costs fits. */
const NONE: RunOptions = {env: {RUNCTL_BUDGET_DAY: '0'}}
/** Everything fits. */
const MUCH: RunOptions = {env: {RUNCTL_BUDGET_DAY: '100000', RUNCTL_BUDGET_MONTH: '3000000'}}
const WARNED: RunOptions = {env: {...MUCH.env, RUNCTL_BUDGET_WARN_AT: '0'}}

/** Whoever the tests run as. */
const RECORD = /^\S+ \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

describe('budgets', () => {
  let bench: Bench
  before(async () => (bench = await Bench.create({}, {platform: 'aws'})))
  beforeEach(() => bench.aws.calls.reset())
  after(() => bench.destroy())

  const tagsOf = (id: string): Readonly<Record<string, string>> => Object.fromEntries(bench.aws.instance(id).tags)
  const instances = (): readonly string[] => [...bench.aws.world.instances.keys()]

  it('refuse a machine, say why, what runs and how to go on, and make nothing', async () => {
    const [running = ''] = bench.aws.addMany(1, () => ({type: 't3.medium', tags: {'runctl:project': 'project', 'runctl:created-by': '0.1.0'}}))
    const before = instances()
    const {error, code} = await bench.jsonError(['aws', 'create', '--type', 'm5.large'], NONE)
    expect([error.code, code]).to.deep.equal(['over_budget', 14])
    expect(error.message).to.match(/^this would go over the budget of project: today \(UTC\) (at least )?\$\d+\.\d\d of \$0\.00: \S+ spent, \S+ for what is there, \S+ for this$/)
    expect(error.still_running.join()).to.include(running)
    expect(error.next).to.include(`runctl aws stop ${running}`).and.to.include('runctl resources summary --project project')
    expect(error.next.at(-1)).to.match(/^runctl aws create --type m5\.large .*--over-budget$/)
    expect(instances()).to.deep.equal(before)
  })

  it('refuse it in a workflow and in its short form, and know no --yes', async () => {
    const before = instances()
    for (const argv of [['workflow', 'run', 'aws', SCRIPT], ['aws', SCRIPT]]) expect((await bench.run(argv, NONE)).code).to.equal(14)
    for (const argv of [['aws', 'create', '--yes'], ['workflow', 'run', 'aws', SCRIPT, '--yes']]) expect((await bench.run(argv, NONE)).code).to.equal(2)
    expect(instances()).to.deep.equal(before)
  })

  it('are told in a plan, which makes nothing', async () => {
    const argv = ['aws', 'create', '--dry-run', '--type', 'm5.large', '--count', '2']
    const refused = await bench.json<CreatePlanResult & Record<string, unknown>>(argv, NONE)
    expect(refused.budget.map(({period, verdict}) => [period, verdict])).to.deep.equal([['day', 'over']])
    expect((await bench.json<CreatePlanResult & Record<string, unknown>>(argv, MUCH)).budget.map(({period, verdict}) => [period, verdict])).to.deep.equal([['day', 'fits'], ['month', 'fits']])
    expect((await bench.json<CreatePlanResult & Record<string, unknown>>(argv)).budget).to.deep.equal([])
    expect((await bench.ok(argv, NONE)).stdout).to.match(/^Budget +refused without --over-budget: today/m)
  })

  it('let through what fits, warn from warn_at on, and record an override in the call that creates, then of a start', async () => {
    const first = (await bench.ok(['aws', 'create', '--output', 'text'], WARNED)).stderr
    expect(first).to.match(/^Warning: the budget of project is nearly used up: today \(UTC\)/m).and.to.match(/in (January|February|March|April|May|June|July|August|September|October|November|December) \(UTC\)/)

    bench.aws.calls.reset()
    const {stderr, stdout} = await bench.ok(['aws', 'create', '--wait', '--output', 'text', '--over-budget'], NONE)
    const id = stdout.trim()
    expect(stderr).to.match(/^Warning: this would go over the budget of project/m)
    expect(stderr).to.include(`recorded in the tag ${TAG}`)
    const record = tagsOf(id)[TAG] ?? ''
    expect(record).to.match(RECORD)

    await bench.ok(['aws', 'stop', id])
    const refused = await bench.jsonError(['aws', 'start', id], NONE)
    expect(refused.error.code).to.equal('over_budget')
    expect((await bench.run(['workflow', 'run', id, SCRIPT], NONE)).code).to.equal(14)
    expect(bench.aws.instance(id).state).to.equal('stopped')
    await bench.ok(['aws', 'start', id, '--over-budget'], NONE)
    expect(tagsOf(id)[TAG]).to.match(RECORD).and.not.to.equal(record)
    await bench.ok(['aws', 'terminate', id, '--force'])
  }).timeout(180_000)

  it('look at nothing where none is set, and at nothing for what costs nothing', async () => {
    await bench.ok(['local', 'create'], NONE)
    expect(bench.aws.calls.byOperation()).to.deep.equal({})
    const asked = async (options?: RunOptions): Promise<readonly string[]> => {
      bench.aws.calls.reset()
      await bench.ok(['aws', 'create'], options)
      return Object.keys(bench.aws.calls.byOperation())
    }
    await asked()
    const without = await asked()
    expect(without).not.to.include('DescribeRegions')
    expect(await asked(MUCH)).to.include.members(['DescribeRegions', ...without])
  }).timeout(120_000)

  it("are the project's own in its file, and everybody's in the user's", async () => {
    await bench.ok(['config', 'set', 'budget.day', '0', '--user'])
    expect((await bench.run(['aws', 'create'])).code).to.equal(14)
    await bench.ok(['config', 'set', 'budget.day', '100000'])
    await bench.ok(['aws', 'create', '--dry-run'])
    expect((await bench.json<CreatePlanResult & Record<string, unknown>>(['aws', 'create', '--dry-run'])).budget[0]?.budget_usd).to.equal(100_000)
  })
})
