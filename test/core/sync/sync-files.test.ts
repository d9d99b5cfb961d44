import {expect} from 'chai'
import {chmod, mkdir, readdir, readFile, rm, symlink, utimes, writeFile} from 'node:fs/promises'
import {randomBytes} from 'node:crypto'
import path from 'node:path'

import type {SyncAnswer} from '../../../src/agent/protocol.js'
import {completeSync, confirmSync, prepareSync, syncFiles, type SyncDeps, type SyncInput} from '../../../src/core/sync/sync-files.js'
import {isRunctlError} from '../../../src/model/errors.js'
import {AgentOnThisMachine} from './agent-on-this-machine.js'
import {makeTempFolder, readTree, writeTree} from './temp-folder.js'

describe('syncFiles', () => {
  let temp: Awaited<ReturnType<typeof makeTempFolder>>
  let agent: AgentOnThisMachine
  let root: string
  let deps: SyncDeps
  let input: SyncInput

  beforeEach(async () => {
    temp = await makeTempFolder()
    agent = await AgentOnThisMachine.create()
    root = path.join(temp.path, 'proj')
    await mkdir(root)
    deps = {agent, cacheDir: path.join(temp.path, 'cache'), clock: {now: () => new Date()}}
    input = {root, target: {kind: 'project', name: 'proj'}, instanceId: 'local-1'}
  })
  afterEach(async () => {
    await agent.dispose()
    await temp.remove()
  })

  const remote = (): string => path.join(agent.home, 'projects', 'proj')

  it('brings files, modes, links and odd names to the instance in one call', async () => {
    await writeTree(root, {'a.py': 'print(1)', 'sub dir/run.sh': 'echo', 'ünï/日本.txt': 'x', 'new\nline.txt': 'y', 'quote\'"`$(x).txt': 'z', '😀.txt': 'astral', 'empty': ''})
    await symlink('../a.py', path.join(root, 'sub dir', 'link.py'))
    const report = await syncFiles(input, deps)
    expect(await readTree(remote())).to.deep.equal(await readTree(root))
    expect(report).to.include({files_total: 8, files_sent: 6, rounds: 1, files_removed: 0})
    expect(report.dir).to.equal(remote())
    expect(report.changes).to.include({added: 8, changed: 0, removed: 0})
  })

  it('sends no file data and says that nothing changed the second time', async () => {
    await writeTree(root, {'a.py': 'print(1)', 'b/c.py': 'x'})
    await syncFiles(input, deps)
    const again = await syncFiles(input, deps)
    expect(again).to.include({files_sent: 0, bytes_sent: 0, wire_bytes: 0, rounds: 1, files_written: 0})
    expect(again.changes).to.include({added: 0, changed: 0, removed: 0})
    expect(agent.calls[1]).to.include({attachmentBytes: 0})
  })

  it('sends only what changed, removes what was removed, and leaves alone what was changed there', async () => {
    await writeTree(root, {'same.py': 'same', 'edit.py': 'old', 'gone.py': 'gone', 'touched.py': 'mine'})
    await syncFiles(input, deps)
    await writeFile(path.join(remote(), 'touched.py'), 'theirs')
    await writeFile(path.join(remote(), 'made-there.txt'), 'result')
    await rm(path.join(root, 'gone.py'))
    await rm(path.join(root, 'touched.py'))
    await writeFile(path.join(root, 'edit.py'), 'new!')
    await writeFile(path.join(root, 'added.py'), 'added')
    const report = await syncFiles(input, deps)
    expect(report).to.deep.include({files_sent: 2, bytes_sent: 9, files_removed: 1, kept_modified: ['touched.py'], rounds: 1})
    expect(report.changes).to.include({added: 1, changed: 1, removed: 2})
    expect(await readTree(remote())).to.deep.equal({'same.py': 'same', 'edit.py': 'new!', 'added.py': 'added', 'touched.py': 'theirs', 'made-there.txt': 'result'})
    const request = agent.calls.at(-1)?.request as {delta?: unknown; manifest?: unknown}
    expect(request.delta).to.be.an('object')
    expect(request.manifest).to.equal(undefined)
  })

  it('sees an edit that keeps size and modification time', async () => {
    await writeTree(root, {'a.py': 'aaaa'})
    await syncFiles(input, deps)
    await writeTree(root, {'a.py': 'bbbb'})
    expect(await syncFiles(input, deps)).to.include({files_sent: 1})
    expect(await readTree(remote())).to.deep.equal({'a.py': 'bbbb'})
  })

  it('sends a changed mode without the content', async () => {
    await writeTree(root, {'run': 'echo'})
    await syncFiles(input, deps)
    await chmod(path.join(root, 'run'), 0o755)
    expect(await syncFiles(input, deps)).to.include({files_sent: 0, bytes_sent: 0})
    expect(await readTree(remote())).to.deep.equal({run: 'x:echo'})
  })

  it('turns a file into a folder and back', async () => {
    await writeTree(root, {a: 'file'})
    await syncFiles(input, deps)
    await rm(path.join(root, 'a'))
    await writeTree(root, {'a/b': 'in folder'})
    await syncFiles(input, deps)
    expect(await readTree(remote())).to.deep.equal({'a/b': 'in folder'})
    await rm(path.join(root, 'a'), {recursive: true})
    await writeTree(root, {a: 'file again'})
    await syncFiles(input, deps)
    expect(await readTree(remote())).to.deep.equal({a: 'file again'})
  })

  it('falls back to the whole manifest where the instance has another state than this machine thinks', async () => {
    await writeTree(root, {'a.py': '1', 'b.py': '2'})
    await syncFiles(input, deps)
    const other = {...deps, cacheDir: path.join(temp.path, 'other-cache')}
    await writeTree(root, {'a.py': 'by the other'})
    await syncFiles(input, other)
    await writeTree(root, {'a.py': '1', 'b.py': 'changed'})
    const report = await syncFiles(input, deps)
    expect(await readTree(remote())).to.deep.equal({'a.py': '1', 'b.py': 'changed'})
    expect(report.rounds).to.be.greaterThan(1)
  })

  it('recovers when the instance has lost everything', async () => {
    await writeTree(root, {'a.py': '1', 'b.py': '2'})
    await syncFiles(input, deps)
    await rm(agent.home, {recursive: true})
    await mkdir(agent.home)
    await syncFiles(input, deps)
    expect(await readTree(remote())).to.deep.equal({'a.py': '1', 'b.py': '2'})
  })

  it('works with a cache folder that cannot be read or written', async () => {
    await writeTree(root, {'a.py': '1'})
    await writeFile(path.join(temp.path, 'no-folder'), '')
    const report = await syncFiles(input, {...deps, cacheDir: path.join(temp.path, 'no-folder')})
    expect(report.files_sent).to.equal(1)
  })

  it('tolerates caches full of nonsense', async () => {
    await writeTree(root, {'a.py': '1'})
    await syncFiles(input, deps)
    const folder = path.join(deps.cacheDir, 'sync')
    for (const name of await readdir(folder)) await writeFile(path.join(folder, name), '{"digests": {"a.py": [1]}, "entries": [null], "tree": 3}')
    await writeTree(root, {'a.py': '2'})
    await syncFiles(input, deps)
    expect(await readTree(remote())).to.deep.equal({'a.py': '2'})
  })

  it('gets through calls of 24,000 bytes: pieces of big files, and a manifest larger than a call', async () => {
    agent.maxInputBytes = 24_000
    const big = randomBytes(100_000)
    await writeTree(root, {'big.bin': big, 'same.bin': big, ...Object.fromEntries(Array.from({length: 400}, (_, i) => [`module_${i}/source_${i}.py`, `print(${i})\n`]))})
    const report = await syncFiles(input, deps)
    expect(await readTree(remote())).to.deep.equal(await readTree(root))
    expect(report.files_sent).to.equal(402)
    expect(report.rounds).to.equal(agent.calls.length)
    for (const call of agent.calls) expect(call.inputBytes).to.be.at.most(24_000)
    await writeFile(path.join(root, 'module_1/source_1.py'), 'print("edited")')
    expect(await syncFiles(input, deps)).to.include({files_sent: 1, rounds: 1})
  })

  it('fills calls well, so that few are needed', async () => {
    agent.maxInputBytes = 24_000
    await writeTree(root, {'random.bin': randomBytes(200_000), 'text.txt': 'all work and no play\n'.repeat(20_000)})
    const report = await syncFiles(input, deps)
    expect(report.rounds).to.be.at.most(11)
  })

  it('warns before much goes through a small shell', async () => {
    agent.maxInputBytes = 24_000
    await writeTree(root, {'data.bin': randomBytes(1_200_000)})
    const prepared = await prepareSync(input, deps)
    expect(prepared.ride).to.equal(null)
    expect(prepared.warnings.join()).to.match(/1\.2 MB go through the platform's shell in up to 50 calls; quicker: let the script/)
    const better = await prepareSync(input, {...deps, betterWay: 'runctl aws setup'})
    expect(better.warnings.join()).to.match(/quicker with a bucket that both sides reach: runctl aws setup/)
  })

  it('has several small calls under way at once, and one where calls are large', async () => {
    await writeTree(root, {'data.bin': randomBytes(300_000)})
    agent.maxInputBytes = 24_000
    await syncFiles(input, deps)
    expect(agent.mostAtOnce).to.be.within(2, 4)
    expect(await readTree(remote())).to.deep.equal(await readTree(root))
  })

  it('goes on where it was cut off without sending again what arrived', async () => {
    agent.maxInputBytes = 24_000
    await writeTree(root, Object.fromEntries(Array.from({length: 10}, (_, i) => [`f${i}.bin`, randomBytes(15_000)])))
    agent.beforeCall = () => {
      if (agent.begun >= 6) throw new Error('the line is cut')
    }
    let failure: unknown
    await syncFiles(input, deps).catch((error: unknown) => (failure = error))
    expect(String(failure)).to.match(/cut/)
    agent.beforeCall = () => {}
    const report = await syncFiles(input, deps)
    expect(report.files_sent).to.be.lessThan(8)
    expect(await readTree(remote())).to.deep.equal(await readTree(root))
  })

  it('hashes again and sends the new content when a file changes once while it is sent', async () => {
    agent.maxInputBytes = 24_000
    await writeTree(root, {'a.bin': randomBytes(30_000), 'b.bin': randomBytes(30_000)})
    let changes = 0
    agent.beforeCall = async () => {
      if (agent.begun === 1 && changes++ === 0) await writeFile(path.join(root, 'b.bin'), randomBytes(30_000))
    }
    await syncFiles(input, deps)
    expect(changes).to.equal(1)
    expect(await readTree(remote())).to.deep.equal(await readTree(root))
  })

  it('gives up with a clear error when a file changes again and again', async () => {
    agent.maxInputBytes = 24_000
    await writeTree(root, {'b.bin': randomBytes(60_000)})
    agent.beforeCall = () => writeFile(path.join(root, 'b.bin'), randomBytes(60_000))
    let failure: unknown
    await syncFiles(input, deps).catch((error: unknown) => (failure = error))
    expect(isRunctlError(failure) && failure.code).to.equal('verification_failed')
    expect(String(failure)).to.match(/b\.bin keeps changing/)
  })

  it('rides in another call when it fits, and is confirmed afterwards', async () => {
    await writeTree(root, {'a.py': '1', 'b.py': '2'})
    const prepared = await prepareSync({...input, reserveBytes: 2000}, deps)
    if (!prepared.ride) throw new Error('it should fit')
    const {request, attachment} = prepared.ride
    const answer: SyncAnswer = await agent.call('sync', request, attachment ? {attachment} : {})
    const report = await completeSync(prepared, answer, deps)
    expect(report).to.include({files_sent: 2, rounds: 1})
    expect(agent.calls.length).to.equal(1)
    expect((await agent.call('sync', confirmSync(input.target, report.tree))).applied).to.equal(true)
  })

  it('goes on from a ride that the instance could not apply', async () => {
    await writeTree(root, {'a.py': '1', 'b.py': '2'})
    await syncFiles(input, deps)
    await rm(agent.home, {recursive: true})
    await mkdir(agent.home)
    await writeTree(root, {'a.py': 'edited'})
    const prepared = await prepareSync(input, deps)
    const {request, attachment} = prepared.ride ?? expect.fail('it should fit')
    const answer = await agent.call('sync', request, attachment ? {attachment} : {})
    expect(answer.applied).to.equal(false)
    const report = await completeSync(prepared, answer, deps)
    expect(await readTree(remote())).to.deep.equal({'a.py': 'edited', 'b.py': '2'})
    expect(report.files_sent).to.equal(2)
  })

  it('does not fit a ride into what the carrier leaves over', async () => {
    await writeTree(root, {'a.bin': randomBytes(5000)})
    agent.maxInputBytes = 8000
    expect((await prepareSync({...input, reserveBytes: 1000}, deps)).ride).not.to.equal(null)
    expect((await prepareSync({...input, reserveBytes: 4000}, deps)).ride).to.equal(null)
  })

  it('sends data that git ignores, but for what .runctlignore names', async () => {
    await writeTree(root, {'.gitignore': '*.csv\n', '.runctlignore': 'raw/\n', 'train.csv': '1,2', 'raw/all.csv': '3'})
    await syncFiles({...input, target: {kind: 'data', name: 'set1'}}, deps)
    expect(Object.keys(await readTree(path.join(agent.home, 'data', 'set1'))).sort()).to.deep.equal(['.gitignore', '.runctlignore', 'train.csv'])
  })

  it('brings 3,000 small files, and an edit among them in one small call', async () => {
    await writeTree(root, Object.fromEntries(Array.from({length: 3000}, (_, i) => [`d${i % 100}/f${i}.py`, `print(${i})\n`])))
    expect(await syncFiles(input, deps)).to.include({files_sent: 3000})
    await writeFile(path.join(root, 'd1/f1.py'), 'edited')
    expect(await syncFiles(input, deps)).to.include({files_sent: 1, rounds: 1})
    expect(agent.calls.at(-1)?.inputBytes).to.be.lessThan(1000)
  })

  it('does not keep digests of files that changed a moment ago', async () => {
    await writeTree(root, {'a.py': '1'})
    const now = new Date()
    await utimes(path.join(root, 'a.py'), now, now)
    await syncFiles(input, {...deps, clock: {now: () => new Date(now.getTime() + 1000)}})
    const [digests] = (await readdir(path.join(deps.cacheDir, 'sync'))).filter(name => name.startsWith('digests'))
    expect(await readFile(path.join(deps.cacheDir, 'sync', digests ?? expect.fail('no cache')), 'utf8')).not.to.contain('a.py')
  })
})
