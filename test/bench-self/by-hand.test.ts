import {expect} from 'chai'
import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {access} from 'node:fs/promises'
import {createConnection} from 'node:net'

import {collect} from '../e2e/support/bench.js'
import {REPOSITORY} from '../e2e/support/repository.js'

/** `npm run bench:aws`, as somebody uses it who tries the CLI by hand. */
describe('the bench of AWS, by hand', function () {
  this.timeout(60_000)
  let bench: ChildProcess
  let said = ''

  before(async () => {
    const {HOME, PATH, TMPDIR} = process.env
    const env = {HOME, PATH, TMPDIR, npm_config_update_notifier: 'false'}
    // A group of its own: Ctrl-C in a terminal reaches npm and what it started.
    bench = spawn('npm', ['run', '--silent', 'bench:aws', '--', '--scale', '0'], {cwd: REPOSITORY, env, detached: true, stdio: ['ignore', 'pipe', 'inherit']})
    await new Promise<void>((resolve, reject) => {
      bench.once('exit', code => reject(new Error(`it ended with ${code}: ${said}`)))
      bench.stdout?.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes('Ctrl-C ends it')) resolve()
      })
    })
  })
  after(() => {
    if (bench.exitCode === null && bench.signalCode === null) process.kill(-(bench.pid ?? 0), 'SIGKILL')
  })

  /** In a shell of its own, after the lines that the bench says to type. */
  const typed = (line: string): ReturnType<typeof collect> => {
    const settings = said.split('\n').filter(one => /^(unset|export) /.test(one)).join('\n')
    const {HOME, PATH} = process.env
    return collect(spawn('bash', ['-c', `set -eu\n${settings}\nrunctl() { '${REPOSITORY}bin/run.js' "$@"; }\n${line}`], {env: {HOME, PATH, RUNCTL_DATA_DIR: '/nonexistent', RUNCTL_CONFIG_DIR: '/nonexistent'}}), 30_000, [line])
  }

  it('says how to use it; the command that it shows works in another terminal', async () => {
    expect(said).to.contain('An AWS account on this machine').and.to.contain('export AWS_ENDPOINT_URL=')
    const shown = said.split('\n').filter(line => line.startsWith('  runctl '))
    expect(shown).to.have.length(3)
    const exec = shown.find(line => line.includes(' exec ')) ?? ''
    const {code, stderr, stdout} = await typed(exec)
    expect(code, stderr).to.equal(0)
    expect(stdout).to.match(/^(Linux|Darwin) /)
  })

  it('Ctrl-C ends it, and nothing is left', async () => {
    const port = Number(/AWS_ENDPOINT_URL='http:\/\/127\.0\.0\.1:(\d+)'/.exec(said)?.[1])
    const folder = /AWS_CONFIG_FILE='(.*)\/no-config'/.exec(said)?.[1] ?? ''
    await access(folder)
    // Not `exit`, which is that of npm alone.
    const closed = once(bench, 'close')
    process.kill(-(bench.pid ?? 0), 'SIGINT')
    await closed
    expect(said).to.match(/\ncleaning up\n$/)
    expect(await access(folder).then(() => 'there', () => 'gone')).to.equal('gone')
    const [error] = (await once(createConnection(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException]
    expect(error.code).to.equal('ECONNREFUSED')
  })
})
