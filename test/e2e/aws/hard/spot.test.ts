import {expect} from 'chai'

import type {TrainJson} from '../../../../src/cli/verbs/train.js'
import type {CreateResult} from '../../../../src/core/create-instance.js'
import type {CreatePlanResult} from '../../../../src/core/plan-create.js'
import type {WorkflowResult} from '../../../../src/core/run-workflow.js'
import type {InstanceStatus} from '../../../../src/core/show-status.js'
import type {BenchInstance, Fault} from '../../../bench/types.js'
import {Bench} from '../../support/bench.js'
import {pasted} from '../../support/pasted-command.js'

const CREATE = ['aws', 'create', '--spot']
const NO_CAPACITY = {operation: 'RunInstances', kind: 'error', code: 'InsufficientInstanceCapacity', status: 500} as const

describe('spot instances, and what a create asks EC2 for', function () {
  this.timeout(60_000)
  let bench: Bench

  before(async () => {
    bench = await Bench.create({'script.py': 'import time\ntime.sleep(600)\n'}, {platform: 'aws', aws: {kind: 'folders'}})
  })
  after(() => bench?.destroy())

  const create = async (argv: readonly string[]): Promise<{readonly made: BenchInstance; readonly row: CreateResult['instance']}> => {
    const {instance: row} = await bench.json<CreateResult>(argv)
    return {made: bench.aws.instance(row.id), row}
  }
  const during = async <T>(fault: Fault, work: () => Promise<T>): Promise<T> => {
    const remove = bench.aws.inject(fault)
    bench.aws.calls.reset()
    return work().finally(remove)
  }

  it('--dry-run tells the plan with its price, for one and for all, and makes nothing', async () => {
    bench.aws.calls.reset()
    const {stdout} = await bench.ok([...CREATE, '--count', '3', '--dry-run'])
    expect(stdout).to.contain('spot').and.to.match(/\$0\.\d+\/h/)
    const plan = await bench.json<CreatePlanResult>([...CREATE, '--type', 'g5.xlarge', '--dry-run'])
    expect(JSON.stringify(plan)).to.contain('Deep Learning').and.to.contain('without inbound rules')
    expect(bench.aws.world.instances.size).to.equal(0)
    expect(bench.aws.calls.count('CreateSecurityGroup')).to.equal(0)
  })

  it('asks for a one-time spot instance with tags, an encrypted disk, IMDSv2 alone and no way in', async () => {
    const {made, row} = await create([...CREATE, '--type', 't3.medium', '--name', 'cheap', '--spot-max-price', '0.02'])
    expect([row.lifecycle, made.spot]).to.deep.equal(['spot', 'one-time'])
    expect(row.price_source).to.equal('spot-history')
    expect(made.request).to.include({
      'InstanceMarketOptions.MarketType': 'spot',
      'InstanceMarketOptions.SpotOptions.SpotInstanceType': 'one-time',
      'InstanceMarketOptions.SpotOptions.MaxPrice': '0.02',
      'MetadataOptions.HttpTokens': 'required',
      'BlockDeviceMapping.1.Ebs.Encrypted': 'true',
      'BlockDeviceMapping.1.Ebs.VolumeType': 'gp3',
      'IamInstanceProfile.Name': 'runctl-instance',
    })
    expect(made.request).not.to.have.property('KeyName')
    expect(Object.fromEntries(made.tags)).to.include({Name: 'cheap'}).and.to.have.property('runctl:create-request', made.clientToken)
    const {details, volumes} = bench.aws.ec2.state
    const disks = [...(details.get(made.id)?.volumes.values() ?? [])].map(id => volumes.get(id))
    expect(disks.map(disk => disk?.tags.get('Name'))).to.deep.equal(['cheap'])
    expect(made.request).to.have.property('SecurityGroupId.1').that.matches(/^sg-/)
    expect(bench.aws.calls.list().map(({operation}) => operation)).not.to.include('AuthorizeSecurityGroupIngress')
  })

  it('goes through the zones where one has none, each with a token of its own, and ends with one machine', async () => {
    const before = bench.aws.world.instances.size
    const {made} = await during({...NO_CAPACITY, times: 3}, () => create(CREATE))
    expect(bench.aws.calls.count('RunInstances')).to.equal(4)
    expect([made.spot, bench.aws.world.instances.size - before]).to.deep.equal(['one-time', 1])
    expect(made.request['SubnetId']).to.match(/^subnet-/)
  })

  it('--spot-fallback on-demand takes an on-demand one where spot is refused, and only then', async () => {
    const isSpot = ({body}: {readonly body: Buffer}): boolean => body.toString().includes('MarketType=spot')
    const {made, row} = await during({...NO_CAPACITY, when: isSpot}, () => create([...CREATE, '--spot-fallback', 'on-demand']))
    expect([made.spot, row.lifecycle]).to.deep.equal([null, 'on-demand'])
    const limit = {operation: 'RunInstances', kind: 'error', code: 'MaxSpotInstanceCountExceeded', when: isSpot} as const
    expect((await during(limit, () => create([...CREATE, '--spot-fallback', 'on-demand']))).made.spot).to.equal(null)
    // A limit of the account is the same in each zone.
    expect(bench.aws.calls.count('RunInstances')).to.equal(2)
    const {error} = await during(limit, () => bench.jsonError(CREATE))
    expect(error.next[0]).to.contain('--spot-fallback on-demand')
    expect((await create([...CREATE, '--spot-fallback', 'on-demand'])).made.spot).to.equal('one-time')
  })

  it('a workflow falls back too; a platform without spot instances refuses both words', async () => {
    await bench.write('quick.py', 'print("done")\n')
    const isSpot = ({body}: {readonly body: Buffer}): boolean => body.toString().includes('MarketType=spot')
    const fallback = ['quick.py', '--spot', '--spot-fallback', 'on-demand', '--then', 'terminate']
    const {instance, run} = await during({...NO_CAPACITY, when: isSpot}, () => bench.json<WorkflowResult>(['workflow', 'run', 'aws', ...fallback]))
    expect([instance.lifecycle, run.reason, bench.aws.instance(instance.id).spot]).to.deep.equal(['on-demand', 'completed', null])
    const refused = await during({...NO_CAPACITY, when: isSpot}, () => bench.jsonError(['aws', 'quick.py', '--spot', '--spot-fallback', 'none']))
    expect([refused.error.code, refused.error.details['aws_error']]).to.deep.equal(['platform_failed', 'InsufficientInstanceCapacity'])
    const {code, error} = await bench.jsonError(['workflow', 'run', 'local', ...fallback])
    expect([code, error.message]).to.deep.equal([2, 'instances of the platform local have no --spot'])
  })

  it('a one-time spot instance cannot be stopped: it says so before anything is asked to leave, and what can be done', async () => {
    const {made} = await create([...CREATE, '--wait'])
    const {run} = await bench.json<TrainJson>(['aws', 'train', made.id, 'script.py', '--sync-code'])
    const {code, error} = await bench.jsonError(['aws', 'stop', made.id, '--grace', '5s'])
    expect([code, error.code]).to.deep.equal([4, 'wrong_state'])
    expect(error.message).to.contain('one-time spot instance')
    expect(error.message).to.contain('terminate saves first')
    expect(error.next).to.deep.equal([`runctl aws terminate ${made.id}`, `runctl aws pull ${made.id} --checkpoints`, `runctl checkpoint list --instance-id ${made.id}`])
    for (const command of error.next) await pasted(command)
    expect(error.still_running.join()).to.contain(made.id)
    const status = await bench.json<InstanceStatus>(['aws', 'status', made.id])
    expect(status.runs?.map(({run_id, state}) => [run_id, state])).to.deep.equal([[run.run_id, 'running']])
    await bench.ok(['aws', 'terminate', made.id, '--force', '--grace', '1s'])
    expect(made.state).to.equal('terminated')
  })
})
