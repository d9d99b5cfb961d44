import {spawnSync} from 'node:child_process'
import {access, mkdir} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import {PLATFORM, Bench, collect, type Outcome} from './support/bench.js'
import {makeWheel} from './support/make-wheel.js'

/** The real uv: that of .ci/run, or whichever is on the PATH. */
const UV = process.env['RUNCTL_TEST_UV'] ?? spawnSync('sh', ['-c', 'command -v uv'], {encoding: 'utf8'}).stdout.trim()

const USES = 'import runctl_vendored\nprint("the answer is", runctl_vendored.ANSWER)\nopen("started", "w").close()\n'
const script = (needs: string): string => `# /// script
# requires-python = ">=3.8"
# dependencies = ["${needs}"]
# [tool.uv]
# no-index = true
# find-links = ["wheels"]
# ///
${USES}`
const PROJECT = `[project]
name = "sample"
version = "1"
requires-python = ">=3.8"
dependencies = ["runctl-vendored==7"]

[tool.uv]
package = false
no-index = true
find-links = ["wheels"]
`

describe('what a script declares for uv', () => {
  let bench: Bench
  let id: string

  before(async function () {
    if (UV === '' || spawnSync(UV, ['--version']).status !== 0) {
      process.stderr.write('      skipped, because there is no uv: put it on the PATH, or name it in RUNCTL_TEST_UV\n')
      return this.skip()
    }
    bench = await Bench.create({'declares.py': script('runctl-vendored==7'), 'lacks.py': script('runctl-absent-package==1'), 'plain.py': USES, 'wheels/README': 'wheels\n'})
    makeWheel(path.join(bench.project, 'wheels'))
    id = await bench.instance()
  })
  after(() => bench?.destroy())

  /** Nothing but this machine: what uv needs, it finds here or fails. */
  const train = async (...argv: readonly string[]): Promise<Outcome> => {
    const env = {...bench.env, PATH: `${path.dirname(UV)}:${bench.env['PATH'] ?? ''}`, UV_OFFLINE: '1', UV_PYTHON_DOWNLOADS: 'never', UV_PYTHON_PREFERENCE: 'only-system', UV_CACHE_DIR: path.join(bench.root, 'uv')}
    return collect(bench.spawn([PLATFORM, 'train', id, ...argv, '--wait'], {env}), 60_000, argv)
  }
  const started = async (project: string): Promise<boolean> => access(bench.home(id, 'projects', project, 'started')).then(() => true, () => false)

  it('is installed by the header of the script (PEP 723), and the script runs with it', async () => {
    const {code, stderr, stdout} = await train('declares.py', '--project-name', 'header')
    expect(code, stdout + stderr).to.equal(0)
    expect(stdout).to.match(/^the answer is 42$/m)
    // Without uv the same script finds nothing of it.
    const {code: plain} = await train('plain.py', '--project-name', 'plain')
    expect(plain).to.equal(10)
  })

  it('ends the run where it cannot be had (11), with what uv said, and the script is not started', async () => {
    const {code, stderr, stdout} = await train('lacks.py', '--project-name', 'lacks', '--json')
    const {error} = JSON.parse(stdout) as {readonly error: {readonly code: string; readonly message: string; readonly details: {readonly last_log_lines: readonly string[]}}}
    expect([code, error.code], stderr).to.deep.equal([11, 'dependencies_failed'])
    expect(error.message).to.contain('uv sync --script ./lacks.py')
    expect(error.details.last_log_lines.join('\n')).to.contain('runctl-absent-package')
    expect(await started('lacks')).to.equal(false)
  })

  it('is installed by the pyproject.toml of the project', async () => {
    await bench.write('pyproject.toml', PROJECT)
    await mkdir(path.join(bench.project, 'src'), {recursive: true})
    await bench.write('src/nested.py', USES)
    for (const name of ['plain.py', 'src/nested.py']) {
      const {code, stderr, stdout} = await train(name, '--project-name', 'declared')
      expect(code, stdout + stderr).to.equal(0)
      expect(stdout).to.match(/^the answer is 42$/m)
    }
    const runs = await bench.json<readonly TrainJson['run'][]>(['run', 'list', '--instance-id', id])
    expect(runs.filter(({project, reason}) => project === 'declared' && reason === 'completed')).to.have.length(2)
  })
})
