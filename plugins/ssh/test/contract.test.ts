import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'

import {RunctlError} from '../../../src/model/errors.js'
import {providerContract} from '../../../src/testing/index.js'
import {startSshMachines, type SshMachines, WITHOUT_SSHD} from '../../../test/ssh-machines/index.js'
import {SshProvider} from '../src/ssh-provider.js'

describe(`the platform ssh, against sshd, keeps the provider contract${WITHOUT_SSHD === null ? '' : ` (${WITHOUT_SSHD})`}: it`, () => {
  let machines: SshMachines
  let dataDir: string

  before(async function () {
    if (WITHOUT_SSHD !== null) return this.skip()
    machines = await startSshMachines(4)
    dataDir = await mkdtemp(path.join(tmpdir(), 'runctl-ssh-'))
  })
  after(async () => {
    await machines?.close()
    if (dataDir) await rm(dataDir, {recursive: true, force: true})
  })

  const provider = (): SshProvider => new SshProvider({dataDir, env: process.env, settings: {...machines.settings}, RunctlError})

  for (const {title, run} of providerContract(provider)) it(title, run)
})
