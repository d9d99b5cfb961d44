import {expect} from 'chai'

import {createClients} from '../../../src/providers/aws/clients.js'
import {expectedFailure} from '../../support/rejection.js'

const KEYS = {AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret'}
const regionOf = (env: Record<string, string>, settings = {}) => createClients({env: {...KEYS, ...env}, settings}).region()

describe('the clients of AWS', () => {
  it('take the region from the environment before the setting', async () => {
    const settings = {region: 'eu-west-3'}
    const all = {RUNCTL_AWS_REGION: 'us-west-1', AWS_REGION: 'us-west-2', AWS_DEFAULT_REGION: 'eu-west-1'}
    expect(await regionOf(all, settings)).to.equal('us-west-1')
    expect(await regionOf({...all, RUNCTL_AWS_REGION: ''}, settings)).to.equal('us-west-2')
    expect(await regionOf({AWS_DEFAULT_REGION: 'eu-west-1'}, settings)).to.equal('eu-west-1')
    expect(await regionOf({}, settings)).to.equal('eu-west-3')
  })

  it('refuse a region that cannot be one', async () => {
    expect(() => createClients({env: {AWS_REGION: 'us-east-1.evil.example/'}, settings: {}})).to.throw(/not the name of an AWS region/)
  })

  it('refuse an endpoint that is no http address', () => {
    expect(() => createClients({env: {AWS_ENDPOINT_URL: 'localhost:4566'}, settings: {}})).to.throw(/no http address/)
  })

  it('say how to set a region where there is none', async () => {
    const kept = {...process.env}
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) delete process.env[name]
    Object.assign(process.env, {AWS_CONFIG_FILE: '/nonexistent/config', AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials'})
    try {
      const error = await expectedFailure(createClients({env: KEYS, settings: {}}).ec2())
      expect(error.code).to.equal('bad_input')
      expect(error.next[0]).to.match(/AWS_REGION/)
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name]
      Object.assign(process.env, kept)
    }
  })

  it('are made once, with many attempts for all but the sending of commands', async () => {
    const clients = createClients({env: {...KEYS, AWS_REGION: 'us-east-1'}, settings: {}})
    expect(await clients.ec2()).to.equal(await clients.ec2())
    expect(await (await clients.ec2()).config.maxAttempts()).to.equal(8)
    expect(await (await clients.ssm()).config.maxAttempts()).to.equal(8)
    expect(await (await clients.ssmOnce()).config.maxAttempts()).to.equal(1)
    expect(await (await clients.pricing()).config.region()).to.equal('us-east-1')
  })

  it('share the credentials of the environment, which go before a profile that only a setting names', async () => {
    const clients = createClients({env: {...KEYS, AWS_SESSION_TOKEN: 'token', AWS_REGION: 'us-east-1'}, settings: {profile: 'no-such-profile'}})
    const [ec2, s3] = await Promise.all([clients.ec2(), clients.s3()])
    for (const client of [ec2, s3]) {
      expect(await client.config.credentials()).to.include({accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token'})
    }
  })

  it('are the same in another region, whatever the environment says, with the same credentials', async () => {
    const home = createClients({env: {...KEYS, RUNCTL_AWS_REGION: 'us-west-1'}, settings: {region: 'eu-west-3'}})
    const away = home.inRegion('ap-south-1')
    expect([await home.region(), await away.region()]).to.deep.equal(['us-west-1', 'ap-south-1'])
    expect(await (await away.ec2()).config.region()).to.equal('ap-south-1')
    expect(await (await home.ec2()).config.region()).to.equal('us-west-1')
    expect(await (await away.pricing()).config.region()).to.equal('us-east-1')
    expect((await (await away.ec2()).config.credentials()).accessKeyId).to.equal('AKIDEXAMPLE')
    expect(() => home.inRegion('x/y')).to.throw(/not the name of an AWS region/)
  })

  it('ask for credentials once for all of them', async () => {
    const kept = process.env['AWS_ACCESS_KEY_ID']
    const clients = createClients({env: {AWS_REGION: 'us-east-1'}, settings: {}})
    const [ec2, ssm] = await Promise.all([clients.ec2(), clients.ssm()])
    Object.assign(process.env, {AWS_ACCESS_KEY_ID: 'AKIDFIRST', AWS_SECRET_ACCESS_KEY: 'one'})
    try {
      await ec2.config.credentials()
      process.env['AWS_ACCESS_KEY_ID'] = 'AKIDSECOND'
      expect((await ssm.config.credentials()).accessKeyId).to.equal('AKIDFIRST')
    } finally {
      delete process.env['AWS_SECRET_ACCESS_KEY']
      if (kept === undefined) delete process.env['AWS_ACCESS_KEY_ID']
    }
  })

  it('report another address than AWS, that of S3 first', () => {
    const env = {AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:2'}
    expect(createClients({env, settings: {}}).endpoint).to.equal('http://127.0.0.1:2')
    expect(createClients({env: {AWS_ENDPOINT_URL: 'http://127.0.0.1:1'}, settings: {}}).endpoint).to.equal('http://127.0.0.1:1')
    expect(createClients({env: {...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true'}, settings: {}}).endpoint).to.equal(null)
  })
})
