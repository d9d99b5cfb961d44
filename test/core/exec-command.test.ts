import {spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import path from 'node:path'

import {expect} from 'chai'

import {execCommand} from '../../src/core/exec-command.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID, shellResult} from '../support/memory-provider.js'

describe('execCommand', () => {
  let home: string

  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), 'runctl-exec-'))
  })

  afterEach(() => rmSync(home, {recursive: true, force: true}))

  async function exec(script: string): Promise<{readonly exit_code: number; readonly stdout: string; readonly stderr: string}> {
    const deps = new FakeDeps()
    deps.provider.shell.answer = request => {
      const ran = spawnSync('/bin/sh', ['-c', request.script], {env: {HOME: home, PATH: process.env['PATH']}})
      return shellResult(ran.stdout, ran.status ?? 1, ran.stderr.toString())
    }
    return execCommand({instanceId: INSTANCE_ID, script, timeoutMs: 1000}, deps)
  }

  it('leaves no trace on an instance without limits', async () => {
    expect(await exec('echo here; exit 3')).to.include({exit_code: 3, stdout: 'here\n', stderr: ''})
    expect(existsSync(path.join(home, '.runctl'))).to.equal(false)
  })

  it('is a sign of life on one with limits, and changes neither status nor line numbers', async () => {
    mkdirSync(path.join(home, '.runctl'))
    writeFileSync(path.join(home, '.runctl/limits.json'), '{}')
    expect(await exec('echo $?')).to.include({exit_code: 0, stdout: '0\n'})
    expect(existsSync(path.join(home, '.runctl/sign'))).to.equal(true)
    expect((await exec('true\nno-such-command')).stderr).to.match(/\b2\b.*no-such-command/)
  })
})
