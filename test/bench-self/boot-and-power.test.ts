import {CreateTagsCommand, DeleteTagsCommand, DescribeInstancesCommand, EC2Client, RunInstancesCommand, StartInstancesCommand, type RunInstancesCommandInput} from '@aws-sdk/client-ec2'
import {expect} from 'chai'
import {readFile} from 'node:fs/promises'

import {type AwsBench, startAwsBench} from '../bench/index.js'
import {type BenchInstance, MachineStopped} from '../bench/types.js'
import {eventually, isRootOnLinux, runOn} from './machine-world.js'
import {clientSettings, errorOf, withBench} from './with-bench.js'

const INPUT: RunInstancesCommandInput = {ImageId: 'ami-0a1f2e3d4c5b60001', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1, IamInstanceProfile: {Name: 'runctl-instance'}}
const AT_BOOT = `#!/bin/sh
# Keeps to RUNCTL_WATCH_ROOT.
log=\${RUNCTL_WATCH_ROOT:-}/boots
echo "first $(id -u)" >>"$log"
d=\${RUNCTL_WATCH_ROOT:-}/var/lib/cloud/scripts/per-boot
mkdir -p "$d"
printf '#!/bin/sh\\necho "boot" >>"%s"\\n' "$log" >"$d/10-tell"
chmod 755 "$d/10-tell"
`

for (const kind of ['namespaces', 'folders'] as const) {
  describe(`bench: boot and power-off of machines as ${kind}`, () => {
    let bench: AwsBench
    let ec2: EC2Client

    before(async function () {
      if (process.platform !== 'linux' || (kind === 'namespaces' && !isRootOnLinux)) this.skip()
      bench = await startAwsBench({kind, machine: {shutdownGraceMs: 200}})
      ec2 = new EC2Client(clientSettings(bench))
    })
    after(async () => {
      ec2?.destroy()
      await bench?.close()
    })

    const launch = async (more: Partial<RunInstancesCommandInput> = {}): Promise<BenchInstance> => {
      const id = (await ec2.send(new RunInstancesCommand({...INPUT, ...more}))).Instances?.[0]?.InstanceId ?? ''
      await eventually(() => bench.instance(id).state === 'running')
      return bench.instance(id)
    }
    const restart = async (instance: BenchInstance): Promise<void> => {
      await ec2.send(new StartInstancesCommand({InstanceIds: [instance.id]}))
      await eventually(() => instance.state === 'running')
    }
    const seen = async ({id}: BenchInstance) => (await ec2.send(new DescribeInstancesCommand({InstanceIds: [id]}))).Reservations?.[0]?.Instances?.[0]
    /** The machine may be down before the script has answered. */
    const powerOff = (instance: BenchInstance) => runOn(bench.world.machines, instance, 'shutdown -h now').catch((error: unknown) => {
      if (!(error instanceof MachineStopped)) throw error
    })

    it('runs user data at the first boot alone, and what lies in per-boot at each boot after', async () => {
      const instance = await launch({UserData: Buffer.from(AT_BOOT).toString('base64')})
      const boots = (): Promise<string> => readFile(bench.world.machines.hostPath(instance.id, kind === 'namespaces' ? '/boots' : 'root/boots'), 'utf8').catch(() => '')
      await eventually(async () => (await boots()).endsWith('\n'))
      const uid = kind === 'namespaces' ? 0 : process.getuid?.()
      expect(await boots()).to.equal(`first ${uid}\n`)
      for (const expected of [1, 2]) {
        await powerOff(instance)
        await eventually(() => instance.state === 'stopped')
        await restart(instance)
        await eventually(async () => (await boots()).split('boot\n').length === expected + 1)
        expect(await boots()).to.equal(`first ${uid}\n${'boot\n'.repeat(expected)}`)
      }
    })

    it('stops when the instance shuts itself down, and says that it did so itself', async () => {
      const instance = await launch()
      await powerOff(instance)
      await eventually(() => instance.state === 'stopped')
      const answer = await seen(instance)
      expect(answer?.StateReason).to.deep.equal({Code: 'Client.InstanceInitiatedShutdown', Message: 'Client.InstanceInitiatedShutdown: Instance initiated shutdown'})
      expect(answer?.StateTransitionReason).to.match(/^User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\)$/)
      await restart(instance)
      expect((await seen(instance))?.StateReason).to.equal(undefined)
    })

    it('ends it where that was wanted, and a one-time spot instance always', async () => {
      const wanted = await launch({InstanceInitiatedShutdownBehavior: 'terminate'})
      const spot = await launch({InstanceMarketOptions: {MarketType: 'spot'}})
      await Promise.all([powerOff(wanted), powerOff(spot)])
      await eventually(() => wanted.state === 'terminated' && spot.state === 'terminated')
      expect((await seen(spot))?.StateReason?.Code).to.equal('Client.InstanceInitiatedShutdown')
    })

    it('lets the normal user be root by sudo, unless it does not', async function () {
      // A folder's scripts run as whoever runs the tests.
      if (kind === 'folders') this.skip()
      const asUser = (instance: BenchInstance, line: string) => runOn(bench.world.machines, instance, `runuser -u ec2-user -- sh -c '${line}'`)
      const instance = await launch()
      expect(await asUser(instance, 'echo in | sudo -n sh -c "cat; id -u; echo wrong >&2; pwd; exit 7"')).to.deep.equal({code: 7, out: 'in\n0\n/usr/bin', err: 'wrong'})
      expect(await asUser(instance, 'sudo -n -u ec2-user A=b sh -c "id -u; echo \\$A \\$HOME"')).to.deep.equal({code: 0, out: '1000\nb /home/ec2-user', err: ''})
      expect((await asUser(instance, 'sudo -n no-such-program')).err).to.contain('no-such-program')
      expect((await asUser(instance, 'sudo -n sh -c "kill -9 \\$\\$"')).code).to.equal(137)
      expect((await asUser(instance, '/usr/sbin/shutdown -h now')).err).to.equal('shutdown: must be root')
      bench.world.sudo = false
      const strict = await launch()
      bench.world.sudo = true
      expect(await asUser(strict, 'sudo -n true')).to.deep.equal({code: 1, out: '', err: 'sudo: a password is required'})
      expect((await runOn(bench.world.machines, strict, 'sudo -n id -u')).out).to.equal('0')
    })
  })
}

describe('bench: tags by the role of an instance', () => {
  const own = (Condition: unknown) => ({Version: '2012-10-17', Statement: [{Effect: 'Allow' as const, Action: 'ec2:CreateTags', Resource: 'arn:aws:ec2:*:*:instance/*', Condition}]})

  it('are allowed as its conditions say: these keys, and these instances', () =>
    withBench({}, async (bench) => {
      const [ours, other] = [await bench.addInstance({tags: {'made-by': 'us'}}), await bench.addInstance()]
      const condition = {'ForAllValues:StringEquals': {'aws:TagKeys': ['a', 'b']}, Null: {'aws:ResourceTag/made-by': 'false'}}
      bench.world.roles.get('runctl-instance')?.inline.set('tags', own(condition))
      const ec2 = new EC2Client(clientSettings(bench, bench.world.credentialsOf(bench.instance(ours))!))
      const tag = async (ids: string[], ...keys: string[]): Promise<string> => {
        const error = await errorOf(ec2.send(new CreateTagsCommand({Resources: ids, Tags: keys.map((Key) => ({Key, Value: 'x'}))})))
        return error === undefined ? 'ok' : error.name
      }
      expect(await tag([ours], 'a', 'b')).to.equal('ok')
      expect(await tag([ours], 'a', 'c')).to.equal('UnauthorizedOperation')
      expect(await tag([other], 'a')).to.equal('UnauthorizedOperation')
      expect(await tag([ours, other], 'a')).to.equal('UnauthorizedOperation')
      expect((await errorOf(ec2.send(new DeleteTagsCommand({Resources: [ours], Tags: [{Key: 'a'}]}))))?.name).to.equal('UnauthorizedOperation')
      expect([...bench.instance(other).tags.keys()]).to.deep.equal([])
      ec2.destroy()
    }))

  it('are a problem of the bench where it does not know the condition', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance()
      bench.world.roles.get('runctl-instance')?.inline.set('tags', own({DateLessThan: {'aws:CurrentTime': '2030-01-01'}}))
      const key = bench.world.credentialsOf(bench.instance(id))!
      expect(() => bench.world.isAllowed(key.principal, 'ec2:CreateTags', `arn:aws:ec2:us-east-1:1:instance/${id}`)).to.throw('DateLessThan')
    }))
})
