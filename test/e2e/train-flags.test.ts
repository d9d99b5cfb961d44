import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {WorkflowResult} from '../../src/core/run-workflow.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {PLATFORM, Bench, collect, until, type Outcome} from './support/bench.js'

const LOOKS = `import json, os, sys
data, out = os.environ["RUNCTL_DATA_DIR"], os.environ["RUNCTL_OUTPUT_DIR"]
seen = {os.path.relpath(os.path.join(folder, name), data): open(os.path.join(folder, name)).read() for folder, _, names in os.walk(data) for name in names}
json.dump({"data": seen, "mark": os.environ.get("MARK"), "out": out}, open(os.path.join(out, "seen.json"), "w"))
folder = os.environ["RUNCTL_CHECKPOINT_DIR"]
os.makedirs(os.path.join(folder, "deep"), exist_ok=True)
for name in ("w_1.weights", "deep/w_2.weights", "notes.json"):
    open(os.path.join(folder, name), "w").write("{}")
`
const ENDLESS = 'import time\nprint("at work", flush=True)\nwhile True:\n    time.sleep(0.05)\n'
interface Seen {
  readonly data: Readonly<Record<string, string>>
  readonly mark: string | null
  readonly out: string
}

describe('what a flag promises', () => {
  let bench: Bench
  let id: string

  before(async () => {
    bench = await Bench.create({'looks.py': LOOKS, 'endless.py': ENDLESS, 'sets/a.csv': '1\n', 'sets/deep/b c.csv': '2\n'})
    id = await bench.instance()
  })
  after(() => bench.destroy())

  const train = (...argv: readonly string[]): Promise<TrainJson> => bench.json<TrainJson>([PLATFORM, 'train', id, ...argv])
  const seen = async (...parts: readonly string[]): Promise<Seen> => JSON.parse(await bench.readHome(id, 'projects', ...parts, 'seen.json')) as Seen
  const states = async (project: string): Promise<readonly string[]> =>
    (await bench.json<readonly {project: string; state: string}[]>(['run', 'list'])).filter(run => run.project === project).map(({state}) => state)
  const end = (...runs: readonly string[]): Promise<unknown> => Promise.all(runs.map(run => bench.ok(['run', 'stop', run, '--force', '--grace', '0s'])))

  it('--data DIR: the script finds the files of the folder in RUNCTL_DATA_DIR, and what has changed the next time', async () => {
    const {data_sync: first} = await train('looks.py', '--wait', '--project-name', 'data', '--data', 'sets')
    expect((await seen('data', 'outputs')).data).to.deep.equal({'a.csv': '1\n', 'deep/b c.csv': '2\n'})
    expect(first).to.deep.include({files_sent: 2, files_total: 2})
    await bench.write('sets/a.csv', 'changed\n')
    const {data_sync: second} = await train('looks.py', '--wait', '--project-name', 'data', '--data', './sets/')
    expect((await seen('data', 'outputs')).data).to.deep.equal({'a.csv': 'changed\n', 'deep/b c.csv': '2\n'})
    expect(second).to.deep.include({files_sent: 1, files_total: 2})
    expect((await bench.jsonError([PLATFORM, 'train', id, 'looks.py', '--data', 'nowhere'])).error).to.deep.include({code: 'not_found', exit_code: 3})
  })

  it('--checkpoint-pattern, --checkpoint-dir and --output-dir: these files there, and no other, are checkpoints; results go where it says', async () => {
    const {run} = await train('looks.py', '--wait', '--project-name', 'places', '--data', 'sets', '--checkpoint-pattern', '*.weights', '--checkpoint-dir', 'saved', '--output-dir', 'results/last')
    const listed = await bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--run', run.run_id])
    expect(listed.map(({path: name}) => name).toSorted()).to.deep.equal(['saved/deep/w_2.weights', 'saved/w_1.weights'])
    expect((await seen('places', 'results', 'last')).out).to.equal(bench.home(id, 'projects', 'places', 'results', 'last'))
  })

  it('--python: that interpreter runs the script, by its name on the PATH or its path in the project', async () => {
    await bench.write('my-python', '#!/bin/sh\nMARK=mine exec python3 "$@"\n', 0o755)
    await train('looks.py', '--wait', '--project-name', 'python', '--data', 'sets', '--python', './my-python')
    expect((await seen('python', 'outputs')).mark).to.equal('mine')
    await train('looks.py', '--wait', '--project-name', 'python', '--data', 'sets', '--python', 'python3')
    expect((await seen('python', 'outputs')).mark).to.equal(null)
  })

  it('--concurrent: a second run in the folder of an active one', async () => {
    const {run: first} = await train('endless.py', '--project-name', 'both')
    expect((await bench.jsonError([PLATFORM, 'train', id, 'endless.py', '--project-name', 'both'])).error.code).to.equal('run_active')
    const {run: second} = await train('endless.py', '--project-name', 'both', '--concurrent')
    expect(await states('both')).to.deep.equal(['running', 'running'])
    await end(first.run_id, second.run_id)
  })

  it('--detach: back as soon as the script runs, which goes on; not together with --wait', async () => {
    const {run, waited} = await train('endless.py', '--project-name', 'detached', '--detach')
    expect([waited, run.state]).to.deep.equal([false, 'running'])
    expect(await states('detached')).to.deep.equal(['running'])
    await end(run.run_id)
    expect((await bench.jsonError([PLATFORM, 'train', id, 'endless.py', '--detach', '--wait'])).error.exit_code).to.equal(2)
  })

  it('workflow run --timeout: gives up waiting (8), and the run goes on', async () => {
    const {code, error} = await bench.jsonError(['workflow', 'run', id, 'endless.py', '--project-name', 'limited', '--timeout', '1s'])
    expect([code, error.code]).to.deep.equal([8, 'timed_out'])
    expect(error.message).to.contain('within 1 s').and.to.contain('goes on')
    expect(error.still_running.join()).to.contain(id)
    expect(await states('limited')).to.deep.equal(['running'])
    await end(String(error.details['run_id']))
    const {run} = await bench.json<WorkflowResult>(['workflow', 'run', id, 'looks.py', '--project-name', 'limited', '--data', 'sets', '--timeout', '1m'])
    expect(run.reason).to.equal('completed')
  })

  it('processes --watch --interval: looks again and again until Ctrl-C', async () => {
    const {run} = await train('endless.py', '--project-name', 'watched')
    const watching = bench.spawn([PLATFORM, 'processes', id, '--watch', '--interval', '200ms'])
    const outcome = collect(watching, 30_000)
    let shown = ''
    watching.stdout?.on('data', (chunk: Buffer) => (shown += chunk.toString()))
    await until(() => (shown.match(/endless\.py/g) ?? []).length >= 3, 20_000, 'it has looked three times')
    watching.kill('SIGINT')
    const {code, stderr} = await outcome
    expect(code).to.equal(130)
    expect(stderr).to.contain('Detached')
    await end(run.run_id)
    for (const flags of [['--watch'], ['--interval', '1s']]) expect((await bench.jsonError([PLATFORM, 'processes', id, ...flags])).error.exit_code).to.equal(2)
  })

  it('wait --for: returns with the instance in that state, and waits for nothing that nobody has begun (4)', async () => {
    const other = await bench.instance()
    const waits = (...argv: readonly string[]): Promise<Outcome> => bench.run([PLATFORM, 'wait', other, '--json', ...argv])
    for (const [state, verb] of [['stopped', 'stop'], ['terminated', 'terminate']] as const) {
      const {error} = await bench.jsonError([PLATFORM, 'wait', other, '--for', state])
      expect([error.code, error.next]).to.deep.equal(['wrong_state', [`runctl ${PLATFORM} ${verb} ${other}`]])
    }
    expect(JSON.parse((await waits('--for', 'running', '--timeout', '1m')).stdout)).to.deep.include({id: other, state: 'running'})
    await bench.ok([PLATFORM, 'stop', other])
    expect(JSON.parse((await waits('--for', 'stopped')).stdout)).to.deep.include({id: other, state: 'stopped'})
    expect((await waits('--for', 'running')).code).to.equal(4)
    await bench.ok([PLATFORM, 'terminate', other])
    expect(JSON.parse((await waits('--for', 'terminated')).stdout)).to.deep.include({id: other, state: 'terminated'})
  })
})
