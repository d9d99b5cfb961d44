import {DescribeInstancesCommand, EC2Client, RunInstancesCommand, StartInstancesCommand} from '@aws-sdk/client-ec2'
import {SendCommandCommand, SSMClient} from '@aws-sdk/client-ssm'
import {expect} from 'chai'
import {once} from 'node:events'
import {request} from 'node:http'

import {Throttle} from '../bench/throttle.js'
import {clientSettings, errorOf, type TestBench, withBench} from './with-bench.js'

const describeAll = (bench: TestBench) => errorOf(bench.ec2Client.send(new DescribeInstancesCommand({})))

describe('bench: faults', () => {
  it('answer with errors as often as they should, and only where they should', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance({state: 'stopped'})
      bench.inject({operation: 'DescribeInstances', kind: 'error', code: 'RequestLimitExceeded', status: 503, times: 2})
      bench.inject({operation: 'StartInstances', kind: 'error', code: 'InsufficientInstanceCapacity', message: 'no g5 left', status: 500})
      expect(await describeAll(bench)).to.deep.include({name: 'RequestLimitExceeded', status: 503})
      const patient = new EC2Client(clientSettings(bench, bench.key, 3))
      expect(await errorOf(patient.send(new DescribeInstancesCommand({})))).to.equal(undefined)
      patient.destroy()
      expect(await errorOf(bench.ec2Client.send(new StartInstancesCommand({InstanceIds: [id]})))).to.deep.include({name: 'InsufficientInstanceCapacity', message: 'no g5 left'})
      expect(bench.instance(id).state).to.equal('stopped')
    }))

  it('can be taken away, and meet some requests only', () =>
    withBench({}, async (bench) => {
      const remove = bench.inject({operation: '*', kind: 'error', code: 'Unavailable', when: ({body}) => body.includes('pending')})
      expect(await describeAll(bench)).to.equal(undefined)
      const pending = () => errorOf(bench.ec2Client.send(new DescribeInstancesCommand({Filters: [{Name: 'instance-state-name', Values: ['pending']}]})))
      expect((await pending())?.name).to.equal('Unavailable')
      remove()
      expect(await pending()).to.equal(undefined)
    }))

  it('are shaped as the JSON services shape errors', () =>
    withBench({}, async (bench) => {
      bench.inject({operation: 'SendCommand', kind: 'error', code: 'ThrottlingException', message: 'Rate exceeded'})
      const ssm = new SSMClient(clientSettings(bench))
      const error = await errorOf(ssm.send(new SendCommandCommand({DocumentName: 'AWS-RunShellScript', InstanceIds: ['i-0aaaaaaaaaaaaaaaa']})))
      expect(error).to.deep.include({name: 'ThrottlingException', message: 'Rate exceeded', status: 400})
      ssm.destroy()
    }))

  it('lose requests before they are acted upon, and responses after', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance({state: 'stopped'})
      const start = () => errorOf(bench.ec2Client.send(new StartInstancesCommand({InstanceIds: [id]})))
      bench.inject({operation: 'StartInstances', kind: 'lost-request', times: 1})
      expect(await start()).not.to.equal(undefined)
      expect(bench.instance(id).state).to.equal('stopped')
      bench.inject({operation: 'StartInstances', kind: 'lost-response', times: 1})
      expect(await start()).not.to.equal(undefined)
      expect(bench.instance(id).state).not.to.equal('stopped')
    }))

  it("answer with a proxy's page, and slow things down", () =>
    withBench({latencyMs: 20}, async (bench) => {
      bench.inject({operation: '*', kind: 'html', times: 1})
      expect((await describeAll(bench))?.status).to.equal(500)
      bench.inject({operation: '*', kind: 'latency', ms: 60, times: 1})
      await describeAll(bench)
      await describeAll(bench)
      const [, slow, usual] = bench.calls.list()
      expect(slow?.tookMs).to.be.at.least(78)
      expect(usual?.tookMs).to.be.at.least(18)
    }))
})

describe('bench: throttling', () => {
  const runs = (throttle: Throttle, operation: string, count: number): number => {
    const allowed = Array.from({length: count}, () => {
      try {
        throttle.spend({service: 'ec2', region: 'us-east-1', operation})
        return true
      } catch {
        return false
      }
    })
    return allowed.filter(Boolean).length
  }

  it('takes as many calls as the bucket holds, then as many as flow in', () => {
    let now = 0
    const throttle = new Throttle(() => new Date(now))
    expect(runs(throttle, 'DescribeInstances', 300)).to.equal(100)
    expect(runs(throttle, 'DescribeVolumes', 1)).to.equal(0)
    expect(runs(throttle, 'RunInstances', 10)).to.equal(5)
    now += 1000
    expect(runs(throttle, 'DescribeInstances', 300)).to.equal(20)
    expect(runs(throttle, 'RunInstances', 10)).to.equal(2)
    now += 3_600_000
    expect(runs(throttle, 'DescribeInstances', 300)).to.equal(100)
  })

  it('answers RequestLimitExceeded, only where it is wanted', () =>
    withBench({throttled: true}, async (bench) => {
      const dryRun = () => errorOf(bench.ec2Client.send(new RunInstancesCommand({ImageId: 'ami-0a1f2e3d4c5b60001', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1, DryRun: true})))
      const answers = await Promise.all(Array.from({length: 20}, dryRun))
      expect(new Set(answers.map((error) => `${error?.status} ${error?.name}`))).to.deep.equal(new Set(['412 DryRunOperation', '503 RequestLimitExceeded']))
    }))
})

describe('bench: counts', () => {
  it('tell operations, bytes, ids, and what ran at once', () =>
    withBench({latencyMs: 30}, async (bench) => {
      const id = await bench.addInstance()
      await Promise.all([describeAll(bench), bench.ec2Client.send(new DescribeInstancesCommand({InstanceIds: [id]}))])
      await describeAll(bench)
      expect(bench.calls.count()).to.equal(3)
      expect(bench.calls.count('DescribeInstances')).to.equal(3)
      expect(bench.calls.byOperation()).to.deep.equal({DescribeInstances: 3})
      const calls = bench.calls.list()
      expect(calls.flatMap(({ids}) => ids)).to.deep.equal([id])
      expect(calls.map(({concurrent}) => concurrent)).to.deep.equal([1, 2, 1])
      expect(calls.every(({service, status, requestBytes, responseBytes}) => service === 'ec2' && status === 200 && requestBytes > 40 && responseBytes > 100)).to.equal(true)
      expect(bench.calls.bytes()['DescribeInstances']?.received).to.equal(calls.reduce((sum, {responseBytes}) => sum + responseBytes, 0))
      bench.calls.reset()
      expect(bench.calls.list()).to.deep.equal([])
    }))
})

describe('bench: the endpoint', () => {
  it('is reached through a socket file too', () =>
    withBench({}, async (bench) => {
      const sent = request({socketPath: bench.world.socketPath, path: '/bucket/key', headers: {host: new URL(bench.url).host}})
      sent.end()
      const [response] = (await once(sent, 'response')) as [{statusCode: number; resume: () => void}]
      response.resume()
      expect(response.statusCode).to.equal(403)
    }))

  it('fails the test that closes it when something went wrong within', async () => {
    const closing = withBench({machines: {...(await import('./with-bench.js')).recordedMachines(), stop: () => Promise.reject(new Error('the machine hangs'))}}, async (bench) => {
      const id = await bench.addInstance()
      bench.ec2.lifecycle.stop(bench.instance(id))
      await bench.ec2.lifecycle.settled()
    })
    expect((await errorOf(closing))?.message).to.include('the machine hangs')
  })
})
