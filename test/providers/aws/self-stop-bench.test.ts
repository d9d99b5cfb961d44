import {CreateTagsCommand, DescribeSpotPriceHistoryCommand, EC2Client, TerminateInstancesCommand} from '@aws-sdk/client-ec2'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {expect} from 'chai'

import type {Instance} from '../../../src/model/instance.js'
import {awsPlatform} from '../../../src/providers/aws/aws-platform.js'
import {instancePolicy} from '../../../src/providers/aws/setup/policies.js'
import type {FirstLimits, Provider, ShellResult} from '../../../src/providers/provider.js'
import {clientSettings, errorOf} from '../../bench-self/with-bench.js'
import {startAwsBench, type AwsBench} from '../../bench/index.js'
import {until} from '../../e2e/support/bench.js'
import {RunctlError} from '../../../src/model/errors.js'

const NEVER: FirstLimits = {forAgent: '{"set":{}}', hardSeconds: null, unattendedSeconds: null}
/** A limit, not a pause: the machine may be busy. */
const PATIENCE_MS = 90_000

describe('an EC2 instance that ends its own time', function () {
  this.timeout(180_000)
  let dataDir: string
  let bench: AwsBench
  let provider: Provider
  let made = 0

  before(async function () {
    if (process.platform !== 'linux') this.skip()
    dataDir = await mkdtemp(join(tmpdir(), 'runctl-'))
    bench = await startAwsBench({machine: {env: {RUNCTL_WATCH_TICK: '0.2'}, shutdownGraceMs: 300}})
    provider = await awsPlatform.create({dataDir, env: bench.env, settings: {}, RunctlError})
  })
  after(async () => {
    await bench?.close()
    if (dataDir) await rm(dataDir, {recursive: true})
  })

  const isReal = (): boolean => bench.world.machines.kind === 'namespaces'
  const create = async (limits: Partial<FirstLimits>, options = {}): Promise<string> => {
    made += 1
    const tags = {'runctl:created-by': 'test'}
    return (await provider.createInstance({requestId: `self-stop-${process.pid}-${made}`, tags, limits: {...NEVER, ...limits}, options})).id
  }
  const reached = (id: string, state: string): Promise<void> => until(() => bench.instance(id).state === state, PATIENCE_MS, `${id} is ${state}`)
  const described = async (id: string): Promise<Instance> => {
    for await (const instance of provider.describeInstances({ids: [id]})) return instance
    return expect.fail('it is gone')
  }
  const sh = async (id: string, script: string): Promise<{readonly code: number; readonly out: string; readonly err: string}> => {
    let result: ShellResult | undefined
    await until(async () => {
      result = await provider.shell.run(id, {script, timeoutMs: 60_000}).catch(() => undefined)
      return result !== undefined
    }, PATIENCE_MS, `${id} answers`)
    const {exitCode, stderr, stdout} = result as ShellResult
    return {code: exitCode, out: Buffer.from(stdout).toString().trim(), err: Buffer.from(stderr).toString().trim()}
  }
  const LOCK = '"$RUNCTL_WATCH_ROOT/run/runctl-watch"'
  const WATCHES = `read -r pid _ <${LOCK} && tr "\\0" " " <"/proc/$pid/cmdline"`

  it('stops at its hard limit, although nobody ever comes', async () => {
    const id = await create({hardSeconds: 1})
    await reached(id, 'stopped')
    const instance = await described(id)
    expect(instance).to.include({state: 'stopped', stateReason: null})
    expect(Date.parse(instance.stoppedAt ?? '')).to.be.at.least(Date.parse(instance.createdAt ?? '') - 1000)
    expect(provider.selfStop?.endsAs(instance)).to.equal('stop')
  })

  it('stops when nobody looks after its limits', async () => {
    await reached(await create({unattendedSeconds: 1}), 'stopped')
  })

  it('ends for good where it is a one-time spot instance', async () => {
    const id = await create({hardSeconds: 1}, {spot: true})
    expect(provider.selfStop?.endsAs(await described(id))).to.equal('terminate')
    await reached(id, 'terminated')
  })

  it('has its limits from the first boot, its user’s own, and keeps those that are there', async () => {
    const id = await create({forAgent: '{"set":{"max_seconds":7}}', hardSeconds: 9000, unattendedSeconds: 600})
    await until(async () => (await sh(id, 'cat ~/.runctl/watch')).out !== '', PATIENCE_MS, 'the limits are there')
    expect((await sh(id, 'cat ~/.runctl/limits.json ~/.runctl/watch')).out).to.equal('{"set":{"max_seconds":7}}9000 600')
    const modes = (await sh(id, 'cd ~; stat -c "%U %a" .runctl .runctl/limits.json .runctl/watch; id -un')).out.split('\n')
    expect(modes.slice(0, 3)).to.deep.equal(['700', '600', '600'].map(mode => `${modes[3] ?? ''} ${mode}`))
    await until(async () => /runctl-watch watch/.test((await sh(id, WATCHES)).out), PATIENCE_MS, 'the watch runs')
    if (isReal()) expect((await sh(id, 'stat -c "%U %a" /var/lib/cloud/scripts/per-boot/runctl-watch')).out).to.equal('root 755')
  })

  it('powers off when its user’s agent asks for it, and is watched again after the next start', async () => {
    const id = await create({})
    await sh(id, 'until [ -d ~/.runctl ]; do sleep .1; done; sleep 1; echo "{}" >~/.runctl/power-off')
    await reached(id, 'stopped')
    await provider.startInstance(id)
    await reached(id, 'running')
    await until(async () => (await sh(id, 'ls ~/.runctl')).out === 'limits.json\nwatch', PATIENCE_MS, 'what asked for it is gone')
    await until(async () => /runctl-watch watch/.test((await sh(id, WATCHES)).out), PATIENCE_MS, 'the watch runs')
    expect(bench.instance(id).state).to.equal('running')
  })

  it('can be set up later, and again, which changes nothing', async () => {
    const id = await bench.addInstance()
    const install = provider.selfStop?.install ?? expect.fail('there is something to set up')
    expect(await sh(id, install)).to.deep.equal({code: 0, out: '', err: ''})
    const first = (await sh(id, `cat ${LOCK}`)).out
    expect(await sh(id, install)).to.deep.equal({code: 0, out: '', err: ''})
    expect((await sh(id, `cat ${LOCK}`)).out).to.equal(first)
    if (isReal()) {
      // An older version of it.
      await sh(id, 'sudo -n sh -c "echo : >>/var/lib/cloud/scripts/per-boot/runctl-watch"')
      expect((await sh(id, install)).code).to.equal(0)
      expect((await sh(id, 'cat /run/runctl-watch')).out).to.not.equal(first)
      await until(async () => (await sh(id, 'ps ax -o args= | grep -c "^sh .*runctl-watch watc[h]"')).out === '1', PATIENCE_MS, 'one is left')
    }
    await sh(id, 'mkdir -p ~/.runctl; echo "1 -" >~/.runctl/watch')
    await reached(id, 'stopped')
  })

  it('says what is missing where it cannot be set up', async function () {
    // A folder's scripts run as whoever runs the tests.
    if (!isReal()) this.skip()
    const install = provider.selfStop?.install ?? ''
    const bare = await bench.addInstance()
    await sh(bare, 'sudo -n rm -r /etc/cloud')
    expect(await sh(bare, install)).to.include({code: 1, out: ''}).and.to.have.property('err').that.contains('has no cloud-init')
    bench.world.sudo = false
    const strict = await bench.addInstance()
    bench.world.sudo = true
    expect(await sh(strict, install)).to.deep.equal({code: 1, out: '', err: 'limits cannot be kept here: powering off needs root, and sudo asks ec2-user for a password'})
    // Nobody can tell there whether it may.
    expect((await sh(strict, WATCHES)).code).to.not.equal(0)
  })

  it('may write two tags of its own and ask for spot prices, with the role that setup makes, and no more', async () => {
    bench.world.roles.get('runctl-instance')?.inline.set('runctl-s3', instancePolicy({partition: 'aws', bucket: 'mine', readBuckets: []}))
    const [ours, theirs] = [await bench.addInstance({tags: {'runctl:created-by': 'test'}}), await bench.addInstance()]
    const ec2 = new EC2Client(clientSettings(bench, bench.world.credentialsOf(bench.instance(ours)) ?? expect.fail('it has a role')))
    const tag = async (id: string, key: string): Promise<string> =>
      (await errorOf(ec2.send(new CreateTagsCommand({Resources: [id], Tags: [{Key: key, Value: 'x'}]}))))?.name ?? 'ok'
    expect([await tag(ours, 'runctl:guard'), await tag(ours, 'runctl:state-reason')]).to.deep.equal(['ok', 'ok'])
    for (const key of ['runctl:created-by', 'Name', 'runctl:stops-at']) expect(await tag(ours, key), key).to.equal('UnauthorizedOperation')
    expect(await tag(theirs, 'runctl:guard')).to.equal('UnauthorizedOperation')
    expect(await errorOf(ec2.send(new DescribeSpotPriceHistoryCommand({InstanceTypes: ['t3.medium'], MaxResults: 5})))).to.equal(undefined)
    expect((await errorOf(ec2.send(new TerminateInstancesCommand({InstanceIds: [ours]}))))?.name).to.equal('UnauthorizedOperation')
    ec2.destroy()
  })

  it('knows where it is', async () => {
    expect(await provider.selfStop?.access?.()).to.deep.equal({region: 'us-east-1', endpoint: bench.url})
  })
})
