import {execFileSync, spawnSync} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import {chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, rmdir, stat, symlink, unlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {InstanceStatus} from '../../src/core/show-status.js'
import {PLATFORM, Bench, until} from './support/bench.js'

const exists = (file: string): Promise<boolean> => lstat(file).then(() => true, () => false)

describe('the code that is sent', () => {
  let bench: Bench
  let id: string

  before(async () => {
    bench = await Bench.create({'ok.py': 'print("ok")\n'})
    await rm(path.join(bench.project, 'training'), {recursive: true})
    id = await bench.instance()
  })
  after(() => bench.destroy())

  /** A project folder of its own, under a name of its own on the instance. */
  async function project(name: string, files: Readonly<Record<string, string>>): Promise<{cwd: string; there: (...parts: readonly string[]) => string; train: (...argv: readonly string[]) => Promise<TrainJson>}> {
    const cwd = path.join(bench.root, name)
    for (const [file, content] of Object.entries({'ok.py': 'print("ok")\n', ...files})) {
      await mkdir(path.dirname(path.join(cwd, file)), {recursive: true})
      await writeFile(path.join(cwd, file), content)
    }
    return {
      cwd,
      there: (...parts) => bench.home(id, 'projects', name, ...parts),
      train: (...argv) => bench.json<TrainJson>([PLATFORM, 'train', id, ...(argv.length > 0 ? argv : ['ok.py']), '--wait'], {cwd}),
    }
  }

  async function filesBelow(folder: string): Promise<readonly string[]> {
    const entries = await readdir(folder, {recursive: true, withFileTypes: true})
    return entries.filter(entry => !entry.isDirectory()).map(entry => path.relative(folder, path.join(entry.parentPath, entry.name))).toSorted()
  }

  it('is what the nested ignore files leave, with git and without, and what --include-pattern adds', async () => {
    const files = {
      '.gitignore': '*.log\n/build/\nbig/**\n!big/keep.txt\n', 'a.log': '1', 'build/out.o': '1', 'src/build/kept.py': '1', 'src/.gitignore': 'local.py\n!debug.log\n',
      'src/local.py': '1', 'src/debug.log': '1', 'src/deep/local.py': '1', 'local.py': '1', '.runctlignore': 'notes/\n', 'notes/todo.md': '1', 'big/one.bin': '1',
      'big/keep.txt': '1', 'checkpoints/old.json': '{}', 'name with blanks/ä.txt': '1',
    }
    const expected = ['.gitignore', '.runctlignore', 'big/keep.txt', 'local.py', 'name with blanks/ä.txt', 'ok.py', 'src/.gitignore', 'src/build/kept.py', 'src/debug.log']
    for (const git of [false, true]) {
      const {cwd, there, train} = await project(git ? 'ignores-git' : 'ignores', files)
      if (git) execFileSync('git', ['init', '-q'], {cwd})
      await train()
      expect(await filesBelow(there()), `git: ${git}`).to.deep.equal(expected)
      await train('ok.py', '--include-pattern', 'big/*.bin', '--include-pattern', 'build/**')
      expect(await filesBelow(there()), `git: ${git}`).to.deep.equal([...expected, 'big/one.bin', 'build/out.o'].toSorted())
    }
  })

  it('follows what happens here: removed, made executable, turned into a link; and sends nothing when nothing has changed', async () => {
    const {cwd, there, train} = await project('follows', {'tool': '#!/bin/sh\necho tool\n', 'gone.txt': 'x', 'folder/gone.txt': 'x', 'text.txt': 'one'})
    await symlink('text.txt', path.join(cwd, 'link'))
    const first = await train()
    expect(first.sync).to.deep.include({files_total: 6, files_removed: 0})
    expect([await readlink(there('link')), (await stat(there('tool'))).mode & 0o777]).to.deep.equal(['text.txt', 0o644])

    const second = await train()
    expect(second.sync).to.deep.include({files_sent: 0, bytes_sent: 0, files_written: 0, files_removed: 0, rounds: 1})

    await Promise.all([unlink(path.join(cwd, 'gone.txt')), rm(path.join(cwd, 'folder'), {recursive: true}), chmod(path.join(cwd, 'tool'), 0o755)])
    await unlink(path.join(cwd, 'text.txt'))
    await symlink('ok.py', path.join(cwd, 'text.txt'))
    const third = await train()
    expect(third.sync).to.deep.include({files_removed: 2, bytes_sent: 0})
    expect(await filesBelow(there())).to.deep.equal(['link', 'ok.py', 'text.txt', 'tool'])
    expect([await readlink(there('text.txt')), (await stat(there('tool'))).mode & 0o777]).to.deep.equal(['ok.py', 0o755])
    expect(await exists(there('folder'))).to.equal(false)
  })

  it('is refused with a link that leads out of the project (2), which is named, and nothing arrives', async () => {
    const {cwd, there} = await project('leaves', {})
    await symlink('/etc/passwd', path.join(cwd, 'pass wd'))
    const {error} = await bench.jsonError([PLATFORM, 'train', id, 'ok.py'], {cwd})
    expect([error.exit_code, error.code]).to.deep.equal([2, 'bad_input'])
    expect(error.message).to.contain('pass wd').and.to.contain('/etc/passwd')
    expect(error.details).to.deep.include({path: 'pass wd'})
    expect(await exists(there())).to.equal(false)
    await writeFile(path.join(cwd, '.runctlignore'), 'pass wd\n')
    await bench.ok([PLATFORM, 'train', id, 'ok.py', '--wait'], {cwd})
    expect(await exists(there('pass wd'))).to.equal(false)
  })

  it('takes the place of what a run changed in it, and leaves what a run wrote', async () => {
    const {cwd, there, train} = await project('changes', {
      'writes.py': `import os
os.makedirs("made", exist_ok=True)
open("made/result.txt", "w").write("result")
open("data.txt", "a").write("appended")
os.unlink("removed.txt")
os.chmod("mode.sh", 0o755)
open(os.path.join(os.environ["RUNCTL_CHECKPOINT_DIR"], "c_1.json"), "w").write("{}")
`, 'data.txt': 'original', 'removed.txt': 'back again', 'mode.sh': 'echo\n',
    })
    await train('writes.py')
    expect(await readFile(there('data.txt'), 'utf8')).to.equal('originalappended')
    const {sync} = await train('ok.py')
    expect([await readFile(there('data.txt'), 'utf8'), await readFile(there('removed.txt'), 'utf8')]).to.deep.equal(['original', 'back again'])
    expect((await stat(there('mode.sh'))).mode & 0o777).to.equal(0o644)
    expect([await readFile(there('made', 'result.txt'), 'utf8'), await readFile(there('checkpoints', 'c_1.json'), 'utf8')]).to.deep.equal(['result', '{}'])
    expect(sync?.files_removed).to.equal(0)

    await train('writes.py')
    await unlink(path.join(cwd, 'data.txt'))
    const {sync: kept} = await train('ok.py')
    expect(kept?.kept_modified).to.deep.equal(['data.txt'])
    expect(await readFile(there('data.txt'), 'utf8')).to.equal('originalappended')
  })

  it('can be 10,000 small files; the second time it is quick', async function () {
    const files = Object.fromEntries(Array.from({length: 10_000}, (_, n) => [`data/${n % 100}/${n}.txt`, `${n}\n`]))
    const {there, train} = await project('many', files)
    const began = Date.now()
    const first = await train()
    const between = Date.now()
    const second = await train()
    process.stderr.write(`      10,000 files: ${((between - began) / 1000).toFixed(1)} s, unchanged ${((Date.now() - between) / 1000).toFixed(1)} s\n`)
    expect(first.sync).to.deep.include({files_total: 10_001, files_sent: 10_001})
    expect(second.sync).to.deep.include({files_total: 10_001, files_sent: 0, bytes_sent: 0, files_written: 0})
    expect(await readFile(there('data', '99', '9999.txt'), 'utf8')).to.equal('9999\n')
    expect(Date.now() - between).to.be.lessThan(20_000)
  }).timeout(120_000)

  it('runs as it is: a .sh by sh, an executable by its first line, and neither where it is neither (2)', async () => {
    const {cwd, train} = await project('kinds', {'plain.sh': 'echo "sh $0 $1"; exit 0\n', 'tool': '#!/usr/bin/env python3\nimport sys\nprint("tool", sys.argv[1:])\n', 'data.txt': 'x'})
    await chmod(path.join(cwd, 'tool'), 0o755)
    expect((await bench.ok([PLATFORM, 'train', id, 'plain.sh', '--wait', '--', 'one'], {cwd})).stdout).to.match(/^sh \S*plain\.sh one\n/)
    expect((await bench.ok([PLATFORM, 'train', id, 'tool', '--wait', '--', 'one'], {cwd})).stdout).to.match(/^tool \['one'\]\n/)
    expect((await bench.jsonError([PLATFORM, 'train', id, 'data.txt', '--wait'], {cwd})).error.code).to.equal('bad_input')
    expect((await train('plain.sh')).run).to.deep.include({reason: 'completed', exit_code: 0})
  })

  it('stays here with --no-sync-code: the script there runs as it was', async () => {
    const {cwd, train} = await project('stays', {'version.py': 'print("version 1")\n'})
    await train('version.py')
    await writeFile(path.join(cwd, 'version.py'), 'print("version 2")\n')
    const {stdout} = await bench.ok([PLATFORM, 'train', id, 'version.py', '--wait', '--no-sync-code'], {cwd})
    expect(stdout).to.contain('version 1').and.to.contain('not sent')
  })

  it('warns of what looks like a secret, by name and never by content', async () => {
    const {cwd, there} = await project('secrets', {'.env': 'API_KEY=hunter2hunter2\n', 'keys/id_rsa': 'hunter2\n', 'server.pem': 'hunter2\n', '.env.example': 'API_KEY=\n'})
    const {stderr, stdout} = await bench.ok([PLATFORM, 'train', id, 'ok.py', '--wait'], {cwd})
    expect(stderr).to.contain('look like secrets').and.to.contain('.env').and.to.contain('keys/id_rsa').and.to.contain('server.pem').and.to.contain('.runctlignore')
    expect(stderr + stdout).to.not.contain('hunter2').and.to.not.contain('.env.example')
    await writeFile(path.join(cwd, '.runctlignore'), '.env\nkeys/\n*.pem\n')
    const quiet = await bench.ok([PLATFORM, 'train', id, 'ok.py', '--wait'], {cwd})
    expect(quiet.stderr).to.not.contain('secret')
    expect(await exists(there('.env'))).to.equal(false)
  })

  describe('to a disk that is full', () => {
    let disk = ''
    let mounted = false
    let own = ''
    const onDisk = (): {env: Record<string, string>} => ({env: {RUNCTL_DATA_DIR: disk}})

    before(async function () {
      // Of the platform local, whose instances lie in the data folder.
      if (PLATFORM !== 'local') return this.skip()
      disk = await realpath(await mkdtemp(path.join(tmpdir(), 'runctl-disk-')))
      const mount = process.platform === 'linux' && process.getuid?.() === 0
        ? spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk], {encoding: 'utf8'})
        : {status: 1, stderr: 'only root on Linux can mount a small disk'}
      mounted = mount.status === 0
      if (!mounted) {
        process.stderr.write(`      skipped: ${mount.stderr.trim()}\n`)
        return this.skip()
      }
      own = (await bench.json<{instance: {id: string}}>(['local', 'create', '--wait'], onDisk())).instance.id
    })
    after(async () => {
      if (own) await bench.run(['local', 'terminate', own, '--force', '--grace', '0s'], onDisk())
      if (mounted) execFileSync('umount', [disk])
      if (disk) await rmdir(disk)
    })

    const train = (cwd: string, ...argv: readonly string[]): Promise<TrainJson> => bench.json<TrainJson>(['local', 'train', own, ...argv], {cwd, ...onDisk()})
    const home = (...parts: readonly string[]): string => path.join(disk, 'local', 'instances', own, 'home', ...parts)

    it('leaves the code that was there as it was, says why, and works when there is room again', async () => {
      const {cwd} = await project('full', {'version.txt': 'one', 'noise.bin': ''})
      await train(cwd, 'ok.py', '--wait')
      await writeFile(path.join(cwd, 'version.txt'), 'two')
      // Random enough that no compression makes room for it.
      await writeFile(path.join(cwd, 'noise.bin'), randomBytes(6 << 20))
      const {error} = await bench.jsonError(['local', 'train', own, 'ok.py'], {cwd, ...onDisk()})
      expect(error.code).to.equal('platform_failed')
      expect(error.message).to.match(/disk.*full|no space/i)
      expect([await readFile(home('projects', 'full', 'version.txt'), 'utf8'), (await stat(home('projects', 'full', 'noise.bin'))).size]).to.deep.equal(['one', 0])
      await writeFile(path.join(cwd, 'noise.bin'), 'small')
      expect((await train(cwd, 'ok.py', '--wait')).run.reason).to.equal('completed')
      expect(await readFile(home('projects', 'full', 'version.txt'), 'utf8')).to.equal('two')
    })

    it('does not end a training whose state cannot be written; its end is told all the same', async () => {
      const {cwd} = await project('filled', {'fills.py': `import os, time
go = os.environ["GO"]
file = os.open("fill", os.O_WRONLY | os.O_CREAT)
try:
    while True:
        os.write(file, b"x" * 4096)
except OSError:
    pass
open(go + ".full", "w").close()
while not os.path.exists(go):
    time.sleep(0.05)
os._exit(7)
`})
      const go = path.join(bench.root, 'go')
      const {run} = await train(cwd, 'fills.py', '--env', `GO=${go}`)
      await until(() => exists(`${go}.full`), 20_000, 'the disk is full')
      const look = async (): Promise<InstanceStatus> => bench.json<InstanceStatus>(['local', 'status', own], onDisk())
      expect((await look()).runs?.[0]).to.deep.include({run_id: run.run_id, state: 'running', pid: run.pid})
      const second = await bench.jsonError(['local', 'train', own, 'ok.py', '--project-name', 'other'], {cwd, ...onDisk()})
      // The platform says it where it notices first, else the agent.
      expect(second.error.code).to.be.oneOf(['platform_failed', 'wrong_state'])
      expect(second.error.message).to.match(/disk.* full/)
      expect((await look()).runs).to.have.lengthOf(1)
      await writeFile(go, '')
      await until(async () => (await look()).runs?.[0]?.state === 'stopped', 20_000, 'the end is known on a full disk')
      expect((await look()).runs?.[0]).to.deep.include({reason: 'failed', exit_code: 7})
      await unlink(home('projects', 'filled', 'fill'))
      expect((await train(cwd, 'ok.py', '--wait')).run.reason).to.equal('completed')
    })
  })
})
