import {readdirSync, readFileSync} from 'node:fs'
import {readFile, readdir} from 'node:fs/promises'
import type {ChildProcess} from 'node:child_process'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {EndResult} from '../../src/core/end-instance.js'
import type {InstanceStatus} from '../../src/core/show-status.js'
import {PLATFORM, Bench, collect, until} from './support/bench.js'

const SAVES = `import json, os, time
def save(n):
    folder = os.environ["RUNCTL_CHECKPOINT_DIR"]
    with open(os.path.join(folder, ".new"), "w") as file:
        json.dump({"epoch": n}, file)
    os.replace(os.path.join(folder, ".new"), os.path.join(folder, "checkpoint_epoch_%d.json" % n))
save(1)
`
const REST = 'print("ready", flush=True)\nwhile True:\n    time.sleep(0.1)\n'

const SCRIPTS = {
  'ignores.py': `${SAVES}import signal\nfor number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):\n    signal.signal(number, signal.SIG_IGN)\n${REST}`,
  // A daemon by the book: two forks, a session of its own, its streams closed. It ignores SIGTERM.
  'daemon.py': `${SAVES}import signal, sys
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for stream in (0, 1, 2):
            os.close(stream)
        os.chdir("/")
        os.write(write, b"up")
        while True:
            time.sleep(0.1)
    os._exit(0)
os.wait()
os.read(read, 2)
if "--leave" in sys.argv:
    sys.exit(0)
${REST}`,
  'silent.py': `${SAVES}print("ready", flush=True)\nos.close(1)\nos.close(2)\nwhile True:\n    time.sleep(0.1)\n`,
  // Three generations, each ignoring SIGTERM: 1 + 3 + 9 processes, the leaves in sessions of their own.
  'tree.py': `${SAVES}import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for depth in range(2):
    for _ in range(3):
        if os.fork() == 0:
            if depth == 1:
                os.setsid()
            break
    else:
        break
${REST}`,
  'quick.py': 'print("done")\n',
  'endless.py': `${SAVES}${REST}`,
}

/** What carries the mark of the instance: all that runctl can be blamed for. Zombies are dead. */
function aliveOn(id: string): readonly number[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => {
    try {
      const marked = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`RUNCTL_INSTANCE_ID=${id}`)
      return marked && !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
    } catch {
      return false
    }
  })
}

const ended = (child: ChildProcess): Promise<void> => new Promise(resolve => child.once('close', () => resolve()))

describe('a script that does what it wants', () => {
  let bench: Bench
  let id: string

  before(async function () {
    // The proof is in /proc.
    if (process.platform !== 'linux') this.skip()
    bench = await Bench.create(SCRIPTS)
    id = await bench.instance()
  })
  after(() => bench?.destroy())

  async function begin(script: string, ...args: readonly string[]): Promise<TrainJson['run']> {
    await bench.json([PLATFORM, 'start', id, '--wait'])
    const {run} = await bench.json<TrainJson>([PLATFORM, 'train', id, script, '--project-name', script.split('.')[0] ?? '', '--', ...args])
    if (args.length === 0) await until(async () => (await readFile(run.log_path, 'utf8')).includes('ready'), 10_000, `${script} is ready`)
    return run
  }
  const status = (): Promise<InstanceStatus> => bench.json<InstanceStatus>([PLATFORM, 'status', id])
  const stop = (...more: readonly string[]): Promise<EndResult> => bench.json<EndResult>([PLATFORM, 'stop', id, ...more])

  for (const [script, processes] of [['ignores.py', 1], ['daemon.py', 2], ['tree.py', 13]] as const) {
    it(`ends with stop, and stop says that it was forced: ${script}`, async () => {
      const run = await begin(script)
      expect((await status()).runs?.[0]).to.deep.include({run_id: run.run_id, state: 'running', processes_alive: processes})
      const began = Date.now()
      const {instance, saved} = await stop('--grace', '2s')
      const [report] = saved?.reports ?? []
      expect(report).to.deep.include({run_id: run.run_id, ok: true, ended: 'forced'})
      expect(report?.killed).to.be.within(1, processes)
      expect(report?.checkpoint?.path).to.equal('checkpoints/checkpoint_epoch_1.json')
      expect(instance.state).to.equal('stopped')
      // The grace, and what looking at processes and reading the checkpoint through takes.
      expect(report?.took_s).to.be.within(0, 2 + 1.5)
      // With the start of the CLI and what else a stop does.
      expect(Date.now() - began).to.be.lessThan(10_000)
      expect(aliveOn(id)).to.deep.equal([])
    })
  }

  it('may leave a daemon behind: status counts it after the end, and stop ends it', async () => {
    await begin('daemon.py', '--leave')
    await until(async () => (await status()).runs?.[0]?.state === 'stopped', 10_000, 'the script ends')
    expect((await status()).runs?.[0]).to.deep.include({reason: 'completed', exit_code: 0, processes_alive: 1})
    const {saved} = await stop('--grace', '1s')
    expect(saved?.reports[0]).to.deep.include({ok: true, ended: 'forced', killed: 1})
    expect(aliveOn(id)).to.deep.equal([])
  })

  it('may close its output: it counts as running until it is stopped', async () => {
    await begin('silent.py')
    expect((await status()).runs?.[0]).to.deep.include({state: 'running', processes_alive: 1})
    expect((await stop('--grace', '1s')).saved?.reports[0]).to.deep.include({ok: true, ended: 'graceful', killed: 0})
    expect(aliveOn(id)).to.deep.equal([])
  })

  it('may be killed: status says so within a second, and train --wait ends with 10', async () => {
    await bench.json([PLATFORM, 'start', id, '--wait'])
    const waiting = bench.spawn([PLATFORM, 'train', id, 'endless.py', '--wait', '--project-name', 'killed'])
    const outcome = collect(waiting, 30_000)
    await until(async () => (await status()).runs?.[0]?.state === 'running', 20_000, 'it runs')
    const {pid} = (await status()).runs?.[0] ?? {}
    process.kill(pid ?? 0, 'SIGKILL')
    await new Promise(resolve => setTimeout(resolve, 1000))
    expect((await status()).runs?.[0]).to.deep.include({state: 'stopped', reason: 'failed', signal: 'SIGKILL', exit_code: null, processes_alive: 0})
    const {code, stderr} = await outcome
    expect(code).to.equal(10)
    expect(stderr).to.contain('failed (SIGKILL)').and.to.contain('--resume latest')
  })

  describe('when runctl itself is killed', () => {
    it('during train --wait: the run goes on once, and stop saves it', async () => {
      await bench.json([PLATFORM, 'start', id, '--wait'])
      const child = bench.spawn([PLATFORM, 'train', id, 'endless.py', '--wait', '--project-name', 'k1'])
      const gone = ended(child)
      let seen = ''
      child.stdout?.on('data', (chunk: Buffer) => (seen += chunk.toString()))
      await until(() => seen.includes('ready'), 20_000, 'the log is followed')
      child.kill('SIGKILL')
      await gone
      const active = (await status()).runs?.filter(({state}) => state !== 'stopped') ?? []
      expect(active.map(({project, state}) => [project, state])).to.deep.equal([['k1', 'running']])
      const {stdout} = await bench.ok([PLATFORM, 'monitor', id])
      expect(stdout).to.contain('ready')
      expect((await bench.json<{ok: boolean}>(['run', 'stop', active[0]?.run_id ?? '', '--grace', '0s'])).ok).to.equal(true)
    })

    it('at any moment of a train: the same command starts it or says that it runs, never twice', async () => {
      for (const [at, delay] of [150, 300, 450].entries()) {
        const argv = [PLATFORM, 'train', id, 'endless.py', '--project-name', `k2-${at}`]
        const child = bench.spawn(argv)
        const gone = ended(child)
        await new Promise(resolve => setTimeout(resolve, delay))
        child.kill('SIGKILL')
        await gone
        const again = await bench.run(argv)
        expect(again.code, again.stderr).to.be.oneOf([0, 5])
        const active = (await status()).runs?.filter(({project, state}) => project === `k2-${at}` && state !== 'stopped') ?? []
        expect(active).to.have.lengthOf(1)
        await bench.ok(['run', 'stop', active[0]?.run_id ?? '', '--force', '--grace', '0s'])
      }
    })

    it('during stop: the saving goes on without it, and the next stop finds it done', async () => {
      await begin('ignores.py')
      const child = bench.spawn([PLATFORM, 'stop', id, '--grace', '2s'])
      const gone = ended(child)
      await until(async () => ['stopping', 'stopped'].includes((await status()).runs?.[0]?.state ?? ''), 10_000, 'the request is there')
      child.kill('SIGKILL')
      await gone
      await until(async () => (await status()).runs?.[0]?.state === 'stopped', 20_000, 'the run is ended all the same')
      const {instance} = await stop('--grace', '2s')
      expect([instance.state, instance.last_checkpoint?.path]).to.deep.equal(['stopped', 'checkpoints/checkpoint_epoch_1.json'])
      expect(aliveOn(id)).to.deep.equal([])
    })

    it('during create: what it made is listed and works, and no half of one is left', async () => {
      const before = new Set((await bench.json<readonly {id: string}[]>(['resources', 'list'])).map(row => row.id))
      for (const delay of [120, 200, 280]) {
        const child = bench.spawn([PLATFORM, 'create', '--wait'])
        const gone = ended(child)
        await new Promise(resolve => setTimeout(resolve, delay))
        child.kill('SIGKILL')
        await gone
      }
      const made = (await bench.json<readonly {id: string; state: string}[]>(['resources', 'list'])).filter(row => !before.has(row.id))
      expect(made.length).to.be.at.most(3)
      for (const row of made) {
        expect(row.state).to.equal('running')
        await bench.ok([PLATFORM, 'exec', row.id, 'true'])
        await bench.ok([PLATFORM, 'terminate', row.id])
      }
      expect(await bench.instance()).to.match(PLATFORM === 'ssh' ? /^m/ : /^local-/)
    })
  })

  describe('when two of runctl are at it', () => {
    it('starts exactly one run of two trains into the same folder; the other one says which (5)', async () => {
      await bench.json([PLATFORM, 'start', id, '--wait'])
      const both = await Promise.all([1, 2].map(() => bench.run([PLATFORM, 'train', id, 'endless.py', '--project-name', 'two', '--json'])))
      expect(both.map(({code}) => code).toSorted()).to.deep.equal([0, 5])
      const active = (await status()).runs?.filter(({project, state}) => project === 'two' && state !== 'stopped') ?? []
      expect(active).to.have.lengthOf(1)
      expect(both.every(({stdout}) => stdout.includes(active[0]?.run_id ?? '-'))).to.equal(true)
    })

    it('stops once for two stops, and both say that it is stopped', async () => {
      const both = await Promise.all([1, 2].map(() => bench.run([PLATFORM, 'stop', id, '--grace', '1s', '--json'])))
      const states = both.map(({code, stdout}) => [code, (JSON.parse(stdout) as EndResult).instance.state])
      expect(states, JSON.stringify(both)).to.deep.equal([[0, 'stopped'], [0, 'stopped']])
      expect(aliveOn(id)).to.deep.equal([])
      const left = await bench.json<{state: string; last_checkpoint: {path: string} | null}>([PLATFORM, 'status', id])
      expect(left.state).to.equal('stopped')
      expect(left.last_checkpoint?.path).to.contain('checkpoint_epoch_1.json')
    })

    it('makes two instances for two creates', async () => {
      // A create that was killed above may have left its half-made folder; it is swept up later.
      const unfinished = async (): Promise<readonly string[]> => (await readdir(bench.home(id, '..', '..'))).filter(name => name.startsWith('.'))
      const before = await unfinished()
      const [one, other] = await Promise.all([bench.instance(), bench.instance()])
      expect(one).to.not.equal(other)
      expect(await unfinished()).to.deep.equal(before)
    })
  })
})
