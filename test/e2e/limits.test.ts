import {access} from 'node:fs/promises'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {CreateResult} from '../../src/core/create-instance.js'
import type {ExtendResult} from '../../src/core/extend-limits.js'
import type {InstanceStatus} from '../../src/core/show-status.js'
import {PLATFORM, ABSENT, Bench, until} from './support/bench.js'

/** A limit that is reached is acted on with the guard's next look; a busy machine takes its time for that. */
const PATIENCE_MS = 120_000

/** Longer than a start takes: more than this afterwards is from before. */
const WRITTEN_S = 25

const SAVES_WHEN_ASKED = `import json, os, time
print("begun", flush=True)
folder = os.environ["RUNCTL_CHECKPOINT_DIR"]
while not os.path.exists(os.environ["RUNCTL_STOP_FILE"]):
    print("step", flush=True)
    time.sleep(0.3)
os.makedirs(folder, exist_ok=True)
open(os.path.join(folder, "last.json"), "w").write(json.dumps({"step": 7}))
`
const STALLS = `import json, os, time
os.makedirs(os.environ["RUNCTL_CHECKPOINT_DIR"], exist_ok=True)
open(os.path.join(os.environ["RUNCTL_CHECKPOINT_DIR"], "first.json"), "w").write(json.dumps({"step": 1}))
print("begun", flush=True)
while not os.path.exists(os.environ["RUNCTL_STOP_FILE"]):
    pass
`

/** A machine behind ssh that went down by itself cannot be asked why before it is on again. */
const reasonTold = (reason: string): string | null => (PLATFORM === 'ssh' ? null : reason)

describe('limits that a machine keeps by itself', function () {
  this.timeout(PATIENCE_MS * 2)
  let bench: Bench
  before(async () => (bench = await Bench.create({'saves.py': SAVES_WHEN_ASKED, 'stalls.py': STALLS})))
  after(() => bench.destroy())

  const created = (...argv: readonly string[]): Promise<CreateResult> => bench.json<CreateResult>([PLATFORM, 'create', ...argv])
  const status = (id: string): Promise<InstanceStatus> => bench.json<InstanceStatus>([PLATFORM, 'status', id])
  /** Nobody asks it anything meanwhile: the instance alone has to come to it. */
  const untilItGoes = async (id: string): Promise<void> => {
    await until(() => access(bench.home(id, '.runctl', 'power-off')).then(() => true, () => false), PATIENCE_MS, `${id} powers itself off`)
    // Then it is looked at: local ends with the look, a machine with a watch of its own in its own time.
    await until(async () => (await status(id)).state === 'stopped', PATIENCE_MS, `${id} is stopped`)
  }

  const usedBy = async (id: string): Promise<number> => {
    const {before_s: before = 0, boot_s: boot = 0} = JSON.parse(await bench.readHome(id, '.runctl', 'guard-state.json').catch(() => '{}')) as {before_s?: number; boot_s?: number}
    return before + boot
  }

  it('hours: saves and stops with nobody there, and says why and how to go on', async () => {
    const {instance: {id}, limits} = await created('--wait', '--max-hours', '8')
    expect(limits).to.deep.include({max_seconds: 28_800, known_from: 'instance', stops_because: 'hours'})
    const {limits: shorter, run} = await bench.json<TrainJson>([PLATFORM, 'train', id, 'saves.py', '--max-hours', '0.002'])
    expect(shorter?.max_seconds).to.be.below(3600)
    await untilItGoes(id)
    const ended = await status(id)
    expect(ended).to.deep.include({state: 'stopped', state_reason: reasonTold('budget'), stops_at: null, limits: null})
    const {stdout} = await bench.ok([PLATFORM, 'status', id])
    if (PLATFORM !== 'ssh') expect(stdout).to.match(/State +stopped \(at its limit\)/).and.to.include(`runctl ${PLATFORM} start ${id} --wait --max-hours 8`)
    await bench.ok([PLATFORM, 'start', id, '--wait', '--max-hours', '8'])
    const after = await status(id)
    expect(after.runs?.[0]).to.deep.include({run_id: run.run_id, state: 'stopped', reason: 'budget', checkpoint_count: 1})
    expect(after.runs?.[0]?.last_checkpoint).to.deep.include({state: 'complete', step: 7})
    expect(after.limits?.last_stop).to.deep.include({reason: 'budget'})
  })

  it('ends a run that is followed with the commands to go on', async () => {
    const {instance: {id}} = await created('--wait')
    const {code, stderr} = await bench.run([PLATFORM, 'train', id, 'saves.py', '--wait', '--max-hours', '0.002'], {timeoutMs: PATIENCE_MS})
    expect(code, stderr).to.be.oneOf([4, 10])
    expect(stderr).to.include('stops itself').and.to.include('limit of its machine').and.to.include(`runctl ${PLATFORM} start ${id} --wait --max-hours 8`).and.to.include('runctl checkpoint resume')
  })

  it('idleness: a loop that burns the processor and does nothing else', async () => {
    const {instance: {id}} = await created('--wait')
    await bench.json<TrainJson>([PLATFORM, 'train', id, 'stalls.py', '--idle', '6s'])
    await untilItGoes(id)
    expect(await status(id)).to.deep.include({state: 'stopped', state_reason: reasonTold('idle')})
  })

  it('comes from the configuration where nothing else was said; none switches it off', async () => {
    const env = {RUNCTL_LIMITS_MAX_HOURS: '12', RUNCTL_LIMITS_IDLE: '1h'}
    const {instance, limits} = await bench.json<CreateResult>([PLATFORM, 'create', '--wait'], {env})
    expect(limits).to.deep.include({max_seconds: 43_200, idle_s: 3600})
    // What the machine has is left as it is.
    const {limits: kept} = await bench.json<TrainJson>([PLATFORM, 'train', instance.id, 'saves.py', '--project-name', 'one'], {env: {RUNCTL_LIMITS_MAX_HOURS: '1'}})
    expect(kept).to.deep.include({max_seconds: 43_200, idle_s: 3600})
    expect((await bench.json<CreateResult>([PLATFORM, 'create', '--wait', '--max-hours', 'none', '--idle', '0'], {env})).limits).to.equal(null)
  })

  it('extend adds, sets and takes away; a stop and a start go on counting', async () => {
    const {instance: {id}} = await created('--wait', '--max-hours', '2')
    const more = await bench.json<ExtendResult>([PLATFORM, 'extend', id, '--hours', '1.5', '--idle', '45m'])
    expect(more.newly_set).to.deep.equal(['idle_s'])
    expect(more.limits).to.deep.include({max_seconds: 12_600, idle_s: 2700})
    const tag = (await status(id)).stops_at ?? ''
    expect(Date.parse(tag) - Date.parse(more.before?.stops_at ?? '')).to.be.closeTo(5_400_000, 60_000)
    // It is written down every few seconds.
    await until(async () => (await usedBy(id)) > WRITTEN_S, PATIENCE_MS, 'what was used is written down')
    await bench.ok([PLATFORM, 'stop', id])
    const stopped = await bench.jsonError([PLATFORM, 'extend', id, '--hours', '1'])
    expect(stopped.error).to.deep.include({code: 'wrong_state', next: [`runctl ${PLATFORM} start ${id} --wait --max-hours 1`]})
    const {limits} = await bench.json<{limits: CreateResult['limits']}>([PLATFORM, 'start', id, '--wait'])
    expect(limits).to.deep.include({max_seconds: 12_600})
    expect(limits?.used_seconds).to.be.above(WRITTEN_S)
    expect((await bench.json<ExtendResult>([PLATFORM, 'extend', id, '--hours', 'none', '--idle', 'none'])).limits).to.equal(null)
    expect((await bench.ok([PLATFORM, 'extend', id, '--hours', '1'])).stdout).to.include('it had no limit of hours')
  })

  it('refuses what cannot be, before anything is made', async () => {
    const before = (await bench.json<readonly unknown[]>([PLATFORM, 'status'])).length
    for (const argv of [['--max-cost', '5'], ['--max-hours', '-1'], ['--max-hours', 'x'], ['--max-hours', '9000'], ['--idle', '30'], ['--idle', '10ms']]) {
      expect((await bench.jsonError([PLATFORM, 'create', ...argv])).error.code, argv.join(' ')).to.equal('bad_input')
    }
    expect((await bench.json<readonly unknown[]>([PLATFORM, 'status'])).length).to.equal(before)
    const {error} = await bench.jsonError([PLATFORM, 'start', ABSENT, '--max-hours', '2'])
    expect(error.next).to.deep.equal([`runctl ${PLATFORM} start ${ABSENT} --max-hours 2 --json --wait`])
    expect((await bench.jsonError([PLATFORM, 'extend', ABSENT])).error.message).to.include('say by how much')
  })
})
