import {expect} from 'chai'

import type {TrainJson} from '../../../src/cli/verbs/train.js'
import type {CreateResult} from '../../../src/core/create-instance.js'
import type {InstanceStatus} from '../../../src/core/show-status.js'
import {TAGS} from '../../../src/model/instance.js'
import {Bench, until} from '../support/bench.js'

/** A limit that is reached is acted on with the next look of the guard or of the watch; a busy machine takes its time for that. */
const PATIENCE_MS = 180_000
const SAVES = `import json, os, time
print("begun", flush=True)
folder = os.environ["RUNCTL_CHECKPOINT_DIR"]
os.makedirs(folder, exist_ok=True)
while not os.path.exists(os.environ["RUNCTL_STOP_FILE"]):
    print("step", flush=True)
    time.sleep(0.3)
open(os.path.join(folder, "last.json"), "w").write(json.dumps({"step": 7}))
`
/** Asked to save, it has nothing to save. */
const SAVES_NOTHING = `import time
while True:
    print("step", flush=True)
    time.sleep(0.3)
`

describe('instances that stop themselves, on AWS', function () {
  this.timeout(PATIENCE_MS * 2)
  let bench: Bench
  before(async function () {
    bench = await Bench.create({'saves.py': SAVES, 'nothing.py': SAVES_NOTHING}, {platform: 'aws'})
    // Without namespaces an instance has no root of its own, so nobody there could power it off.
    if (bench.aws.world.machines.kind !== 'namespaces') this.skip()
    await bench.ok(['aws', 'setup'])
  })
  after(() => bench?.destroy())

  const create = (...argv: readonly string[]): Promise<CreateResult> => bench.json<CreateResult>(['aws', 'create', '--type', 't3.medium', ...argv])
  const isIn = (id: string, state: string): Promise<void> => until(() => bench.aws.instance(id).state === state, PATIENCE_MS, `${id} is ${state}`)
  const tags = (id: string): Readonly<Record<string, string>> => Object.fromEntries(bench.aws.instance(id).tags)

  it('although the command that made it was killed right after, and nobody ever comes', async () => {
    const before = new Set(bench.aws.world.instances.keys())
    const made = (): readonly string[] => [...bench.aws.world.instances.keys()].filter(id => !before.has(id))
    const child = bench.spawn(['aws', 'create', '--type', 't3.medium', '--idle', '6s', '--max-hours', '8', '--wait'])
    await until(() => made().length === 1, PATIENCE_MS, 'a machine is made')
    child.kill('SIGKILL')
    const [id = ''] = made()
    await isIn(id, 'stopped')
    expect(stopsAtOf(tags(id))).to.be.greaterThan(Date.now() + 7 * 3_600_000)
  })

  it('by hours and by idleness, with what was saved, a reason in the tags, and nobody there', async () => {
    const {instance: {id}, limits} = await create('--wait', '--max-hours', '8', '--max-cost', '5')
    expect(limits).to.deep.include({max_seconds: 28_800, known_from: 'instance', stops_because: 'hours'})
    expect(limits?.max_usd).to.be.closeTo(5, 0.01)
    const {run} = await bench.json<TrainJson>(['aws', 'train', id, 'saves.py', '--max-hours', '0.002'])
    await isIn(id, 'stopped')
    const ended = await bench.json<InstanceStatus>(['aws', 'status', id])
    expect(ended).to.deep.include({state: 'stopped', state_reason: 'budget', stops_at: null})
    expect(ended.limits_note).to.match(/stopped itself at .*: its limit of/)
    expect((await bench.ok(['aws', 'status', id])).stdout).to.include('its limit of').and.to.include(`runctl aws start ${id} --wait --max-hours 8`)
    // The hours that it has used are still counted, and a limit that is set now counts from now.
    const again = await bench.json<{limits: CreateResult['limits']}>(['aws', 'start', id, '--wait', '--max-hours', '8'])
    expect(again.limits?.max_seconds).to.be.within(28_801, 30_000)
    expect(again.limits?.last_stop).to.deep.include({reason: 'budget'})
    expect((await bench.json<InstanceStatus>(['aws', 'status', id])).runs?.[0]).to.deep.include({run_id: run.run_id, reason: 'budget', checkpoint_count: 1})
    await bench.ok(['aws', 'extend', id, '--idle', '6s'])
    await isIn(id, 'stopped')
    expect(await bench.json<InstanceStatus>(['aws', 'status', id])).to.deep.include({state_reason: 'idle'})
  })

  it('puts a stop off where nothing good can be saved, says so, and stops all the same in the end', async () => {
    const {instance: {id}} = await create('--wait')
    await bench.json<TrainJson>(['aws', 'train', id, 'nothing.py', '--max-hours', '0.002'], {env: {RUNCTL_LIMITS_OVERRUN: '25s'}})
    await until(() => (tags(id)[TAGS.guard] ?? '').includes('put off'), PATIENCE_MS, 'the tag says that the stop is put off')
    await isIn(id, 'stopped')
    expect(await bench.json<InstanceStatus>(['aws', 'status', id])).to.deep.include({state_reason: 'budget'})
  })

  it('of a spot machine is its end: what was saved is in S3 before', async () => {
    const {instance: {id}} = await create('--wait', '--spot', '--max-hours', '8')
    const {run} = await bench.json<TrainJson>(['aws', 'train', id, 'saves.py', '--max-hours', '0.002', '--output-s3', 's3://runctl-123456789012-us-east-1/out'])
    await isIn(id, 'terminated')
    const found = await bench.json<readonly {readonly path: string; readonly state: string}[]>(['checkpoint', 'list', '--run', run.run_id, '--from', 's3://runctl-123456789012-us-east-1/out'])
    expect(found.map(({path, state}) => [path.split('/').at(-1), state])).to.deep.equal([['last.json', 'complete']])
  })

  it('needs no right but over itself: with a role that may not tag, too', async () => {
    const {instance: {id}} = await create('--wait')
    const remove = bench.aws.inject({operation: 'CreateTags', kind: 'error', code: 'UnauthorizedOperation', status: 403})
    try {
      await bench.ok(['aws', 'train', id, 'saves.py', '--max-hours', '0.002'])
      await isIn(id, 'stopped')
    } finally {
      remove()
    }
    expect(tags(id)).not.to.have.property(TAGS.guard)
    // Why it is off nobody wrote down; that it was no person is known.
    expect(await bench.json<InstanceStatus>(['aws', 'status', id])).to.deep.include({state: 'stopped', state_reason: null})
  })
})

const stopsAtOf = (found: Readonly<Record<string, string>>): number => Date.parse(found[TAGS.stopsAt] ?? '')
