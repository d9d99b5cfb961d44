import {expect} from 'chai'
import {execFileSync} from 'node:child_process'
import {rm} from 'node:fs/promises'
import {userInfo} from 'node:os'

import {isRunctlError, type RunctlError} from '../../src/model/errors.js'
import {runScript} from '../../src/providers/local/run-script.js'
import {shellEnvironment, temporaryFolder} from '../../src/providers/local/shell-environment.js'
import type {LocalProvider} from '../../src/providers/local/local-provider.js'
import {describeAll, isAlive, LocalTestBed, run} from './local-test-bed.js'

describe('the shell of a local instance', () => {
  let bed: LocalTestBed
  let provider: LocalProvider
  let id: string
  before(async () => {
    bed = await LocalTestBed.create()
    const users = {AWS_SECRET_ACCESS_KEY: 'secret', RUNCTL_DATA_DIR: '/elsewhere', https_proxy: 'http://proxy'}
    provider = bed.provider({PATH: process.env['PATH'], ...users})
    id = (await provider.createInstance({requestId: 'request-1', tags: {}})).id
  })
  after(() => bed.dispose())

  const failure = (promise: Promise<unknown>): Promise<RunctlError> =>
    promise.then(
      () => expect.fail('must be refused'),
      (error: unknown) => (isRunctlError(error) ? error : expect.fail(String(error))),
    )

  it('shows a script a clean environment', async () => {
    const names = (await run(provider, id, 'env')).split('\n').map(line => line.split('=')[0])
    const own = ['HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'TMPDIR', 'RUNCTL_INSTANCE_ID', 'RUNCTL_BOOT_ID', 'RUNCTL_BOOT_AT']
    expect(names).to.include.members(['PATH', 'https_proxy', ...own])
    expect(names).not.to.include('AWS_SECRET_ACCESS_KEY').and.not.to.include('RUNCTL_DATA_DIR')
    expect(await run(provider, id, 'pwd -P; echo $HOME; echo $TMPDIR; ls -d "$TMPDIR"')).to.equal(
      [bed.home(id), bed.home(id), `${bed.home(id)}/tmp`, `${bed.home(id)}/tmp`].join('\n'),
    )
  })

  it('has another boot id after every start, and the same between', async () => {
    const first = await run(provider, id, 'echo $RUNCTL_BOOT_ID')
    expect(await run(provider, id, 'echo $RUNCTL_BOOT_ID')).to.equal(first)
    await provider.stopInstance(id)
    await provider.startInstance(id)
    expect(await run(provider, id, 'echo $RUNCTL_BOOT_ID')).to.match(/^\S+$/).and.not.to.equal(first)
  })

  it('tells when it was started last', async () => {
    const [instance] = await describeAll(provider)
    expect(await run(provider, id, 'echo $RUNCTL_BOOT_AT')).to.equal(instance?.launchedAt)
  })

  it('runs the script in its own session and process group', async () => {
    const [pid, group, session] = (await run(provider, id, 'echo $$; ps -o pgid= -o sid= -p $$')).split(/\s+/)
    expect([group, session]).to.deep.equal([pid, pid])
  })

  it('does not wait for a background process that holds its output', async () => {
    const began = performance.now()
    const output = await run(provider, id, 'echo before; sleep 30 & echo after')
    expect(output).to.equal('before\nafter')
    expect(performance.now() - began).to.be.lessThan(5000)
  })

  it('does not wait for a background process that goes on printing', async () => {
    const began = performance.now()
    expect(await run(provider, id, '(while :; do echo noise; sleep 0.01; done) & echo first')).to.include('first')
    expect(performance.now() - began).to.be.lessThan(5000)
  })

  it('gives all of a long output although the script ends right after it', async () => {
    const {stdout} = await provider.shell.run(id, {script: 'head -c 5000000 /dev/zero', timeoutMs: 20_000})
    expect(stdout.length).to.equal(5_000_000)
  })

  it('gives all of an output that comes together with the end', async () => {
    const fail = (): Error => new Error('must not happen')
    const spec = {args: ['-c', 'head -c 60000 /dev/zero; echo end >&2'], cwd: '/', env: {PATH: '/usr/bin:/bin'}, stdin: new Uint8Array()}
    const ended = runScript({program: '/bin/sh', ...spec, timeoutMs: 20_000, maxOutputBytes: 1e6, onTimeout: fail, onTooMuchOutput: fail})
    // Nothing is read in this time, so that the end is found first.
    execFileSync('sleep', ['0.3'])
    const {stdout, stderr} = await ended
    expect([stdout.length, Buffer.from(stderr).toString()]).to.deep.equal([60_000, 'end\n'])
  })

  it('kills the whole group at the time limit', async () => {
    const error = await failure(provider.shell.run(id, {script: 'sleep 300 & echo $! > child; wait', timeoutMs: 500}))
    expect(error.code).to.equal('timed_out')
    const child = Number(await run(provider, id, 'cat child'))
    while (isAlive(child)) await new Promise(resolve => setTimeout(resolve, 10))
  })

  it('refuses output and input above its limits', async () => {
    const tooMuch = await failure(provider.shell.run(id, {script: 'cat /dev/zero', timeoutMs: 20_000}))
    expect(tooMuch.code).to.equal('platform_failed')
    expect(tooMuch.message).to.include('8 MiB')
    const stdin = new Uint8Array(provider.shell.maxInputBytes + 1)
    expect((await failure(provider.shell.run(id, {script: 'cat >/dev/null', stdin, timeoutMs: 20_000}))).code).to.equal('bad_input')
  })

  it('takes input up to its limit', async () => {
    const stdin = new Uint8Array(provider.shell.maxInputBytes)
    const {stdout} = await provider.shell.run(id, {script: 'wc -c', stdin, timeoutMs: 30_000})
    expect(Number(Buffer.from(stdout).toString())).to.equal(stdin.length)
  })

  it('runs scripts that start with a dash or are longer than an argument may be', async () => {
    const {exitCode, stderr} = await provider.shell.run(id, {script: '-x', timeoutMs: 5000})
    expect([exitCode, Buffer.from(stderr).toString()]).to.satisfy(([code, text]: [number, string]) => code === 127 && text.includes('-x'))
    expect(await run(provider, id, `# ${'long '.repeat(60_000)}\necho end`)).to.equal('end')
    expect(await run(provider, id, 'ls tmp')).to.equal('')
  })

  it('says that the instance was stopped when that is what ended the script', async () => {
    const call = failure(provider.shell.run(id, {script: 'touch begun; sleep 300', timeoutMs: 290_000}))
    while ((await run(provider, id, 'ls begun 2>/dev/null || :')) === '') await new Promise(resolve => setTimeout(resolve, 10))
    await provider.stopInstance(id)
    expect(await call).to.include({code: 'wrong_state'})
    await provider.startInstance(id)
  })

  it('says that the disk is gone when somebody removed it', async () => {
    const lost = await provider.createInstance({requestId: 'request-2', tags: {}})
    await rm(bed.home(lost.id), {recursive: true})
    const error = await failure(run(provider, lost.id, 'true'))
    expect(error.code).to.equal('platform_failed')
    expect(error.next).to.deep.equal([`runctl local terminate ${lost.id} --force`])
  })
})

describe('the environment of a local script', () => {
  const place = {instanceId: 'local-0a1b2c3d', home: '/data/home', bootId: 'boot', bootAt: '2026-11-23T12:00:00.000Z'}

  it('passes on what finds programs, packages, accelerators and the network, and nothing else', () => {
    const passed = {
      PATH: '/opt/bin', LANG: 'C.UTF-8', LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: '/opt/lib',
      CUDA_VISIBLE_DEVICES: '1', NVIDIA_VISIBLE_DEVICES: 'all',
      HTTPS_PROXY: 'p', no_proxy: 'localhost', PIP_INDEX_URL: 'i', UV_CACHE_DIR: 'c', SSL_CERT_FILE: 's', REQUESTS_CA_BUNDLE: 'r',
    }
    const kept = {
      AWS_PROFILE: 'x', HF_HOME: 'x', HF_TOKEN: 'x', UV_PUBLISH_TOKEN: 'x', PIP_PASSWORD: 'x', RUNCTL_DATA_DIR: 'x',
      RUNCTL_BOOT_ID: 'x', VIRTUAL_ENV: 'x',
      PYTHONPATH: 'x', HOME: '/home/me', TMPDIR: '/x', SSH_AUTH_SOCK: 'x', NODE_OPTIONS: 'x', XDG_RUNTIME_DIR: 'x',
    }
    const user = userInfo().username
    expect(shellEnvironment(place, {...passed, ...kept})).to.deep.equal({
      ...passed,
      HOME: '/data/home', USER: user, LOGNAME: user, SHELL: '/bin/sh', TERM: 'dumb', TMPDIR: '/data/home/tmp',
      RUNCTL_INSTANCE_ID: 'local-0a1b2c3d', RUNCTL_BOOT_ID: 'boot', RUNCTL_BOOT_AT: '2026-11-23T12:00:00.000Z',
    })
  })

  it('has a PATH where the user has none', () => {
    for (const env of [{}, {PATH: ''}, {PATH: undefined}]) expect(shellEnvironment(place, env)['PATH']).to.include('/usr/bin:/bin')
  })

  it('leaves TMPDIR alone where sockets in it would have too long an address', () => {
    expect(temporaryFolder(`/${'d'.repeat(70)}`, 'linux')).to.equal(`/${'d'.repeat(70)}/tmp`)
    expect(temporaryFolder(`/${'d'.repeat(71)}`, 'linux')).to.equal(null)
    expect(temporaryFolder(`/${'d'.repeat(67)}`, 'darwin')).to.equal(null)
    expect(shellEnvironment({...place, home: `/${'d'.repeat(80)}`}, {})).not.to.have.property('TMPDIR')
  })
})
