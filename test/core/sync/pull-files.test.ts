import {expect} from 'chai'
import {createHash, randomBytes} from 'node:crypto'
import {chmod, mkdir, readdir, readFile, stat, symlink, utimes, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {deflateSync} from 'node:zlib'

import type {AgentVerb} from '../../../src/agent/protocol.js'
import type {AgentPort} from '../../../src/core/sync/agent-port.js'
import {pullFiles, type PullInput} from '../../../src/core/sync/pull-files.js'
import {isRunctlError, type RunctlError} from '../../../src/model/errors.js'
import {AgentOnThisMachine} from './agent-on-this-machine.js'
import {makeTempFolder, readTree, writeTree} from './temp-folder.js'

describe('pullFiles', () => {
  let temp: Awaited<ReturnType<typeof makeTempFolder>>
  let agent: AgentOnThisMachine
  let cwd: string

  beforeEach(async () => {
    temp = await makeTempFolder()
    agent = await AgentOnThisMachine.create()
    cwd = path.join(temp.path, 'here')
    await mkdir(cwd)
  })
  afterEach(async () => {
    await agent.dispose()
    await temp.remove()
  })

  const pull = (source: string, destination: string | null = null, more: Partial<PullInput> = {}, port: AgentPort = agent) =>
    pullFiles({source, destination, cwd, ...more}, {agent: port})
  const failureOf = (work: Promise<unknown>): Promise<RunctlError> =>
    work.then(() => expect.fail('it should fail'), (error: unknown) => (isRunctlError(error) ? error : expect.fail(String(error))))
  const bytesRead = (): number => agent.calls.filter(call => call.verb === 'read-files').flatMap(call => (call.request as {reads: {length: number}[]}).reads).reduce((sum, read) => sum + read.length, 0)

  it('copies a folder with names, modes, times and links', async () => {
    await writeTree(agent.home, {'out/a.txt': 'A', 'out/sub dir/ü\n.bin': randomBytes(1000), 'out/run.sh': 'x', 'out/empty': '', 'out/😀': 'smile'})
    await symlink('../a.txt', path.join(agent.home, 'out', 'sub dir', 'link'))
    const report = await pull('out')
    expect(await readTree(path.join(cwd, 'out'))).to.deep.equal(await readTree(path.join(agent.home, 'out')))
    expect(report).to.include({files_copied: 5, links: 1, bytes_copied: 1007})
    expect((await stat(path.join(cwd, 'out', 'a.txt'))).mtimeMs).to.equal(1_600_000_000_000)
    expect(report.files.find(file => file.path === 'a.txt')).to.deep.equal({
      path: 'a.txt', remote_path: path.join(agent.home, 'out/a.txt'), local_path: path.join(report.destination, 'a.txt'), size_bytes: 1, what: 'copied',
      sha256: createHash('sha256').update('A').digest('hex'),
    })
  })

  it('copies nothing the second time, and only what changed the third', async () => {
    await writeTree(agent.home, {'out/a.txt': 'A', 'out/b.txt': 'B'})
    await pull('out')
    const before = bytesRead()
    expect(await pull('out')).to.include({files_copied: 0, bytes_copied: 0})
    await writeFile(path.join(agent.home, 'out/b.txt'), 'C')
    expect((await pull('out')).files.map(({path: name, what}) => `${name} ${what}`)).to.deep.equal(['a.txt unchanged', 'b.txt copied'])
    expect(bytesRead() - before).to.equal(1)
    expect(await readTree(path.join(cwd, 'out'))).to.deep.equal({'a.txt': 'A', 'b.txt': 'C'})
  })

  it('names a file as the destination says, or puts it into a folder', async () => {
    await writeTree(agent.home, {'m.pt': 'weights'})
    await mkdir(path.join(cwd, 'there'))
    const places = []
    for (const destination of [null, 'other.pt', 'there', 'new/', '.']) places.push(path.relative(cwd, (await pull('m.pt', destination)).destination))
    expect(places).to.deep.equal(['m.pt', 'other.pt', 'there/m.pt', 'new/m.pt', 'm.pt'])
    expect(Object.keys(await readTree(cwd)).sort()).to.deep.equal(['m.pt', 'new/m.pt', 'other.pt', 'there/m.pt'])
  })

  it('keeps a file whose content is known to be the same although its time is not', async () => {
    const content = randomBytes(100_000)
    await writeTree(agent.home, {'m.pt': content})
    await pull('m.pt')
    await utimes(path.join(cwd, 'm.pt'), 5, 5)
    const sha256 = createHash('sha256').update(content).digest('hex')
    const report = await pull('m.pt', null, {knownSha256: new Map([['m.pt', sha256]])})
    expect(report.files[0]).to.include({what: 'unchanged', sha256})
  })

  it('replaces a file whose content is not the known one although size and time are', async () => {
    await writeTree(agent.home, {'m.pt': 'right'})
    await writeTree(cwd, {'m.pt': 'wrong'})
    const sha256 = createHash('sha256').update('right').digest('hex')
    expect((await pull('m.pt', null, {knownSha256: new Map([['m.pt', sha256]])})).files_copied).to.equal(1)
    expect(await readFile(path.join(cwd, 'm.pt'), 'utf8')).to.equal('right')
  })

  it('gets through answers of 24,000 bytes: many files, long listings and big files', async () => {
    agent.maxInputBytes = agent.maxOutputBytes = 24_000
    await writeTree(agent.home, {'out/big.bin': randomBytes(60_000), ...Object.fromEntries(Array.from({length: 300}, (_, i) => [`out/log_${i}/ü file_${i}.txt`, `${i}\n`.repeat(20)]))})
    const report = await pull('out')
    expect(report.files_copied).to.equal(301)
    expect(report.rounds).to.equal(agent.calls.length)
    expect(await readTree(path.join(cwd, 'out'))).to.deep.equal(await readTree(path.join(agent.home, 'out')))
    for (const call of agent.calls) expect(call.outputBytes).to.be.at.most(24_000)
  })

  it('has several small calls under way at once, and warns before there are many', async () => {
    agent.maxOutputBytes = 17_000
    await writeTree(agent.home, {'out/big.bin': randomBytes(600_000), 'out/a': 'a', 'out/empty': ''})
    const warnings: string[] = []
    const report = await pullFiles({source: 'out', destination: null, cwd}, {agent, onWarning: message => warnings.push(message), betterWay: 'runctl aws setup'})
    expect(agent.mostAtOnce).to.be.within(2, 4)
    expect(report.rounds).to.equal(agent.calls.length)
    expect(warnings).to.deep.equal(["600 kB go through the platform's shell in up to 48 calls; quicker with a bucket that both sides reach: runctl aws setup"])
    expect(await readTree(path.join(cwd, 'out'))).to.deep.equal(await readTree(path.join(agent.home, 'out')))
  })

  it('goes on with a big file where it was cut off', async () => {
    agent.maxOutputBytes = 24_000
    await writeTree(agent.home, {'big.bin': randomBytes(100_000)})
    agent.beforeCall = () => {
      if (agent.begun >= 4) throw new Error('the line is cut')
    }
    await pull('big.bin').then(() => expect.fail('it should fail'), () => {})
    expect((await readdir(cwd)).every(name => name.endsWith('.runctl-part'))).to.equal(true)
    agent.beforeCall = () => {}
    const report = await pull('big.bin')
    expect(report.bytes_copied).to.be.lessThan(60_000)
    expect(await readTree(cwd)).to.deep.equal({'big.bin': await readFile(path.join(agent.home, 'big.bin'), 'latin1')})
  })

  it('begins anew when the file changed since it was cut off, and when the part is damaged', async () => {
    agent.maxOutputBytes = 24_000
    for (const spoil of ['remote', 'part']) {
      await writeTree(agent.home, {'big.bin': randomBytes(50_000)})
      const calls = agent.begun
      agent.beforeCall = () => {
        if (agent.begun >= calls + 3) throw new Error('the line is cut')
      }
      await pull('big.bin').then(() => expect.fail('it should fail'), () => {})
      agent.beforeCall = () => {}
      if (spoil === 'remote') await writeFile(path.join(agent.home, 'big.bin'), randomBytes(50_000))
      else for (const name of await readdir(cwd)) if (name.endsWith('.runctl-part')) await writeFile(path.join(cwd, name), Buffer.alloc(20_000))
      await pull('big.bin')
      expect(await readTree(cwd)).to.deep.equal({'big.bin': await readFile(path.join(agent.home, 'big.bin'), 'latin1')})
    }
  })

  it('copies a file again that changed while it was read', async () => {
    agent.maxOutputBytes = 24_000
    await writeTree(agent.home, {'out/big.bin': randomBytes(40_000), 'out/small': 's'})
    let changes = 0
    agent.beforeCall = async verb => {
      if (verb === 'read-files' && agent.begun === 2 && changes++ === 0) await writeFile(path.join(agent.home, 'out/big.bin'), randomBytes(40_000))
    }
    await pull('out')
    expect(changes).to.equal(1)
    expect(await readTree(path.join(cwd, 'out'))).to.deep.equal(await readTree(path.join(agent.home, 'out')))
  })

  it('names the files that keep changing, and has all others in place', async () => {
    await writeTree(agent.home, {'out/log.txt': 'x', 'out/model.pt': 'weights', 'out/gone': ''})
    agent.beforeCall = verb => (verb === 'read-files' ? writeFile(path.join(agent.home, 'out/log.txt'), 'x'.repeat(agent.calls.length + 2)) : undefined)
    const error = await failureOf(pull('out'))
    expect(error.code).to.equal('verification_failed')
    expect(error.message).to.contain('log.txt').and.not.contain('model.pt')
    expect(await readTree(path.join(cwd, 'out'))).to.deep.equal({'model.pt': 'weights', gone: ''})
  })

  it('tells of a file that went away, and of links and pipes that cannot come', async () => {
    await writeTree(agent.home, {'out/a': 'A', 'out/b': 'B'})
    await symlink('/etc/passwd', path.join(agent.home, 'out', 'passwd'))
    agent.beforeCall = async verb => {
      if (verb === 'read-files') await import('node:fs/promises').then(fs => fs.rm(path.join(agent.home, 'out/a'), {force: true}))
    }
    const report = await pull('out')
    expect(report.skipped.map(one => one.path).sort()).to.deep.equal(['a', 'passwd'])
    expect(await readTree(path.join(cwd, 'out'))).to.deep.equal({b: 'B'})
  })

  it('never writes through a link in the destination that leads out of it', async () => {
    await writeTree(agent.home, {'out/sub/a': 'A'})
    await mkdir(path.join(cwd, 'out'))
    await mkdir(path.join(temp.path, 'elsewhere'))
    await symlink(path.join(temp.path, 'elsewhere'), path.join(cwd, 'out', 'sub'))
    expect(await failureOf(pull('out'))).to.include({code: 'bad_input'})
    expect(await readdir(path.join(temp.path, 'elsewhere'))).to.deep.equal([])
  })

  it('replaces a link at the place of a file, and leaves what it points to alone', async () => {
    await writeTree(agent.home, {'out/a': 'new'})
    await writeTree(temp.path, {'precious': 'old'})
    await mkdir(path.join(cwd, 'out'))
    await symlink(path.join(temp.path, 'precious'), path.join(cwd, 'out', 'a'))
    await pull('out')
    expect(await readFile(path.join(temp.path, 'precious'), 'utf8')).to.equal('old')
    expect(await readTree(path.join(cwd, 'out'))).to.deep.equal({a: 'new'})
  })

  it('says what is in the way', async () => {
    await writeTree(agent.home, {'out/a': 'file', 'out/b/c': 'below'})
    await mkdir(path.join(cwd, 'out', 'a', 'x'), {recursive: true})
    expect((await failureOf(pull('out'))).message).to.contain('a folder is in the way')
    await writeTree(cwd, {'two/b': 'file'})
    expect((await failureOf(pull('out', 'two'))).message).to.contain('is a file here')
  })

  it('fails with not_found for a path that is not there', async () => {
    expect(await failureOf(pull('nothing'))).to.include({code: 'not_found'})
  })

  /** An agent that answers whatever it likes. */
  const lyingAgent = (entries: readonly {path: string; kind?: 'file' | 'symlink'; target?: string}[], sha256: string | null = null): AgentPort => ({
    maxInputBytes: 1 << 20,
    maxOutputBytes: 1 << 20,
    call: (async (verb: AgentVerb, request: {reads: {path: string; length: number}[]}) => {
      if (verb === 'list-files') return {base: '/out', kind: 'folder', skipped: [], entries: entries.map(one => ({kind: 'file', mode: 0o4777, size: 1, mtime_ns: '1600000000000000000', ...one}))}
      const reads = request.reads.map(read => ({path: read.path, length: 1, size: 1, sha256: sha256 ?? createHash('sha256').update('x').digest('hex')}))
      return {reads, data: deflateSync(Buffer.alloc(reads.length, 'x')).toString('base64')}
    }) as unknown as AgentPort['call'],
  })

  it('refuses names that lead out of the destination', async () => {
    for (const name of ['../evil', 'a/../../evil', '/etc/evil', 'a//b', '.', '..', '', 'a\0b', 'sub/..']) {
      expect(await failureOf(pull('out', 'dest', {}, lyingAgent([{path: name}]))), name).to.include({code: 'bad_input'})
    }
    expect(Object.keys(await readTree(temp.path))).to.deep.equal([])
  })

  it('makes no link that leads out, not even through other links', async () => {
    await pull('out', 'dest', {}, lyingAgent([
      {path: 'abs', kind: 'symlink', target: '/etc'}, {path: 'up', kind: 'symlink', target: '../..'},
      {path: 'd1/d2/b', kind: 'symlink', target: '../..'}, {path: 'chain', kind: 'symlink', target: 'd1/d2/b/../..'}, {path: 'fine', kind: 'symlink', target: 'd1'},
    ]))
    expect(await readTree(path.join(cwd, 'dest'))).to.deep.equal({'d1/d2/b': '-> ../..', fine: '-> d1'})
  })

  it('accepts nothing whose digest is wrong, and no special mode bits', async () => {
    expect(await failureOf(pull('out', 'dest', {}, lyingAgent([{path: 'a'}], '0'.repeat(64))))).to.include({code: 'verification_failed'})
    expect(await readdir(path.join(cwd, 'dest'))).to.deep.equal([])
    await pull('out', 'dest', {}, lyingAgent([{path: 'a'}]))
    expect((await stat(path.join(cwd, 'dest/a'))).mode & 0o7000).to.equal(0)
  })

  it('says when a place cannot be written', async function () {
    if (process.getuid?.() === 0) this.skip()
    await writeTree(agent.home, {'out/a': 'A'})
    await mkdir(path.join(cwd, 'out'))
    await chmod(path.join(cwd, 'out'), 0o500)
    expect((await failureOf(pull('out'))).message).to.contain('permission denied')
  })
})
