import {execFile, spawnSync} from 'node:child_process'
import {chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {promisify} from 'node:util'
import {expect} from 'chai'

import type {AgentFile} from '../../src/agent/agent-file.js'
import {type AgentPart, callScript, EXIT_NO_AGENT, EXIT_OLD_PYTHON, installScript, lastPartScript, partScript} from '../../src/agent/bootstrap.js'
import {AgentClient} from '../../src/agent/client.js'
import type {Shell} from '../../src/providers/provider.js'
import {tinyAgent} from '../support/tiny-agent.js'
import {expectedFailure} from '../support/rejection.js'

describe('the scripts that bring the agent', () => {
  let agent: AgentFile
  let home: string
  before(async () => (agent = await tinyAgent()))
  beforeEach(async () => (home = await mkdtemp(path.join(tmpdir(), "runctl home's-"))))
  afterEach(() => rm(home, {recursive: true}))

  const kept = (): string => path.join(home, '.runctl', 'agent')
  const sh = (script: string, input: Uint8Array | string = '', env: Record<string, string> = {}) => {
    const {status, stderr, stdout} = spawnSync('/bin/sh', ['-c', script], {input: Buffer.from(input), cwd: home, env: {PATH: process.env['PATH'], HOME: home, ...env}})
    return {status, stdout: stdout.toString(), stderr: stderr.toString()}
  }

  it('say so where there is no agent of this content', () => {
    expect(sh(callScript(agent.sha256, 'status'))).to.deep.equal({status: EXIT_NO_AGENT, stdout: '', stderr: ''})
  })

  it('install the agent alone, for its owner, and leave nothing else', async () => {
    expect(sh(installScript(agent, null), agent.bytes)).to.deep.equal({status: 0, stdout: '', stderr: ''})
    expect(await readdir(kept())).to.deep.equal([`${agent.sha256}.pyz`])
    expect((await readFile(path.join(kept(), `${agent.sha256}.pyz`))).equals(Buffer.from(agent.bytes))).to.equal(true)
    expect((await stat(kept())).mode & 0o777).to.equal(0o700)
    const answer = JSON.parse(sh(callScript(agent.sha256, 'logs'), '{"a": 1}\nrest').stdout)
    expect(answer).to.deep.include({verb: 'logs', request: {a: 1}, rest: Buffer.from('rest').toString('hex')})
  })

  it('install and call in one go, with exactly what follows the agent', async () => {
    const attachment = Buffer.from([0, 10, 255, 13, 10, 0])
    const done = sh(installScript(agent, 'sync'), Buffer.concat([agent.bytes, Buffer.from('{"x": "é"}\n'), attachment]))
    expect(JSON.parse(done.stdout)).to.deep.include({verb: 'sync', request: {x: 'é'}, rest: attachment.toString('hex'), isolated: 1})
    expect(await readdir(kept())).to.have.length(1)
  })

  it('may arrive twice', async () => {
    for (let time = 0; time < 2; time++) expect(sh(installScript(agent, null), agent.bytes).status).to.equal(0)
    expect(await readdir(kept())).to.deep.equal([`${agent.sha256}.pyz`])
  })

  it('keep nothing that arrived damaged or cut off', async () => {
    const damaged = Buffer.from(agent.bytes)
    damaged[5]! ^= 1
    expect(sh(installScript(agent, null), damaged)).to.deep.include({status: 1, stderr: 'the agent arrived damaged\n'})
    expect(sh(installScript(agent, null), agent.bytes.subarray(0, -1))).to.deep.include({status: 1, stderr: 'the agent arrived incomplete\n'})
    expect(await readdir(home)).to.deep.equal([])
  })

  it('give neither PYTHON variables nor modules in the working directory a say', async () => {
    await writeFile(path.join(home, 'json.py'), 'raise SystemExit("mine")')
    await writeFile(path.join(home, 'hashlib.py'), 'raise SystemExit("mine")')
    const done = sh(installScript(agent, 'status'), Buffer.concat([agent.bytes, Buffer.from('{}\n')]), {PYTHONPATH: home, PYTHONSTARTUP: '/nonexistent'})
    expect(done).to.include({status: 0, stderr: ''})
  })

  it('end with the statuses that the client knows where python3 is lacking or too old', async () => {
    const bin = path.join(home, 'bin')
    await mkdir(bin)
    expect(sh(installScript(agent, null), '', {PATH: bin}).status).to.equal(127)
    // A python3 that believes itself to be of another version.
    const real = spawnSync('/bin/sh', ['-c', 'command -v python3'], {encoding: 'utf8'}).stdout.trim()
    await writeFile(path.join(bin, 'python3'), `#!/bin/sh\nexec ${real} -I -c "import sys; sys.version_info = (3, 7, 9); exec(sys.argv[1])" "$3"\n`)
    await chmod(path.join(bin, 'python3'), 0o755)
    expect(sh(installScript(agent, null), agent.bytes, {PATH: `${bin}:${process.env['PATH']}`}).status).to.equal(EXIT_OLD_PYTHON)
  })

  it('work with the client on first contact and after, in one call each and in pieces', async () => {
    const calls: string[] = []
    const shell: Shell = {
      maxInputBytes: 1 << 20,
      maxOutputBytes: 1 << 20,
      maxWaitMs: 1000,
      async run(_, {script, stdin = new Uint8Array()}) {
        const {status, stderr, stdout} = sh(script, stdin)
        calls.push(`${status}`)
        return {exitCode: status ?? 255, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr)}
      },
    }
    const client = new AgentClient(shell, 'x', async () => agent)
    const call = async (): Promise<unknown> => client.call('status', {run_id: "it's"}, {attachment: Buffer.from('!')})
    expect(await call()).to.deep.include({verb: 'status', request: {run_id: "it's"}, rest: '21'})
    expect(await call()).to.deep.include({verb: 'status'})
    expect(calls).to.deep.equal(['97', '0', '0'])
    await rm(kept(), {recursive: true})
    calls.length = 0
    const small = new AgentClient({...shell, maxInputBytes: agent.bytes.length}, 'x', async () => agent)
    expect(await small.call('status', {})).to.deep.include({verb: 'status'})
    expect(calls).to.deep.equal(['97', '0', '0'])
  })

  describe('in parts', () => {
    const SIZE = 100
    const partsOf = (): AgentPart[] =>
      Array.from({length: Math.ceil(agent.bytes.length / SIZE)}, (_, at) => ({offset: at * SIZE, length: Math.min(SIZE, agent.bytes.length - at * SIZE)}))
    const bytesOf = ({length, offset}: AgentPart): Buffer => Buffer.from(agent.bytes.subarray(offset, offset + length))
    const last = (): AgentPart => partsOf().at(-1) ?? expect.fail('no parts')
    const layAllButLast = (): void => {
      for (const part of partsOf().slice(0, -1).reverse()) expect(sh(partScript(agent, part), bytesOf(part))).to.include({status: 0, stderr: ''})
    }
    const finish = () => sh(lastPartScript(agent, last(), partsOf(), 'sync'), Buffer.concat([bytesOf(last()), Buffer.from('{"x": 1}\nrest')]))

    it('bring it whole, in any order and twice, and leave nothing else', async () => {
      layAllButLast()
      layAllButLast()
      for (let time = 0; time < 2; time++) expect(JSON.parse(finish().stdout)).to.deep.include({verb: 'sync', request: {x: 1}})
      layAllButLast()
      expect(await readdir(kept())).to.deep.equal([`${agent.sha256}.pyz`])
      expect((await readFile(path.join(kept(), `${agent.sha256}.pyz`))).equals(Buffer.from(agent.bytes))).to.equal(true)
    })

    it('say so where one is lacking, and keep nothing that is damaged', async () => {
      expect(finish().status).to.equal(EXIT_NO_AGENT)
      layAllButLast()
      const [first] = partsOf()
      if (first) sh(partScript(agent, first), Buffer.alloc(first.length))
      expect(finish()).to.include({status: 1, stderr: 'the agent arrived damaged\n'})
      expect(await readdir(kept())).to.deep.equal([])
    })

    it('work with several clients at once, the request in the last call where it fits', async () => {
      const calls: string[] = []
      const run = promisify(execFile)
      const shell: Shell = {
        maxInputBytes: agent.bytes.length - 1, maxOutputBytes: 1 << 20, maxWaitMs: 1000,
        async run(_, {script, stdin = new Uint8Array()}) {
          expect(stdin.length).to.be.at.most(agent.bytes.length - 1)
          calls.push(script)
          const running = run('/bin/sh', ['-c', script], {cwd: home, env: {PATH: process.env['PATH'], HOME: home}})
          running.child.stdin?.on('error', () => undefined).end(Buffer.from(stdin))
          const {code = 0, stderr, stdout} = await running.catch((error: unknown) => error as {code: number; stderr: string; stdout: string}) as {code?: number; stderr: string; stdout: string}
          return {exitCode: code, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr)}
        },
      }
      const call = async (): Promise<unknown> => new AgentClient(shell, 'x', async () => agent).call('status', {run_id: 'a'})
      for (const answer of await Promise.all([call(), call(), call(), call()])) expect(answer).to.deep.include({verb: 'status', request: {run_id: 'a'}})
      expect(await readdir(kept())).to.deep.equal([`${agent.sha256}.pyz`])
      calls.length = 0
      await rm(kept(), {recursive: true})
      await call()
      expect(calls).to.have.length(3)
    })
  })

  it('hand on what the real agent says it cannot do', async () => {
    const refusing = await tinyAgent('import sys\nsys.stdin.buffer.read()\nprint(\'{"error": {"code": "not_found", "message": "no run"}}\')')
    const shell: Shell = {
      maxInputBytes: 1 << 20, maxOutputBytes: 1 << 20, maxWaitMs: 1000,
      async run(_, {script, stdin = new Uint8Array()}) {
        const {status, stderr, stdout} = sh(script, stdin)
        return {exitCode: status ?? 255, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr)}
      },
    }
    expect((await expectedFailure(new AgentClient(shell, 'x', async () => refusing).call('status', {}))).code).to.equal('not_found')
  })
})
