import {spawnSync} from 'node:child_process'
import {access, mkdir, readdir, readFile, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {EndResult} from '../../src/core/end-instance.js'
import type {InstanceStatus} from '../../src/core/show-status.js'
import {PLATFORM, ABSENT, Bench, collect, until, type ErrorDocument} from './support/bench.js'
import {makeWheel} from './support/make-wheel.js'
import {commandsAmong, pasted} from './support/pasted-command.js'
import {REPOSITORY} from './support/repository.js'

const RUN_JS = path.join(REPOSITORY, 'bin', 'run.js')

/** Says a word, then works on without ever saving. Without `--handle`, a SIGTERM ends it. */
const ENDLESS = `import signal, sys, time
if "--handle" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: None)
print("at work", flush=True)
while True:
    time.sleep(0.05)
`
const FAILS = 'import sys\nfor n in range(30):\n    print("line", n)\nprint("ValueError: shapes do not match", file=sys.stderr)\nsys.exit(3)\n'

async function errorOf(bench: Bench, argv: readonly string[], options: {readonly cwd?: string} = {}): Promise<ErrorDocument['error']> {
  const {error} = await bench.jsonError(argv, options)
  for (const line of commandsAmong(error.next)) await pasted(line)
  return error
}

describe('a command that fails', () => {
  let bench: Bench
  let id: string

  before(async () => {
    bench = await Bench.create({'fails.py': FAILS, 'endless.py': ENDLESS, 'quick.py': 'print("done")\n'})
    id = await bench.instance()
  })
  after(() => bench.destroy())

  const train = (...rest: readonly string[]): Promise<TrainJson> => bench.json<TrainJson>([PLATFORM, 'train', id, ...rest])
  const stateOf = async (runId: string): Promise<string | undefined> =>
    (await bench.json<{state: string}>(['run', 'show', runId])).state
  const end = (runId: string): Promise<unknown> => bench.ok(['run', 'stop', runId, '--force', '--grace', '0s'])

  it('tells the end of the log and where all of it is when the script failed (10)', async () => {
    const {code, stderr, stdout} = await bench.run([PLATFORM, 'train', id, 'fails.py', '--wait', '--project-name', 'fails'])
    expect(code).to.equal(10)
    expect(stdout.match(/^line \d+$/gm)).to.have.lengthOf(30)
    expect(stderr).to.contain('failed (exit 3)').and.to.contain('  line 29\n').and.to.contain('ValueError: shapes do not match')
    const error = await errorOf(bench, [PLATFORM, 'train', id, 'fails.py', '--wait', '--project-name', 'fails'])
    expect([error.code, error.details['exit_code']]).to.deep.equal(['training_failed', 3])
    expect(error.details['last_log_lines']).to.include.members(['line 29', 'ValueError: shapes do not match'])
    const logPath = String(error.details['log_path'])
    expect(error.message).to.contain(logPath)
    expect(await readFile(logPath, 'utf8')).to.match(/^line 0\n/)
    expect(error.next).to.include(`runctl run logs ${String(error.details['run_id'])}`)
  })

  it('says that the run goes on when the time for waiting is over (8), and it does', async () => {
    const argv = [PLATFORM, 'train', id, 'endless.py', '--wait', '--timeout', '1s', '--project-name', 'waited']
    const {code, stderr} = await bench.run(argv)
    expect(code).to.equal(8)
    const runId = /run-[\d-]+-[0-9a-f]+/.exec(stderr)?.[0] ?? ''
    expect(stderr).to.match(/has not ended within 1 s; it goes on/).and.to.contain('Still running:').and.to.contain(`runctl ${PLATFORM} monitor ${id}`)
    expect(await stateOf(runId)).to.equal('running')
    await end(runId)

    const error = await errorOf(bench, argv)
    expect(error.code).to.equal('timed_out')
    expect(error.still_running.join()).to.contain(String(error.details['run_id'])).and.to.contain(id)
    await end(String(error.details['run_id']))
  })

  it('names the command that starts a stopped instance (4)', async () => {
    const stopped = await bench.instance()
    await bench.ok([PLATFORM, 'stop', stopped])
    const {code, stderr} = await bench.run([PLATFORM, 'train', stopped, 'quick.py'])
    expect(code).to.equal(4)
    expect(stderr).to.contain(`${stopped} is not ready: it is stopped`).and.to.contain(`Next: runctl ${PLATFORM} start ${stopped} --wait`)
    for (const argv of [['train', stopped, 'quick.py'], ['monitor', stopped], ['exec', stopped, 'true'], ['push', stopped, 'quick.py'], ['processes', stopped]]) {
      const error = await errorOf(bench, [PLATFORM, ...argv])
      expect(error, argv.join(' ')).to.deep.include({code: 'wrong_state', next: [`runctl ${PLATFORM} start ${stopped} --wait`], still_running: []})
    }
  })

  it('finds out here that the script does not exist (3), and the instance sees nothing of it', async () => {
    const untouched = await bench.instance()
    const before = await readdir(bench.home(untouched))
    const {code, stderr} = await bench.run([PLATFORM, 'train', untouched, 'absent.py'])
    expect(code).to.equal(3)
    expect(stderr).to.contain('absent.py does not exist here').and.to.contain('nothing was sent')
    for (const argv of [[PLATFORM, 'train', untouched, 'absent.py'], ['workflow', 'run', untouched, 'training'], [PLATFORM, 'train', untouched, 'absent.py', '--wait']]) {
      expect((await errorOf(bench, argv)).code, argv.join(' ')).to.equal('not_found')
    }
    expect((await errorOf(bench, [PLATFORM, 'train', untouched, '../outside.py'])).code).to.equal('bad_input')
    expect(await readdir(bench.home(untouched))).to.deep.equal(before)
    expect((await errorOf(bench, [PLATFORM, 'train', untouched, 'absent.py', '--no-sync-code'])).code).to.equal('not_found')
  })

  it('creates no instance for a script that does not exist', async () => {
    const count = async (): Promise<number> => (await bench.json<readonly unknown[]>(['resources', 'list', '--platform', PLATFORM])).length
    const before = await count()
    expect((await errorOf(bench, ['workflow', 'run', PLATFORM, 'absent.py'])).code).to.equal('not_found')
    expect((await errorOf(bench, [PLATFORM, 'absent.py'])).code).to.equal('not_found')
    expect(await count()).to.equal(before)
  })

  it('tells an id that does not exist (3) from a word that is no id (2)', async () => {
    for (const argv of [
      [PLATFORM, 'train', ABSENT, 'quick.py'], [PLATFORM, 'status', ABSENT], [PLATFORM, 'stop', ABSENT],
      [PLATFORM, 'terminate', ABSENT, '--force'], ['workflow', 'run', ABSENT, 'quick.py'], ['checkpoint', 'list', '--instance-id', ABSENT],
      ['run', 'show', 'run-20200101-000000-0000'], ['run', 'list', '--instance-id', ABSENT], [PLATFORM, 'monitor', id, '--run', 'run-20200101-000000-0000'],
    ]) {
      const error = await errorOf(bench, argv)
      // By its shape alone a name of a host is no id: without the platform beside it, it is a word.
      const isWord = PLATFORM === 'ssh' && argv[0] !== PLATFORM && argv.includes(ABSENT)
      expect([error.code, error.still_running], argv.join(' ')).to.deep.equal([isWord ? 'bad_input' : 'not_found', []])
    }
    for (const argv of [
      ['workflow', 'run', 'nothing-0', 'quick.py'], ['checkpoint', 'list', '--instance-id', 'nothing-0'], ['run', 'list', '--instance-id', 'nothing-0'],
      ['run', 'show', 'nothing-0'], ['run', 'logs', '../../etc/passwd'],
    ]) expect((await errorOf(bench, argv)).code, argv.join(' ')).to.equal('bad_input')
  })

  it('refuses a second run in the same project folder (5) and touches no file of the first', async () => {
    await bench.write('endless.py', ENDLESS)
    const {run} = await train('endless.py', '--project-name', 'both')
    await bench.write('endless.py', `${ENDLESS}# changed\n`)
    await bench.write('added.py', 'print("new")\n')
    try {
      const {code, stderr} = await bench.run([PLATFORM, 'train', id, 'added.py', '--project-name', 'both'])
      expect(code).to.equal(5)
      expect(stderr).to.contain(run.run_id).and.to.contain(`runctl run stop ${run.run_id}`)
      for (const force of [[], ['--include-pattern', 'added.py'], ['--wait']]) {
        const error = await errorOf(bench, [PLATFORM, 'train', id, 'added.py', '--project-name', 'both', ...force])
        expect([error.code, error.details['run_id']]).to.deep.equal(['run_active', run.run_id])
      }
      expect(await bench.readHome(id, 'projects', 'both', 'endless.py')).to.equal(ENDLESS)
      expect(await readdir(bench.home(id, 'projects', 'both'))).to.not.include('added.py')
      expect(await stateOf(run.run_id)).to.equal('running')
    } finally {
      await end(run.run_id)
    }
  })

  it('stops nothing when nothing good was saved (9): script and instance go on, until --force', async () => {
    const own = await bench.instance()
    const {run} = await bench.json<TrainJson>([PLATFORM, 'train', own, 'endless.py'])
    await until(async () => (await readFile(run.log_path, 'utf8')) === 'at work\n', 10_000, 'the script has begun')
    const {code, stderr} = await bench.run([PLATFORM, 'stop', own, '--grace', '1s'])
    expect(code).to.equal(9)
    expect(stderr).to.contain('so nothing was stopped').and.to.contain('Still running:').and.to.contain(own).and.to.contain(`runctl ${PLATFORM} stop ${own} --force`)
    const status = await bench.json<InstanceStatus>([PLATFORM, 'status', own])
    expect([status.state, status.runs?.[0]?.state, status.runs?.[0]?.pid]).to.deep.equal(['running', 'running', run.pid])
    expect(() => process.kill(run.pid ?? 0, 0)).to.not.throw()

    const again = await errorOf(bench, [PLATFORM, 'stop', own, '--grace', '0s'])
    expect([again.code, again.next.at(-1)]).to.deep.equal(['save_failed', `runctl ${PLATFORM} stop ${own} --force`])
    expect(again.still_running.join()).to.contain(own).and.to.contain('$0.00/h')
    const refused = await errorOf(bench, [PLATFORM, 'terminate', own, '--grace', '0s'])
    expect([refused.code, refused.next.at(-1)]).to.deep.equal(['save_failed', `runctl ${PLATFORM} terminate ${own} --force`])
    const byRun = await errorOf(bench, ['run', 'stop', run.run_id, '--grace', '0s'])
    expect([byRun.code, byRun.next.at(-1)]).to.deep.equal(['save_failed', `runctl run stop ${run.run_id} --force`])

    const stopped = await bench.json<EndResult>([PLATFORM, 'stop', own, '--grace', '0s', '--force'])
    expect([stopped.instance.state, stopped.saved?.ok]).to.deep.equal(['stopped', false])
    expect(() => process.kill(run.pid ?? 0, 0)).to.throw()
  })

  it('names the flag it does not know, the number that is none and the file that is not there (2)', async () => {
    for (const argv of [
      [PLATFORM, 'train', id, 'quick.py', '--no-such-flag'], [PLATFORM, 'train', id], [PLATFORM, 'monitor', id, '--lines', 'many'], [PLATFORM, 'stop', id, '--grace', '5'],
      [PLATFORM, 'train', id, 'quick.py', '--env', 'NO EQUALS'], [PLATFORM, 'train', id, 'quick.py', '--env-file', 'absent.env'],
      [PLATFORM, 'train', id, 'quick.py', '--project-name', '../up'], [PLATFORM, 'status', id, '--', 'more'], [PLATFORM, 'train', id, 'quick.py', '--timeout', '1s'],
      [PLATFORM, 'train', id, 'quick.py', '--wait', '--detach'], [PLATFORM, 'push', id, 'absent.bin'],
    ]) {
      const error = await errorOf(bench, argv)
      expect(error.exit_code, argv.join(' ')).to.be.oneOf([2, 3])
      expect(error.message, argv.join(' ')).to.not.match(/\n\s+at /)
      expect(error.still_running).to.deep.equal([])
    }
  })

  it('names the folder where it is one of those that runctl itself lives in (2, 6)', async () => {
    const env = {RUNCTL_DATA_DIR: path.join(bench.project, 'quick.py')}
    const {code, error} = await bench.jsonError(['local', 'status'], {env})
    expect([code, error.code]).to.deep.equal([6, 'platform_failed'])
    expect(error.message).to.contain(env.RUNCTL_DATA_DIR)

    const removed = path.join(bench.root, 'removed')
    await mkdir(removed)
    const {stderr, code: status} = await collect(bench.shell(`cd "${removed}" && rmdir "${removed}" && "${RUN_JS}" resources list`), 20_000)
    expect(status).to.equal(2)
    expect(stderr).to.contain('does not exist any more').and.to.not.match(/\n\s+at /)
  })

  describe('with requirements.txt', () => {
    const python = spawnSync('python3', ['-c', 'import ensurepip, venv'], {encoding: 'utf8'})

    before(function () {
      if (python.status === 0) return
      process.stderr.write(`      skipped, because this Python lacks what makes environments: ${python.stderr.trim().split('\n').at(-1) ?? ''}\n`)
      this.skip()
    })

    /** A project of its own: requirements.txt would be everybody's. */
    async function project(files: Readonly<Record<string, string>>): Promise<string> {
      const folder = path.join(bench.root, `needs-${Object.keys(files).length}`)
      for (const [name, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(folder, name)), {recursive: true})
        await writeFile(path.join(folder, name), text)
      }
      return folder
    }

    it('says which installation failed (11), and the script is not started', async () => {
      const cwd = await project({'requirements.txt': '--no-index\nrunctl-absent-package==1.0\n', 'needs.py': 'open("started", "w")\n'})
      const error = await errorOf(bench, [PLATFORM, 'train', id, 'needs.py'], {cwd})
      expect(error.code).to.equal('dependencies_failed')
      expect(error.message).to.contain('pip install').and.to.contain('exit status 1')
      expect((error.details['last_log_lines'] as string[]).join('\n')).to.contain('runctl-absent-package')
      expect(await access(bench.home(id, 'projects', path.basename(cwd), 'started')).then(() => true, () => false)).to.equal(false)
    }).timeout(120_000)

    it('runs the script with what they name, installed from a folder of the project', async () => {
      const cwd = await project({
        'requirements.txt': '--no-index\n--find-links wheels\nrunctl-vendored==7\n',
        'needs.py': 'import os, runctl_vendored, sys\nprint(runctl_vendored.ANSWER, sys.prefix == os.environ["VIRTUAL_ENV"])\n',
        'wheels/README': 'wheels\n',
      })
      makeWheel(path.join(cwd, 'wheels'))
      const {stdout} = await bench.ok([PLATFORM, 'train', id, 'needs.py', '--wait'], {cwd, timeoutMs: 110_000})
      expect(stdout).to.match(/^42 True$/m)
    }).timeout(120_000)
  })

  it('script and instance the wrong way round (2) names the right one', async () => {
    const id = await bench.instance()
    const {code, error} = await bench.jsonError([PLATFORM, 'train', 'training/train_with_checkpoints.py', id])
    expect(code).to.equal(2)
    expect(error.next).to.deep.equal([`runctl ${PLATFORM} train ${id} training/train_with_checkpoints.py`])
  })
})
