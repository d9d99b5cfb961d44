import {execFileSync, spawn} from 'node:child_process'
import {cp, mkdir, mkdtemp, readdir, readFile, rm, symlink} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {Bench, collect} from './support/bench.js'
import {REPOSITORY} from './support/repository.js'

const INSTALL = 'npm ci && '

/** What a clone of this tree holds after `npm ci`: every tracked file as it is now, what was built, the packages. */
async function freshClone(): Promise<string> {
  const clone = await mkdtemp(path.join(tmpdir(), 'runctl-clone-'))
  const tracked = execFileSync('git', ['ls-files', '-z'], {cwd: REPOSITORY, encoding: 'utf8'}).split('\0').filter(name => name !== '')
  for (const name of tracked) {
    await mkdir(path.dirname(path.join(clone, name)), {recursive: true})
    // Removed here and not committed yet: it would not be in a clone either.
    await cp(path.join(REPOSITORY, name), path.join(clone, name)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    })
  }
  execFileSync('git', ['init', '--quiet'], {cwd: clone})
  execFileSync('git', ['add', '--all'], {cwd: clone})
  await cp(path.join(REPOSITORY, 'dist'), path.join(clone, 'dist'), {recursive: true})
  // A folder of links: a link in its place is nothing that .gitignore means.
  await mkdir(path.join(clone, 'node_modules'))
  for (const name of await readdir(path.join(REPOSITORY, 'node_modules'))) await symlink(path.join(REPOSITORY, 'node_modules', name), path.join(clone, 'node_modules', name))
  return clone
}

describe('the first command of the README', () => {
  let bench: Bench

  before(async () => {
    bench = await Bench.create()
  })
  after(() => bench.destroy())

  it('does so as it is written, in the root of a fresh clone', async () => {
    const readme = await readFile(path.join(REPOSITORY, 'README.md'), 'utf8')
    const command = /^```sh\n(.*)\n```$/m.exec(readme)?.[1] ?? ''
    expect(command).to.equal(`${INSTALL}./bin/run.js workflow run local training/train_with_checkpoints.py -- --epochs 3`)
    const clone = await freshClone()
    try {
      const began = Date.now()
      const child = spawn('bash', ['-c', command.slice(INSTALL.length)], {cwd: clone, env: bench.env, stdio: ['ignore', 'pipe', 'pipe']})
      const {code, stderr, stdout} = await collect(child, 60_000)
      expect(code, stdout + stderr).to.equal(0)
      expect(Date.now() - began).to.be.lessThan(60_000)
      expect(stdout).to.match(/^Checkpoints +3 verified of 3, in$|^Checkpoints +3 verified of 3, in /m)
      expect(stdout.match(/^checkpoints\/checkpoint_epoch_\d\.json .* complete /gm)).to.have.length(3)
      const told = [...new Set(readme.match(/^epoch \d\/3 loss .*$/gm))]
      expect(told).to.have.length(3)
      expect(stdout.match(/^epoch .*$/gm), 'what the README shows').to.deep.equal(told)
      expect(execFileSync('git', ['status', '--short'], {cwd: clone, encoding: 'utf8'}).split('\n').filter(line => line !== '' && !line.startsWith('A '))).to.deep.equal([])
    } finally {
      await rm(clone, {recursive: true})
    }
  }).timeout(90_000)

  it('ends in well under a minute with three verified checkpoints, and says where they are', async () => {
    const {stderr, stdout} = await bench.ok(['workflow', 'run', 'local', 'training/train_with_checkpoints.py', '--', '--epochs', '3'], {timeoutMs: 40_000})
    const id = /^Instance +(local-[0-9a-f]+): created/m.exec(stdout)?.[1] ?? ''
    expect(id).not.to.equal('')
    expect(stdout).to.contain(`3 verified of 3, in ${bench.home(id, 'projects', 'project', 'checkpoints')}\n`)
    for (const epoch of [1, 2, 3]) {
      expect(stdout).to.contain(`epoch ${epoch}/3 loss`)
      expect(stdout).to.match(new RegExp(`^checkpoints/checkpoint_epoch_${epoch}\\.json .* complete `, 'm'))
      expect(await bench.readHome(id, 'projects', 'project', 'checkpoints', `checkpoint_epoch_${epoch}.json`)).to.contain(`"epoch":${epoch}`)
    }
    expect(stdout).to.contain(`Next: runctl checkpoint list --instance-id ${id}\n`)
    // stdout is the log and the report; what is being done goes to stderr, without escapes where it is no terminal.
    expect(stderr).to.contain('Verify the checkpoints: 3 of 3 complete')
    expect(stdout + stderr).not.to.contain('\u001B')
  })
})
