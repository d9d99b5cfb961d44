import {
  AssociateIamInstanceProfileCommand, CancelSpotInstanceRequestsCommand, DescribeIamInstanceProfileAssociationsCommand, DescribeInstancesCommand,
  DescribeSpotInstanceRequestsCommand, RunInstancesCommand, StartInstancesCommand, StopInstancesCommand, TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import {expect} from 'chai'

import {errorOf, type TestBench, until, withBench} from './with-bench.js'

const start = (bench: TestBench, ...InstanceIds: string[]) => bench.ec2Client.send(new StartInstancesCommand({InstanceIds}))
const stop = (bench: TestBench, ...InstanceIds: string[]) => bench.ec2Client.send(new StopInstancesCommand({InstanceIds}))
const terminate = (bench: TestBench, ...InstanceIds: string[]) => bench.ec2Client.send(new TerminateInstancesCommand({InstanceIds}))

async function seen(bench: TestBench, id: string) {
  const {Reservations} = await bench.ec2Client.send(new DescribeInstancesCommand({InstanceIds: [id]}))
  return Reservations?.[0]?.Instances?.[0]
}

async function reached(bench: TestBench, id: string, state: string): Promise<void> {
  await until(async () => (await seen(bench, id))?.State?.Name === state)
}

describe('bench: an instance over time', () => {
  it('stops and starts again with a new launch time, and its machine with it', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance()
      bench.instance(id).launchedAt = new Date(0)
      const {StoppingInstances} = await stop(bench, id)
      expect(StoppingInstances?.[0]).to.deep.include({CurrentState: {Code: 64, Name: 'stopping'}, PreviousState: {Code: 16, Name: 'running'}})
      expect(bench.instance(id).onlineAt).to.equal(null)
      await reached(bench, id, 'stopped')
      const stopped = await seen(bench, id)
      expect(stopped?.StateTransitionReason).to.match(/^User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\)$/)
      expect(stopped?.StateReason?.Code).to.equal('Client.UserInitiatedShutdown')
      expect(stopped?.PublicIpAddress).to.equal(undefined)
      expect((await stop(bench, id)).StoppingInstances?.[0]?.CurrentState?.Name).to.equal('stopped')

      await start(bench, id)
      await reached(bench, id, 'running')
      expect((await seen(bench, id))?.LaunchTime?.getTime()).to.be.greaterThan(0)
      expect(bench.machines.asked).to.deep.equal(['start', 'stop', 'start'].map((verb) => `${verb} ${id}`))
    }))

  it('is online some time after it runs, and not before', () =>
    withBench({times: {onlineMs: 5000}}, async (bench) => {
      const id = await bench.addInstance({state: 'stopped'})
      await start(bench, id)
      await reached(bench, id, 'running')
      expect(bench.instance(id).onlineAt!.getTime() - Date.now()).to.be.within(1000, 5000)
    }))

  it('is ended safely twice, and cannot come back', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance()
      await terminate(bench, id)
      await reached(bench, id, 'terminated')
      expect((await terminate(bench, id)).TerminatingInstances?.[0]?.PreviousState?.Name).to.equal('terminated')
      expect((await errorOf(start(bench, id)))?.name).to.equal('IncorrectInstanceState')
      expect((await errorOf(stop(bench, id)))?.name).to.equal('IncorrectInstanceState')
      expect(bench.machines.asked).to.deep.equal([`start ${id}`, `remove ${id}`])
    }))

  it('is ended while it still starts or stops', () =>
    withBench({times: {pendingMs: 100, stoppingMs: 100, shuttingDownMs: 10}}, async (bench) => {
      const starting = await bench.addInstance({state: 'stopped'})
      const stopping = await bench.addInstance()
      await start(bench, starting)
      await stop(bench, stopping)
      await terminate(bench, starting, stopping)
      await reached(bench, starting, 'terminated')
      await reached(bench, stopping, 'terminated')
      await new Promise((resolve) => setTimeout(resolve, 150))
      expect(bench.instance(starting).state).to.equal('terminated')
      expect(bench.instance(stopping).state).to.equal('terminated')
    }))

  it('changes for all ids of a call or for none', () =>
    withBench({times: {stoppingMs: 500}}, async (bench) => {
      const running = await bench.addInstance()
      const stopped = await bench.addInstance({state: 'stopped'})
      const stopping = await bench.addInstance()
      await stop(bench, stopping)
      expect(await errorOf(start(bench, stopped, stopping))).to.deep.include({name: 'IncorrectInstanceState', message: `The instance '${stopping}' is not in a state from which it can be started.`})
      expect((await errorOf(stop(bench, running, 'i-0aaaaaaaaaaaaaaaa')))?.name).to.equal('InvalidInstanceID.NotFound')
      expect([bench.instance(stopped).state, bench.instance(running).state]).to.deep.equal(['stopped', 'running'])
      expect((await errorOf(bench.ec2Client.send(new StopInstancesCommand({InstanceIds: [running], DryRun: true}))))?.name).to.equal('DryRunOperation')
    }))

  it('counts running vCPUs against the quota at the start', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance({type: 'p4d.24xlarge', state: 'stopped'})
      bench.world.quotas.set('L-417A185B', 95)
      expect((await errorOf(start(bench, id)))?.name).to.equal('VcpuLimitExceeded')
    }))
})

describe('bench: spot', () => {
  it('does not stop a one-time instance', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance({spot: 'one-time'})
      expect((await errorOf(stop(bench, id)))?.name).to.equal('UnsupportedOperation')
      expect((await seen(bench, id))?.InstanceLifecycle).to.equal('spot')
    }))

  it('gives notice, ends the instance then, and closes its request', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance({spot: 'one-time'})
      bench.interrupt(id, 40)
      expect(bench.instance(id).spotNotice?.action).to.equal('terminate')
      expect(bench.instance(id).state).to.equal('running')
      await reached(bench, id, 'terminated')
      expect((await seen(bench, id))?.StateReason?.Code).to.equal('Server.SpotInstanceTermination')
      const {SpotInstanceRequests} = await bench.ec2Client.send(new DescribeSpotInstanceRequestsCommand({Filters: [{Name: 'instance-id', Values: [id]}]}))
      expect(SpotInstanceRequests?.[0]).to.deep.include({State: 'closed', Type: 'one-time'})
    }))

  it('leaves it to EC2 to start what an interruption has stopped', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance({spot: 'persistent', interruption: 'stop'})
      bench.interrupt(id, 5)
      await reached(bench, id, 'stopped')
      expect((await errorOf(start(bench, id)))?.name).to.equal('IncorrectSpotRequestState')
      bench.resume(id)
      await reached(bench, id, 'running')
      expect(bench.instance(id).spotNotice).to.equal(null)
    }))

  it('replaces a terminated instance while its persistent request stands', () =>
    withBench({}, async (bench) => {
      const run = () => bench.ec2Client.send(new RunInstancesCommand({
        ImageId: 'ami-0a1f2e3d4c5b60001', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1, InstanceMarketOptions: {MarketType: 'spot', SpotOptions: {SpotInstanceType: 'persistent', InstanceInterruptionBehavior: 'stop'}},
      }))
      const first = (await run()).Instances?.[0]
      await terminate(bench, first?.InstanceId ?? '')
      await until(() => bench.world.instances.size === 2)
      const [, replacement] = [...bench.world.instances.keys()]
      await bench.ec2Client.send(new CancelSpotInstanceRequestsCommand({SpotInstanceRequestIds: [first?.SpotInstanceRequestId ?? '']}))
      await terminate(bench, replacement ?? '')
      await reached(bench, replacement ?? '', 'terminated')
      expect(bench.world.instances.size).to.equal(2)
    }))
})

describe('bench: instance profiles', () => {
  it('can be given to a running instance once', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance({profile: null})
      const give = () => bench.ec2Client.send(new AssociateIamInstanceProfileCommand({InstanceId: id, IamInstanceProfile: {Name: 'runctl-instance'}}))
      expect(bench.world.mayUseSsm(bench.instance(id))).to.equal(false)
      expect((await give()).IamInstanceProfileAssociation?.State).to.equal('associating')
      expect(bench.world.mayUseSsm(bench.instance(id))).to.equal(true)
      expect((await errorOf(give()))?.name).to.equal('IncorrectState')
      const {IamInstanceProfileAssociations} = await bench.ec2Client.send(new DescribeIamInstanceProfileAssociationsCommand({Filters: [{Name: 'instance-id', Values: [id]}]}))
      expect(IamInstanceProfileAssociations?.[0]?.IamInstanceProfile?.Arn).to.match(/instance-profile\/runctl-instance$/)
    }))
})
