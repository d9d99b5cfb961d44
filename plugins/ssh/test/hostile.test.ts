import {existsSync} from 'node:fs'
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {RunctlError} from '../../../src/model/errors.js'
import {until} from '../../../test/e2e/support/bench.js'
import {isAlive} from '../../../test/e2e/support/processes.js'
import {startSshMachines, type SshMachines, WITHOUT_SSHD} from '../../../test/ssh-machines/index.js'
import {expectedFailure, rejection} from '../../../test/support/rejection.js'
import {SshProvider} from '../src/ssh-provider.js'

const title = WITHOUT_SSHD === null ? '' : ` (${WITHOUT_SSHD})`
const run = (provider: SshProvider, id: string, script: string, more: object = {}) => provider.shell.run(id, {script, timeoutMs: 20_000, ...more})
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe(`a machine behind sshd${title}`, () => {
  let machines: SshMachines
  const folders: string[] = []

  before(async function () {
    if (WITHOUT_SSHD !== null) return this.skip()
    machines = await startSshMachines(2, {shell: '/bin/bash'})
  })
  after(async () => {
    await machines?.close()
    await Promise.all(folders.map(folder => rm(folder, {recursive: true, force: true})))
  })

  /** As on a laptop of its own. */
  const laptop = async (settings: object = {}): Promise<SshProvider> => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'runctl-ssh-'))
    folders.push(dataDir)
    return new SshProvider({dataDir, env: process.env, settings: {...machines.settings, ...settings}, RunctlError})
  }
  const alias = (at: number): string => machines.aliases[at] ?? ''

  it('whose login shell prints a greeting, and ends with one, answers to the byte', async () => {
    await writeFile(machines.home(alias(0), '.bashrc'), 'echo "Welcome to the lab"; echo "mind the gap" >&2\ntrap "echo goodbye" EXIT\n')
    try {
      const {exitCode, stderr, stdout} = await run(await laptop(), alias(0), 'printf out; printf err >&2; exit 4')
      expect([exitCode, text(stdout), text(stderr)]).to.deep.equal([4, 'out', 'err'])
    } finally {
      await rm(machines.home(alias(0), '.bashrc'))
    }
  })

  it('ends the script of a caller who left', async () => {
    const provider = await laptop()
    const controller = new AbortController()
    const reason = new Error('left')
    const running = rejection(run(provider, alias(0), 'echo $$ > leaving; sleep 300', {signal: controller.signal}))
    await until(() => existsSync(machines.home(alias(0), 'leaving')), 10_000, 'the script runs')
    controller.abort(reason)
    expect(await running).to.equal(reason)
    const pid = Number(await readFile(machines.home(alias(0), 'leaving'), 'utf8'))
    await until(async () => !(await isAlive(pid)), 10_000, 'the script is gone')
  })

  it('ends what prints without end, with the limit named', async () => {
    const error = await expectedFailure(run(await laptop(), alias(0), 'yes'))
    expect(error).to.deep.include({code: 'platform_failed'})
    expect(error.message).to.contain('printed more than 8 MiB')
  })

  it('is not trusted with another key, nor with one that nobody has seen; nothing is run there', async () => {
    const file = path.join(machines.folder, 'known_hosts')
    const right = await readFile(file, 'utf8')
    const another = (await readFile(path.join(machines.folder, 'client.pub'), 'utf8')).split(' ').slice(0, 2).join(' ')
    try {
      await writeFile(file, right.replaceAll(/ssh-ed25519 \S+/g, another))
      const changed = await expectedFailure(run(await laptop(), alias(0), 'touch pwned'))
      expect(changed).to.deep.include({code: 'platform_failed'})
      expect(changed.message).to.contain('another than before')
      expect(changed.next[0]).to.match(/^ssh-keygen .*-R/)
      await writeFile(file, '')
      const unknown = await expectedFailure(run(await laptop(), alias(0), 'touch pwned'))
      expect(unknown.message).to.contain('is not known on this machine')
      expect(existsSync(machines.home(alias(0), 'pwned'))).to.equal(false)
    } finally {
      await writeFile(file, right)
    }
  })

  it('refuses a stop that nobody configured before anything is ended, and names the way', async () => {
    const provider = await laptop({suspend: {}, wake: {}})
    const error = await expectedFailure(provider.checkStop({id: alias(0)}))
    expect(error).to.deep.include({code: 'wrong_state'})
    expect(error.message).to.contain('does not turn off').and.to.contain('suspend')
    expect((await run(provider, alias(0), 'echo on')).exitCode).to.equal(0)
  })

  it('is given to one of two who claim at once, and the other one is told who has it', async () => {
    const [one, two] = await Promise.all([laptop({hosts: [alias(0)]}), laptop({hosts: [alias(0)]})])
    const claim = (provider: SshProvider, owner: string) => provider.createInstance({requestId: `by-${owner}`, tags: {'runctl:owner': owner}}).then(() => owner, (error: unknown) => error as RunctlError)
    const outcomes = await Promise.all([claim(one, 'eva'), claim(two, 'tom')])
    const [winner] = outcomes.filter(outcome => typeof outcome === 'string')
    const [refused] = outcomes.filter(outcome => typeof outcome !== 'string')
    expect(outcomes.map(outcome => typeof outcome).toSorted()).to.deep.equal(['object', 'string'])
    expect(refused).to.deep.include({code: 'platform_failed'})
    expect((refused as RunctlError).message).to.contain(`in use by ${String(winner)}`)
    // Both see the same, and it can be claimed again when it was released.
    for (const provider of [one, two]) for await (const {tags} of provider.describeInstances({})) expect(tags['runctl:owner']).to.equal(winner)
    await two.terminateInstance(alias(0))
    expect((await two.createInstance({requestId: 'again', tags: {}})).id).to.equal(alias(0))
    await one.terminateInstance(alias(0))
  })

  it('keeps what its owner had there when it is released, and nothing of what ran', async () => {
    const provider = await laptop({hosts: [alias(1)]})
    await provider.createInstance({requestId: 'kept', tags: {}})
    const script = 'mkdir -p .runctl projects/mine; echo work > projects/mine/file; echo x > .runctl/x; setsid sh -c "sleep 300" </dev/null >/dev/null 2>&1 & echo $!'
    const pid = Number(text((await run(provider, alias(1), script)).stdout))
    await provider.terminateInstance(alias(1))
    await until(async () => !(await isAlive(pid)), 10_000, 'what ran is gone')
    expect(await readFile(machines.home(alias(1), 'projects', 'mine', 'file'), 'utf8')).to.equal('work\n')
    expect(existsSync(machines.home(alias(1), '.runctl'))).to.equal(false)
  })

  it('goes on where its suspend command fails, and says what that said', async () => {
    const provider = await laptop({suspend: {'*': 'echo "not allowed" >&2; exit 3'}})
    await provider.createInstance({requestId: 'stays', tags: {}})
    const error = await expectedFailure(provider.stopInstance(alias(0)))
    expect(error.message).to.contain('ended with 3: not allowed')
    for await (const {state} of provider.describeInstances({ids: [alias(0)]})) expect(state).to.equal('running')
    await provider.terminateInstance(alias(0))
  })

  it('is not connected to by a name that is an option, or that nobody has named', async () => {
    const provider = await laptop()
    for (const name of ['-oProxyCommand=touch pwned', 'typed-only', '$(touch pwned)', '']) {
      expect((await expectedFailure(provider.stopInstance(name))).code, name).to.equal('not_found')
    }
  })
})
