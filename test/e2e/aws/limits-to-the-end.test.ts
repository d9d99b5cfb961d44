import {readFile, stat, writeFile} from 'node:fs/promises'

import {expect} from 'chai'

import type {ExecResult} from '../../../src/core/exec-command.js'
import type {TrainJson} from '../../../src/cli/verbs/train.js'
import type {CreateResult} from '../../../src/core/create-instance.js'
import type {ExtendResult} from '../../../src/core/extend-limits.js'
import type {InstanceStatus} from '../../../src/core/show-status.js'
import {Bench, until} from '../support/bench.js'

/** A limit, not a pause: the machine may be busy. */
const PATIENCE_MS = 180_000
const GUARD_TAG = 'runctl:guard'
const REASON_TAG = 'runctl:state-reason'

/** Half a checkpoint is there. When told to, and at the latest when it is to save, it fills the disk, so that the next checkpoint does not fit. */
const FILLS_THE_DISK = `import json, os, time
folder, asked = os.environ["RUNCTL_CHECKPOINT_DIR"], os.environ["RUNCTL_STOP_FILE"]
os.makedirs(folder, exist_ok=True)
open(os.path.join(folder, "step_1.json"), "w").write('{"step": 1, "weights": [0.25, ')
print("begun", flush=True)
while not os.path.exists("fill") and not os.path.exists(asked):
    time.sleep(0.1)
filler = open("filler", "wb", buffering=0)
for size in (1 << 20, 4096, 1):
    try:
        while True:
            filler.write(b"x" * size)
    except OSError:
        pass
while True:
    if os.path.exists(asked):
        try:
            with open(os.path.join(folder, "step_2.json"), "w") as file:
                json.dump({"step": 2, "weights": [0.5] * 10000}, file)
        except OSError:
            pass
    time.sleep(0.2)
`
const GOES_ON = `import json, os, time
folder, step = os.environ["RUNCTL_CHECKPOINT_DIR"], 0
os.makedirs(folder, exist_ok=True)
print("begun", flush=True)
while not os.path.exists(os.environ["RUNCTL_STOP_FILE"]):
    step += 1
    print("step", step, flush=True)
    time.sleep(0.2)
with open(os.path.join(folder, "last.json"), "w") as file:
    json.dump({"step": step}, file)
`
/** A guard that looks and asks more often takes the place of the one that there is: scripts on an instance have an environment of their own. */
const HASTY_GUARD = `guard() { tr -dc 0-9 <"$HOME/.runctl/guard.lock"; }
old=$(guard)
kill -KILL "$old" || exit
until [ "$(guard)" != "$old" ]; do
  echo '{}' | RUNCTL_GUARD_TICK_S=0.5 RUNCTL_GUARD_PRICE_S=1 python3 -I "$HOME"/.runctl/agent/*.pyz status >/dev/null
  sleep 0.3
done`

describe('limits of an EC2 instance, with nobody there', function () {
  this.timeout(PATIENCE_MS * 3)
  let bench: Bench
  let diskMib: number | null = null

  before(async () => {
    bench = await Bench.create(
      {'fills.py': FILLS_THE_DISK, 'goes-on.py': GOES_ON},
      {platform: 'aws', aws: {machine: {diskMib: () => diskMib, env: {RUNCTL_WATCH_TICK: '0.5'}, shutdownGraceMs: 300}}},
    )
    // The role's rights: to say why in two tags, and to ask for prices.
    await bench.json(['aws', 'setup'])
  })
  after(() => bench?.destroy())

  const tag = (id: string, name: string): string => bench.aws.instance(id).tags.get(name) ?? ''
  const reached = (id: string, state: string): Promise<void> =>
    until(() => bench.aws.instance(id).state === state, PATIENCE_MS, `${id} is ${state}, not ${bench.aws.instance(id).state}: ${tag(id, GUARD_TAG)}`)
  const begun = async (id: string, script: string): Promise<string> => {
    const {run} = await bench.json<TrainJson>(['aws', 'train', id, script, '--sync-code'])
    const log = (): string => bench.home(id, '.runctl', 'runs', run.run_id, 'log')
    await until(async () => (await readFile(log(), 'utf8').catch(() => '')).includes('begun'), PATIENCE_MS, 'the script has begun')
    return run.run_id
  }

  it('hours: a save that the full disk refuses puts the stop off, which the tag says, and no longer than to the hard limit', async function () {
    // Only there an instance has a disk of its own.
    if (bench.aws.world.machines.kind !== 'namespaces') this.skip()
    diskMib = 48
    const {instance: {id}} = await bench.json<CreateResult>(['aws', 'create', '--wait'])
    diskMib = null
    const run = await begun(id, 'fills.py')
    const env = {RUNCTL_LIMITS_OVERRUN: '45s'}
    const {limits} = await bench.json<ExtendResult>(['aws', 'extend', id, '--hours', '0.005'], {env})
    expect(limits).to.deep.include({stops_because: 'hours', put_off: null})
    // Whatever the run does first, it comes to nothing; and from here on nobody asks the instance anything.
    await writeFile(bench.home(id, 'projects', 'project', 'fill'), '').catch(() => undefined)

    await until(() => tag(id, GUARD_TAG).startsWith('a stop is put off'), PATIENCE_MS, 'the tag says that the stop is put off')
    expect(tag(id, GUARD_TAG)).to.match(/^a stop is put off, until \d{4}-\d\d-\d\dT\d\d:\d\dZ at the latest: /)
    expect(tag(id, GUARD_TAG)).to.include(`${run}: the script saved no complete checkpoint`).and.to.include('step_1.json')
    expect(tag(id, REASON_TAG)).to.equal('')

    await reached(id, 'stopped')
    expect(tag(id, REASON_TAG)).to.equal('budget')
    expect(tag(id, GUARD_TAG)).to.match(/^stopped itself at \S+Z: its limit of .* of running was reached; ended by force/)
    const {state, state_reason} = await bench.json<InstanceStatus>(['aws', 'status', id])
    expect([state, state_reason]).to.deep.equal(['stopped', 'budget'])
    // It really was the disk.
    expect((await stat(bench.home(id, 'projects', 'project', 'filler'))).size).to.be.above(1 << 20)
  })

  it('dollars: a spot price that rises while nobody looks stops an instance that had days left at the first price', async () => {
    const {instance: {id}} = await bench.json<CreateResult>(['aws', 'create', '--wait', '--type', 't3.medium', '--spot', '--max-cost', '0.5'])
    await bench.json<ExecResult>(['aws', 'exec', id, '--', 'sh', '-c', HASTY_GUARD])
    await begun(id, 'goes-on.py')
    const {limits} = await bench.json<InstanceStatus>(['aws', 'status', id])
    expect(limits).to.deep.include({max_usd: 0.5, stops_because: 'dollars'})
    // Had the price stayed, it would go on for more than a day: longer than any test waits.
    expect(Date.parse(limits?.stops_at ?? '') - Date.now()).to.be.above(24 * 3_600_000)
    expect(tag(id, GUARD_TAG)).to.equal('')
    expect(bench.aws.instance(id).state).to.equal('running')

    // A cent a second, which nobody on this side looks at.
    bench.aws.calls.reset()
    for (const letter of 'abcdf') bench.aws.setSpotPrice({type: 't3.medium', zone: `us-east-1${letter}`, usd: 36})
    await reached(id, 'terminated')
    expect(tag(id, REASON_TAG)).to.equal('budget')
    expect(tag(id, GUARD_TAG)).to.match(/^stopped itself at \S+Z: its limit of \$0\.50 was reached; saved: .*last\.json/)
    const {CreateTags = 0, DescribeSpotPriceHistory = 0, ...others} = bench.aws.calls.byOperation()
    expect([CreateTags > 0, DescribeSpotPriceHistory > 0]).to.deep.equal([true, true])
    for (const name of ['SendCommand', 'StopInstances', 'TerminateInstances']) expect(others).to.not.have.property(name)
  })
})
