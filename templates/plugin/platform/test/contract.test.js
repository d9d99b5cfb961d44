import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {after, before, describe, it} from 'node:test'
import {RunctlError} from 'runctl'
import {providerContract} from 'runctl/testing'

import {ShedProvider} from '../provider.js'

describe('the shed keeps the contract of a platform: it', () => {
  let dataDir
  before(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'shed-'))
  })
  after(() => rm(dataDir, {recursive: true, force: true}))

  for (const {run, title} of providerContract(() => new ShedProvider({dataDir, env: process.env, settings: {}, RunctlError}))) it(title, run)
})
