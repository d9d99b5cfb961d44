import {
  DescribeImagesCommand, DescribeInstancesCommand, DescribeInstanceTypesCommand, RunInstancesCommand, StopInstancesCommand,
} from '@aws-sdk/client-ec2'
import {expect} from 'chai'

import type {Instance, InstanceState} from '../../../src/model/instance.js'
import type {InstanceQuery, Provider} from '../../../src/providers/provider.js'
import {asKnownInstance} from '../../../src/providers/aws/instances/as-instance.js'
import {InstanceDescriber} from '../../../src/providers/aws/instances/describe-instances.js'
import {RecentChanges} from '../../../src/providers/aws/instances/recent-changes.js'
import {createClients} from '../../../src/providers/aws/clients.js'
import {expectedFailure, rejection} from '../../support/rejection.js'
import {awsError, awsMocks, ids, inputs} from './aws-mocks.js'

const raw = (InstanceId: string, Name: InstanceState = 'running', more = {}) => ({InstanceId, State: {Name}, InstanceType: 't3.medium' as const, ...more})
const answer = (...instances: ReturnType<typeof raw>[]) => ({Reservations: [{Instances: instances}]})
const [A = '', B = '', C = ''] = ids(3)

interface Ids {
  readonly InstanceIds: readonly string[]
}

async function all(provider: Pick<Provider, 'describeInstances'>, query: InstanceQuery): Promise<readonly Instance[]> {
  const found: Instance[] = []
  for await (const instance of provider.describeInstances(query)) found.push(instance)
  return found
}

describe('describing EC2 instances', () => {
  const aws = awsMocks()
  const {clock, ec2} = aws
  const calls = () => inputs(ec2, DescribeInstancesCommand)

  it('carries together the ids that are asked for at once', async () => {
    ec2.on(DescribeInstancesCommand).callsFake(({InstanceIds}: Ids) => answer(...InstanceIds.map(id => raw(id))))
    const provider = aws.provider()
    const found = await Promise.all([...ids(60), A].map(id => all(provider, {ids: [id]})))
    expect(calls()).to.deep.equal([{InstanceIds: ids(60)}])
    expect(found.map(([instance]) => instance?.id)).to.deep.equal([...ids(60), A])
  })

  it('leaves out an id that does not exist, although AWS fails the whole call for it', async () => {
    ec2.on(DescribeInstancesCommand).callsFake(({Filters: [filter] = [], InstanceIds}: {Filters?: {Values: string[]}[]; InstanceIds?: string[]}) => {
      if (InstanceIds) throw awsError('InvalidInstanceID.NotFound', `The instance ID '${B}' does not exist`)
      return answer(...filter!.Values.filter(id => id !== B).map(id => raw(id)))
    })
    expect((await all(aws.provider(), {ids: [A, B, C, 'nonsense']})).map(({id}) => id)).to.deep.equal([A, C])
    expect(calls()).to.deep.equal([{InstanceIds: [A, B, C]}, {MaxResults: 1000, Filters: [{Name: 'instance-id', Values: [A, B, C]}]}])
    ec2.resetHistory()
    expect(await all(aws.provider(), {ids: [B]})).to.deep.equal([])
    expect(calls()).to.have.length(1)
  })

  it('lets EC2 filter, takes wildcards literally, and reads every page', async () => {
    ec2.on(DescribeInstancesCommand)
      .resolvesOnce({...answer(raw(A, 'running', {Tags: [{Key: 'a', Value: 'x*'}]})), NextToken: 'more'})
      .resolvesOnce(answer(raw(B, 'running', {Tags: [{Key: 'a', Value: 'xy'}]}), raw(C, 'running', {Tags: [{Key: 'a', Value: 'x*'}]})))
    const found = await all(aws.provider(), {states: ['running', 'stopped'], tags: {a: 'x*'}})
    const first = {
      MaxResults: 1000,
      Filters: [{Name: 'instance-state-name', Values: ['running', 'stopped']}, {Name: 'tag:a', Values: [String.raw`x\*`]}],
    }
    expect(calls()).to.deep.equal([first, {...first, NextToken: 'more'}])
    expect(found.map(({id}) => id)).to.deep.equal([A, C])
  })

  it('hands filters in EC2’s own words to EC2 as they are, wildcards included, also beside ids', async () => {
    ec2.on(DescribeInstancesCommand).resolves(answer(raw(A)))
    const filters = {'instance-type': ['g5.*', 'p?.*'], 'tag:a': ['x*']}
    const own = [{Name: 'instance-type', Values: ['g5.*', 'p?.*']}, {Name: 'tag:a', Values: ['x*']}]
    expect(await all(aws.provider(), {filters, states: ['running']})).to.have.length(1)
    expect(await all(aws.provider(), {filters, ids: [A, 'nonsense', A]})).to.have.length(1)
    expect(calls()).to.deep.equal([
      {MaxResults: 1000, Filters: [...own, {Name: 'instance-state-name', Values: ['running']}]},
      {MaxResults: 1000, Filters: [{Name: 'instance-id', Values: [A]}, ...own]},
    ])
  })

  it('refuses a filter without a value, and tells what EC2 says of one that it does not know', async () => {
    expect((await expectedFailure(all(aws.provider(), {filters: {'instance-type': []}}))).code).to.equal('bad_input')
    ec2.on(DescribeInstancesCommand).rejects(awsError('InvalidParameterValue', "The filter 'colour' is invalid"))
    const error = await expectedFailure(all(aws.provider(), {filters: {colour: ['red']}}))
    expect(error.code).to.equal('bad_input')
    expect(error.message).to.include("The filter 'colour' is invalid")
  })

  it('lists every instance of the region, whoever made it', async () => {
    ec2.on(DescribeInstancesCommand).resolves(answer(raw(A), raw(B)))
    expect(await all(aws.provider(), {})).to.have.length(2)
    expect(calls()).to.deep.equal([{MaxResults: 1000}])
  })

  it('gives up for one caller alone when only that one cancels', async () => {
    ec2.on(DescribeInstancesCommand).callsFake(({InstanceIds}: Ids) => answer(...InstanceIds.map(id => raw(id))))
    const describer = new InstanceDescriber(createClients({env: {AWS_REGION: 'eu-west-1'}, settings: {}}), new RecentChanges(() => clock.now()))
    const controller = new AbortController()
    const cancelled = describer.find(A, controller.signal)
    const other = describer.find(B)
    controller.abort(new Error('enough'))
    expect(await rejection(cancelled)).to.equal(controller.signal.reason)
    expect((await other)?.instance.id).to.equal(B)
    expect(calls()).to.deep.equal([{InstanceIds: [B]}])
  })

  it('knows what this process made and stopped while EC2 does not tell it yet, for a minute', async () => {
    const provider = aws.provider({ami: 'ami-00000001', subnet: 'subnet-00000001', security_groups: ['sg-00000001']})
    const tags = {owner: 'me'}
    ec2.on(RunInstancesCommand).resolves({Instances: [raw(A, 'pending', {Tags: [{Key: 'owner', Value: 'me'}]})]})
    ec2.on(DescribeInstancesCommand).resolves(answer())
    ec2.on(DescribeInstanceTypesCommand).resolves({InstanceTypes: [{ProcessorInfo: {SupportedArchitectures: ['x86_64']}}]})
    ec2.on(DescribeImagesCommand).resolves({Images: [{Architecture: 'x86_64', RootDeviceName: '/dev/xvda'}]})
    await provider.createInstance({requestId: 'mine', tags})
    ec2.on(DescribeInstancesCommand).callsFake(({InstanceIds}: Partial<Ids>) => {
      if (InstanceIds) throw awsError('InvalidInstanceID.NotFound')
      return answer()
    })
    expect((await all(provider, {ids: [A]}))[0]?.state).to.equal('pending')
    expect(await all(provider, {tags})).to.have.length(1)
    expect(await all(provider, {tags, states: ['stopped']})).to.have.length(0)

    ec2.on(StopInstancesCommand).resolves({StoppingInstances: [{InstanceId: A, CurrentState: {Name: 'stopping'}}]})
    await provider.stopInstance(A)
    ec2.on(DescribeInstancesCommand).resolves(answer(raw(A, 'running')))
    expect((await all(provider, {ids: [A]}))[0]?.state).to.equal('stopping')
    clock.advance(61_000)
    expect((await all(provider, {ids: [A]}))[0]?.state).to.equal('running')
    ec2.on(DescribeInstancesCommand).callsFake(() => {
      throw awsError('InvalidInstanceID.NotFound')
    })
    expect(await all(provider, {ids: [A]})).to.deep.equal([])
  })
})

describe('what EC2 says of an instance', () => {
  const read = (more: object, state: InstanceState = 'stopped') => asKnownInstance(raw(A, state, more), 'eu-west-1')!.instance

  it('keeps the time of its making over later starts', () => {
    const made = new Date('2026-01-01T00:00:00Z')
    const started = new Date('2026-02-01T00:00:00Z')
    const disk = {RootDeviceName: '/dev/xvda', BlockDeviceMappings: [{DeviceName: '/dev/sdf', Ebs: {}}, {DeviceName: '/dev/xvda', Ebs: {AttachTime: made}}]}
    expect(read({LaunchTime: started, ...disk})).to.include({createdAt: made.toISOString(), launchedAt: started.toISOString()})
    const card = {NetworkInterfaces: [{Attachment: {DeviceIndex: 0, AttachTime: made}}]}
    expect(read({LaunchTime: started, ...card}).createdAt).to.equal(made.toISOString())
    expect(read({LaunchTime: started}).createdAt).to.equal(started.toISOString())
  })

  it('knows when it stopped, from the words that EC2 has for it', () => {
    const words = {StateTransitionReason: 'User initiated (2026-11-23 10:00:00 GMT)'}
    expect(read(words).stoppedAt).to.equal('2026-11-23T10:00:00.000Z')
    for (const odd of ['User initiated', 'User initiated (2026-99-23 10:00:00 GMT)', '']) expect(read({StateTransitionReason: odd})).not.to.have.property('stoppedAt')
    expect(read(words, 'running')).not.to.have.property('stoppedAt')
  })

  const reasons: readonly (readonly [code: string, tag: string | null, reason: string | null])[] = [
    ['Client.UserInitiatedShutdown', null, 'user'],
    ['Client.UserInitiatedShutdown', 'budget', 'budget'],
    ['Client.UserInitiatedShutdown', 'whatever', 'user'],
    ['Client.InstanceInitiatedShutdown', 'idle', 'idle'],
    ['Client.InstanceInitiatedShutdown', null, null],
    ['Server.SpotInstanceTermination', 'user', 'interrupted'],
    ['Server.SpotInstanceShutdown', null, 'interrupted'],
    ['Server.InsufficientInstanceCapacity', null, 'failed'],
    ['Server.InternalError', null, 'failed'],
    ['Client.VolumeLimitExceeded', null, 'failed'],
  ]
  for (const [code, tag, reason] of reasons) {
    it(`tells ${code}${tag === null ? '' : ` tagged ${tag}`} as ${String(reason)}`, () => {
      const tags = tag === null ? {} : {Tags: [{Key: 'runctl:state-reason', Value: tag}]}
      expect(read({StateReason: {Code: code}, ...tags}).stateReason).to.equal(reason)
      expect(read({StateReason: {Code: code}, ...tags}, 'running').stateReason).to.equal(null)
    })
  }

  it('knows its zone, and when a shutdown from within stopped it, where EC2 tells', () => {
    expect(read({Placement: {AvailabilityZone: 'eu-west-1c'}}).zone).to.equal('eu-west-1c')
    const within = {StateReason: {Code: 'Client.InstanceInitiatedShutdown', Message: 'Client.InstanceInitiatedShutdown: Instance initiated shutdown'}}
    for (const state of ['stopped', 'terminated'] as const) {
      const told = read({...within, StateTransitionReason: 'User initiated (2026-11-20 10:11:12 GMT)'}, state)
      expect([told.stoppedAt, told.stateReason]).to.deep.equal(['2026-11-20T10:11:12.000Z', null])
    }
    expect(read({...within, StateTransitionReason: ''})).to.not.have.property('stoppedAt')
  })

  it('keeps tags as they are', () => {
    expect(read({Tags: [{Key: 'Name', Value: '\u001B[31m'}, {Key: 'empty', Value: ''}]})).to.deep.include({name: '\u001B[31m', tags: {Name: '\u001B[31m', empty: ''}})
  })
})
