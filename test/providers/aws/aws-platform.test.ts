import {expect} from 'chai'
import {execFile} from 'node:child_process'
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'

import {awsPlatform} from '../../../src/providers/aws/aws-platform.js'
import {expectedFailure} from '../../support/rejection.js'
import {RunctlError} from '../../../src/model/errors.js'

describe('the definition of the aws platform', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'runctl-'))
  })
  afterEach(() => rm(home, {recursive: true}))

  it('knows its ids by their shape', () => {
    for (const id of ['i-1234567890abcdef0', 'i-12345678']) expect(awsPlatform.ownsInstanceId(id), id).to.equal(true)
    for (const id of ['i-1234', 'i-1234567890ABCDEF0', 'local-12345678', 'xi-12345678', 'i-12345678\n']) expect(awsPlatform.ownsInstanceId(id), id).to.equal(false)
  })

  it('counts as configured by variables, settings or files', async () => {
    const isConfigured = (env: Record<string, string>, settings = {}) => awsPlatform.isConfigured!({dataDir: home, env: {HOME: home, ...env}, settings, RunctlError})
    expect(await isConfigured({})).to.equal(false)
    expect(await isConfigured({AWS_PROFILE: ''})).to.equal(false)
    expect(await isConfigured({AWS_PROFILE: 'x'})).to.equal(true)
    expect(await isConfigured({}, {region: 'eu-west-1'})).to.equal(true)
    await mkdir(join(home, '.aws'))
    await writeFile(join(home, '.aws', 'credentials'), '')
    expect(await isConfigured({})).to.equal(true)
  })

  for (const settings of [{region: 7}, {ami: ['a']}, {security_groups: 'sg-1'}, {root_gib: '10'}, {root_gib: 0}]) {
    it(`refuses the setting ${JSON.stringify(settings)}`, async () => {
      const error = await expectedFailure(awsPlatform.create({dataDir: home, env: {}, settings, RunctlError}))
      expect(error.code).to.equal('bad_input')
      expect(error.message).to.include(`aws.${Object.keys(settings)[0]!}`)
    })
  }

  it('loads nothing of the SDK before the first call', async () => {
    const script = `
      const {awsPlatform} = await import(${JSON.stringify(new URL('../../../src/providers/aws/aws-platform.js', import.meta.url).href)})
      await awsPlatform.create({dataDir: ${JSON.stringify(home)}, env: {}, settings: {}})
      const {createRequire} = await import('node:module')
      console.log(Object.keys(createRequire(import.meta.url).cache).filter(path => /@aws-sdk|@smithy/.test(path)).length)`
    const {stdout} = await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script])
    expect(stdout.trim()).to.equal('0')
  }).timeout(20_000)
})
