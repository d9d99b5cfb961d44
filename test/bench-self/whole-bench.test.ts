import {RunInstancesCommand, EC2Client, StopInstancesCommand, TerminateInstancesCommand} from '@aws-sdk/client-ec2'
import {GetCommandInvocationCommand, SendCommandCommand, SSMClient} from '@aws-sdk/client-ssm'
import {expect} from 'chai'
import {existsSync} from 'node:fs'
import {dirname} from 'node:path'

import {type AwsBench, startAwsBench} from '../bench/index.js'
import {clientSettings, errorOf, until} from './with-bench.js'

async function output(ssm: SSMClient, id: string, script: string): Promise<string> {
  const {Command} = await ssm.send(new SendCommandCommand({DocumentName: 'AWS-RunShellScript', InstanceIds: [id], Parameters: {commands: [script]}}))
  const ask = () => ssm.send(new GetCommandInvocationCommand({CommandId: Command?.CommandId ?? '', InstanceId: id}))
  await until(async () => !['InProgress', 'Pending'].includes((await ask()).Status ?? ''))
  return (await ask()).StandardOutputContent ?? ''
}

/** `ssm:SendCommand` refuses an instance whose agent has not come yet. */
async function taken(ssm: SSMClient, id: string): Promise<void> {
  await until(async () => (await errorOf(output(ssm, id, 'true')))?.name !== 'InvalidInstanceId')
}

describe('the bench as a whole, with machines', () => {
  let bench: AwsBench
  let ec2: EC2Client
  let ssm: SSMClient

  beforeEach(async () => {
    bench = await startAwsBench()
    ec2 = new EC2Client(clientSettings(bench))
    ssm = new SSMClient(clientSettings(bench))
  })

  afterEach(async () => {
    ec2.destroy()
    ssm.destroy()
    await bench.close()
  })

  it('takes an instance from its launch over commands and a stop to its end', async () => {
    const launch = new RunInstancesCommand({ImageId: 'ami-0a1f2e3d4c5b60001', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1, IamInstanceProfile: {Name: 'runctl-instance'}})
    const id = (await ec2.send(launch)).Instances?.[0]?.InstanceId ?? ''
    await taken(ssm, id)
    expect(await output(ssm, id, 'mkdir -p /var/lib/mine && echo kept > /var/lib/mine/note && echo done')).to.equal('done\n')
    await ec2.send(new StopInstancesCommand({InstanceIds: [id]}))
    await until(() => bench.instance(id).state === 'stopped')
    if (bench.world.machines.kind === 'namespaces') expect(existsSync(bench.world.machines.hostPath(id, '/var/lib/mine/note'))).to.equal(true)
    await ec2.send(new TerminateInstancesCommand({InstanceIds: [id]}))
    await until(() => bench.instance(id).state === 'terminated')
  })

  it('is reached from its instances at the same address', async () => {
    const id = await bench.addInstance()
    const script = `python3 -c "
import urllib.request, urllib.error
try: urllib.request.urlopen('${bench.url}/bucket/key')
except urllib.error.HTTPError as error: print(error.code)
"`
    expect(await output(ssm, id, script)).to.equal('403\n')
  })

  it('leaves nothing behind', async () => {
    await bench.addInstance()
    const folder = dirname(bench.world.socketPath)
    await bench.close()
    expect(existsSync(folder)).to.equal(false)
    bench = await startAwsBench()
  })
})
