import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {localPlatform} from '../../src/providers/local/local-platform.js'
import {providerContract} from '../../src/testing/index.js'
import {RunctlError} from '../../src/model/errors.js'

describe('the local platform keeps the provider contract: it', () => {
  let dataDir: string
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'runctl-'))
  })
  after(() => rm(dataDir, {recursive: true}))

  for (const {title, run} of providerContract(() => localPlatform.create({dataDir, env: process.env, settings: {}, RunctlError}))) it(title, run)
})
