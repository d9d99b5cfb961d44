import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {isAwsConfigured} from '../../../src/providers/aws/is-configured.js'

describe('isAwsConfigured', () => {
  let HOME: string
  beforeEach(async () => (HOME = await mkdtemp(path.join(tmpdir(), 'runctl-home-'))))
  afterEach(() => rm(HOME, {recursive: true}))

  it('is false where there are no credentials, a region or not', async () => {
    expect(await isAwsConfigured({env: {HOME}, settings: {}})).to.equal(false)
    expect(await isAwsConfigured({env: {HOME, AWS_REGION: 'eu-central-1', AWS_DEFAULT_REGION: 'x', AWS_PROFILE: ''}, settings: {}})).to.equal(false)
  })

  it('is true with any way to credentials in the environment, or any setting', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI']) {
      expect(await isAwsConfigured({env: {HOME, [name]: 'x'}, settings: {}}), name).to.equal(true)
    }
    expect(await isAwsConfigured({env: {HOME}, settings: {region: 'eu-central-1'}})).to.equal(true)
  })

  it('is true with a file of the AWS CLI, wherever it is said to be', async () => {
    await mkdir(path.join(HOME, '.aws'))
    await writeFile(path.join(HOME, '.aws', 'config'), '')
    expect(await isAwsConfigured({env: {HOME}, settings: {}})).to.equal(true)
    const elsewhere = {HOME, AWS_CONFIG_FILE: path.join(HOME, 'none'), AWS_SHARED_CREDENTIALS_FILE: path.join(HOME, 'neither')}
    expect(await isAwsConfigured({env: elsewhere, settings: {}})).to.equal(false)
    await writeFile(elsewhere.AWS_SHARED_CREDENTIALS_FILE, '')
    expect(await isAwsConfigured({env: elsewhere, settings: {}})).to.equal(true)
  })
})
