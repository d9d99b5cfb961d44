import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {awsPlatform} from '../../../src/providers/aws/aws-platform.js'
import {providerContract} from '../../../src/testing/index.js'
import {startAwsBench, type AwsBench, type BenchOptions} from '../../bench/index.js'
import {RunctlError} from '../../../src/model/errors.js'

function keepsTheContract(options: BenchOptions, titles: RegExp): void {
  let dataDir: string
  let bench: AwsBench
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'runctl-'))
    bench = await startAwsBench({machine: {env: {RUNCTL_WATCH_TICK: '0.2'}}, ...options})
  })
  after(async () => {
    await bench.close()
    await rm(dataDir, {recursive: true})
  })

  const make = () => awsPlatform.create({dataDir, env: bench.env, settings: {}, RunctlError})
  for (const {title, run} of providerContract(make, {pollIntervalMs: 100})) if (titles.test(title)) it(title, run)
}

describe('the aws platform keeps the provider contract: it', function () {
  this.timeout(120_000)
  // EC2 tells launch times in whole seconds: two quick starts share one.
  keepsTheContract({}, /^(?!changes launchedAt)/)
})

describe('while Describe lags behind by a second, the aws platform keeps the provider contract: it', function () {
  this.timeout(120_000)
  keepsTheContract({times: {lagMs: 1000}}, /one request id|name and tags|describes by id|tags|takes each of them twice|terminates a stopped|launchedAt|not_found/)
})
