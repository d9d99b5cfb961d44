import {closeSync, openSync, statfsSync} from 'node:fs'
import {readFile, stat} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {MonitorJson} from '../../src/cli/verbs/monitor.js'
import type {TrainJson} from '../../src/cli/verbs/train.js'
import {PLATFORM, Bench, collect, until, type ErrorDocument} from './support/bench.js'
import {peakMemory} from './support/measure.js'
import {hasChild} from './support/processes.js'
import {REPOSITORY} from './support/repository.js'

const RUN_JS = path.join(REPOSITORY, 'bin', 'run.js')
const MIB = 1 << 20
const MEMORY_LIMIT = 200 * MIB

const FLOOD = `import os, sys
block = (b"step 1 loss 0.123456 " + b"x" * 78 + b"\\n") * 10486
for _ in range(int(sys.argv[1])):
    os.write(1, block[: 1 << 20])
os.write(1, b"\\nthe last line\\n")
`
const LONG_LINE = `import os
for _ in range(50):
    os.write(1, b"y" * (1 << 20))
os.write(1, b" end of the long line\\nshort\\n")
`
const WILD = `import os, time
out = [
    b"\\xff\\xfe broken \\xc3\\x28 \\xf0\\x9f bytes\\n", b"\\x1b]0;title\\x07after the title\\n", b"\\x1b[2J\\x1b[H\\x1b[31mred\\x1b[0m\\n", b"\\x9b31m\\x90 C1 \\xc2\\x9b2J\\n",
    b"bell \\x07 back \\x08 delete \\x7f null \\x00 tab\\t end\\n", b"\\x1b(0line drawing\\x1b)B \\x1b=\\x1bc reset\\n", "\\u202eevil\\u202c \\u2028 line\\n".encode(),
    b"\\x1bP+q544e\\x1b\\\\\\\\device\\n", b"\\x1b]52;c;cGFzdGU=\\x1b\\\\\\\\clipboard\\n",
] + [b"\\r%3d%%|%s" % (n, b"#" * (n // 10)) for n in range(101)] + [b"\\ndone \\xe2\\x82\\xac\\n", b"no newline at the end\\x1b["]
for part in out:
    os.write(1, part)
`
const CLOCK = `import sys, time
while True:
    time.sleep(0.3)
    print("at %.3f" % time.time(), flush=True)
`

describe('the log of a script', () => {
  let bench: Bench
  let id: string
  const left: number[] = []

  before(async () => {
    bench = await Bench.create({'flood.py': FLOOD, 'long_line.py': LONG_LINE, 'wild.py': WILD, 'clock.py': CLOCK})
    id = await bench.instance()
  })
  after(() => bench.destroy())
  afterEach(() => left.splice(0).forEach(file => closeSync(file)))

  const train = async (...argv: readonly string[]): Promise<TrainJson['run']> => (await bench.json<TrainJson>([PLATFORM, 'train', id, ...argv])).run
  const endOf = async (runId: string): Promise<void> =>
    until(async () => (await bench.json<{state: string}>(['run', 'show', runId])).state === 'stopped', 60_000, `${runId} ends`)
  const controls = (text: string): readonly string[] => text.match(/[^\P{Cc}\n\t]|[\u2028\u2029\u202a-\u202e\u2066-\u2069\uFFFE\uFEFF]/gu) ?? []

  it('can be a gigabyte: monitor shows its end with little memory, and all of its last lines', async () => {
    const {bavail, bsize} = statfsSync(bench.root)
    const freeBytes = bavail * bsize
    const blocks = freeBytes > 5e9 ? 1000 : 200
    if (blocks < 1000) process.stderr.write(`      with 200 MiB in place of a gigabyte: ${bench.root} has ${Math.round(freeBytes / 1e8) / 10} GB free, less than 5\n`)
    const run = await train('flood.py', '--project-name', 'flood', '--', String(blocks))
    await endOf(run.run_id)
    expect((await stat(run.log_path)).size).to.equal(blocks * MIB + 15)
    for (const how of [[], ['--follow']]) {
      const into = openSync(path.join(bench.root, 'end.txt'), 'w')
      left.push(into)
      const {bytes, code} = await peakMemory([RUN_JS, PLATFORM, 'monitor', id, '--lines', '10000', ...how], {cwd: bench.project, env: bench.env, into})
      expect(code).to.equal(0)
      expect(bytes / MIB, how.join()).to.be.lessThan(MEMORY_LIMIT / MIB)
      expect((await readFile(path.join(bench.root, 'end.txt'), 'utf8')).match(/^step 1 |^the last line$/gm), how.join()).to.have.length(10_000)
    }
    const shown = await bench.json<MonitorJson>([PLATFORM, 'monitor', id, '--lines', '3'])
    expect(shown.log_lines.at(-1)).to.equal('the last line')
    expect(shown.run.log_size_bytes).to.equal(blocks * MIB + 15)
    expect(shown.run.last_log_line).to.equal('the last line')
    const tail = await bench.ok(['run', 'logs', run.run_id, '--lines', '5'])
    expect(tail.stdout.split('\n').slice(-2)).to.deep.equal(['the last line', ''])
  }).timeout(120_000)

  it('is followed with little memory while it floods, to its last line', async () => {
    const run = await train('flood.py', '--project-name', 'flood', '--', '300')
    const into = openSync(path.join(bench.root, 'flood.txt'), 'w')
    left.push(into)
    const {bytes, code} = await peakMemory([RUN_JS, PLATFORM, 'monitor', id, '--follow', '--lines', '1'], {cwd: bench.project, env: bench.env, into})
    expect(code).to.equal(0)
    expect(bytes / MIB).to.be.lessThan(MEMORY_LIMIT / MIB)
    expect((await bench.json<MonitorJson>([PLATFORM, 'monitor', id])).run.run_id).to.equal(run.run_id)
    expect(await readFile(path.join(bench.root, 'flood.txt'), 'utf8')).to.match(/^the last line$/m)
  }).timeout(120_000)

  it('can hold a line of 50 MB: it is shown cut, with little memory', async () => {
    const run = await train('long_line.py', '--project-name', 'long')
    await endOf(run.run_id)
    const into = openSync(path.join(bench.root, 'long.txt'), 'w')
    left.push(into)
    for (const argv of [[PLATFORM, 'monitor', id], [PLATFORM, 'monitor', id, '--follow'], ['run', 'logs', run.run_id]]) {
      const {bytes, code} = await peakMemory([RUN_JS, ...argv], {cwd: bench.project, env: bench.env, into})
      expect([code, bytes < MEMORY_LIMIT], `${argv.join(' ')}: ${Math.round(bytes / MIB)} MiB`).to.deep.equal([0, true])
    }
    const shown = await readFile(path.join(bench.root, 'long.txt'), 'utf8')
    expect(shown.length).to.be.lessThan(MIB)
    expect(shown).to.match(/… \[line of 52\.4 MB cut\]\nshort\n/)
  }).timeout(120_000)

  it('may hold anything: what is printed has no control character but \\n and \\t', async () => {
    const waited = await bench.ok([PLATFORM, 'train', id, 'wild.py', '--wait', '--project-name', 'wild'])
    const {run_id: runId} = (await bench.json<MonitorJson>([PLATFORM, 'monitor', id])).run
    const shown = [waited, await bench.ok([PLATFORM, 'monitor', id]), await bench.ok([PLATFORM, 'monitor', id, '--follow']), await bench.ok(['run', 'logs', runId]),
      await bench.ok(['run', 'show', runId]), await bench.ok([PLATFORM, 'status', id]), await bench.ok(['run', 'list'])]
    for (const {stderr, stdout} of shown) expect(controls(stdout + stderr)).to.deep.equal([])
    for (const {stdout} of shown.slice(0, 4)) {
      expect(stdout).to.contain('after the title').and.to.contain('red').and.to.contain('tab\t end').and.to.contain('done €').and.to.contain('no newline at the end')
      expect(stdout.match(/\d+%\|#*/g)).to.deep.equal(['100%|##########'])
    }
    const {log_lines: lines} = await bench.json<MonitorJson>([PLATFORM, 'monitor', id])
    expect(controls(lines.join('\n'))).to.deep.equal([])
  })

  it('is byte for byte what run logs --raw writes into a file', async () => {
    for (const [project, argv] of [['wild', ['wild.py']], ['flood', ['flood.py', '--', '9']]] as const) {
      const run = await train(argv[0], '--project-name', project, ...argv.slice(1))
      await endOf(run.run_id)
      const name = path.join(bench.root, `${project}.log`)
      const into = openSync(name, 'w')
      left.push(into)
      const {bytes, code} = await peakMemory([RUN_JS, 'run', 'logs', run.run_id, '--raw'], {cwd: bench.project, env: bench.env, into})
      expect([code, bytes < MEMORY_LIMIT]).to.deep.equal([0, true])
      expect((await readFile(run.log_path)).equals(await readFile(name))).to.equal(true)
    }
  })

  it('waits for a slow reader, who gets every byte of it, with little memory', async () => {
    const run = await train('flood.py', '--project-name', 'flood', '--', '60')
    await endOf(run.run_id)
    const slow = 'import sys, time\ntime.sleep(6)\nprint(sum(map(len, iter(lambda: sys.stdin.buffer.read(1 << 16), b""))), file=sys.stderr)'
    const argv = ['bash', '-c', `set -o pipefail; "$@" | python3 -c '${slow}' 2> "$COUNT"`, 'bash', RUN_JS, 'run', 'logs', run.run_id, '--raw']
    const {bytes, code} = await peakMemory(argv, {cwd: bench.project, env: {...bench.env, COUNT: path.join(bench.root, 'count')}})
    expect([code, await readFile(path.join(bench.root, 'count'), 'utf8')]).to.deep.equal([0, `${60 * MIB + 15}\n`])
    expect(bytes / MIB).to.be.lessThan(MEMORY_LIMIT / MIB)
  })

  it('is left by run logs and monitor --follow when their reader leaves', async () => {
    const run = await train('clock.py', '--project-name', 'clock')
    await until(async () => (await stat(run.log_path)).size > 0, 10_000, 'a first line')
    for (const [command, code] of [[`run logs ${run.run_id}`, 0], [`${PLATFORM} monitor ${id} --follow`, 130]] as const) {
      const piped = bench.shell(`set -o pipefail; "${RUN_JS}" ${command} | head -n 1`)
      const outcome = await collect(piped, 20_000)
      expect(outcome.stdout).to.match(/^at [\d.]+\n$/)
      expect(outcome.code, outcome.stderr).to.equal(code)
      if (code === 0) expect(outcome.stderr).to.equal('')
      else expect(outcome.stderr).to.contain(`${run.run_id} on ${id}`).and.to.not.contain('EPIPE')
    }
    expect((await bench.json<{state: string}>(['run', 'show', run.run_id])).state).to.equal('running')
    await bench.ok(['run', 'stop', run.run_id, '--force', '--grace', '0s'])
  })

  it('arrives with monitor --follow within a second of being written', async () => {
    const run = await train('clock.py', '--project-name', 'clock')
    const following = bench.spawn([PLATFORM, 'monitor', id, '--follow', '--lines', '0'])
    const ended = collect(following, 30_000)
    const delays: number[] = []
    following.stdout?.on('data', (chunk: Buffer) => {
      const now = Date.now() / 1000
      for (const [, at] of chunk.toString().matchAll(/^at ([\d.]+)$/gm)) delays.push(now - Number(at))
    })
    await until(() => delays.length >= 10, 20_000, 'ten lines')
    following.kill('SIGINT')
    expect((await ended).code).to.equal(130)
    // The first one may have been waiting; the median does not depend on who else uses this machine.
    expect(delays.slice(1).toSorted((a, b) => a - b)[4]).to.be.lessThan(1)
    await bench.ok(['run', 'stop', run.run_id, '--force', '--grace', '0s'])
  })

  describe('and Ctrl-C', () => {
    const stopAll = (runId: string): Promise<unknown> => bench.ok(['run', 'stop', runId, '--force', '--grace', '0s'])
    const runId = async (): Promise<string> => {
      const [run] = await bench.json<readonly {run_id: string; state: string}[]>(['run', 'list', '--limit', '1'])
      expect(run?.state).to.equal('running')
      return run?.run_id ?? ''
    }

    /** `sign`: what it has printed by then; or else that its run is there and it asks the instance for more. */
    async function interrupted(argv: readonly string[], sign: string): Promise<{code: number | null; stderr: string; stdout: string}> {
      const child = bench.spawn(argv)
      const ended = collect(child, 30_000, argv)
      if (sign === '') {
        await until(async () => (await bench.run(['run', 'list', '--json'])).stdout.includes('"running"'), 20_000, 'it runs')
        await until(async () => hasChild(child.pid ?? 0), 20_000, 'it asks the instance')
      } else {
        let seen = ''
        child.stdout?.on('data', (chunk: Buffer) => (seen += chunk.toString()))
        await until(() => seen.includes(sign), 20_000, sign)
      }
      child.kill('SIGINT')
      return ended
    }

    it('leaves train --wait with 130, says what goes on and how to see it, and it goes on', async () => {
      const {code, stderr, stdout} = await interrupted([PLATFORM, 'train', id, 'clock.py', '--wait', '--project-name', 'c1'], 'at ')
      const id1 = await runId()
      expect(code).to.equal(130)
      expect(stderr).to.contain('Detached: this only stopped watching').and.to.contain(`${id1} on ${id}`).and.to.contain(`runctl ${PLATFORM} monitor ${id} --follow`)
      expect(stdout).to.not.contain('Detached')
      expect(stderr).to.not.match(/\n\s+at /)
      await stopAll(id1)
    })

    it('leaves one JSON document behind under --json', async () => {
      const {code, stderr, stdout} = await interrupted([PLATFORM, 'train', id, 'clock.py', '--wait', '--json', '--project-name', 'c2'], '')
      const id2 = await runId()
      const {error} = JSON.parse(stdout) as ErrorDocument
      expect([code, stderr, error.code, error.exit_code]).to.deep.equal([130, '', 'detached', 130])
      expect(error.still_running.join()).to.contain(id2)
      const followed = await interrupted([PLATFORM, 'monitor', id, '--follow', '--json'], '')
      const second = (JSON.parse(followed.stdout) as ErrorDocument).error
      expect([followed.code, second.code, second.next]).to.deep.equal([130, 'detached', [`runctl ${PLATFORM} monitor ${id} --follow`]])
      expect(await runId()).to.equal(id2)
      await stopAll(id2)
    })
  })
})
