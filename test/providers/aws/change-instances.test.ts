import {
  CancelSpotInstanceRequestsCommand, CreateTagsCommand, DescribeInstancesCommand, DescribeSpotInstanceRequestsCommand, StartInstancesCommand,
  StopInstancesCommand, TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import {expect} from 'chai'

import {expectedFailure} from '../../support/rejection.js'
import {awsError, awsMocks, ids, inputs} from './aws-mocks.js'

const [A = '', B = '', C = ''] = ids(3)

interface Ids {
  readonly InstanceIds: readonly string[]
}

describe('starting, stopping, terminating and tagging EC2 instances', () => {
  const {clock, ec2, provider} = awsMocks()
  const states = new Map<string, string>()
  const spot = new Map<string, string>()

  beforeEach(() => {
    states.clear()
    spot.clear()
    ec2.on(DescribeInstancesCommand).callsFake(({Filters: [filter] = [], InstanceIds}: {Filters?: {Values: string[]}[]; InstanceIds?: string[]}) => {
      const wanted = InstanceIds ?? filter?.Values ?? []
      if (InstanceIds && wanted.some(id => states.get(id) === 'none')) throw awsError('InvalidInstanceID.NotFound')
      const found = wanted.filter(id => states.get(id) !== 'none')
      return {Reservations: [{Instances: found.map(InstanceId => ({
        InstanceId, State: {Name: states.get(InstanceId) ?? 'running'},
        ...(spot.has(InstanceId) ? {InstanceLifecycle: 'spot', SpotInstanceRequestId: spot.get(InstanceId)} : {}),
      }))}]}
    })
    ec2.on(StopInstancesCommand).callsFake(({InstanceIds}: Ids) => {
      for (const id of InstanceIds) {
        if (states.get(id) === 'terminated') throw awsError('IncorrectInstanceState', `The instance '${id}' is not in a state from which it can be stopped.`)
        if (spot.has(id)) throw awsError('UnsupportedOperation', 'one-time')
      }
      return {StoppingInstances: InstanceIds.map(InstanceId => ({InstanceId, CurrentState: {Name: 'stopping'}}))}
    })
    ec2.on(StartInstancesCommand).callsFake(({InstanceIds}: Ids) => ({StartingInstances: InstanceIds.map(InstanceId => ({InstanceId, CurrentState: {Name: 'pending'}}))}))
    ec2.on(TerminateInstancesCommand).callsFake(({InstanceIds}: Ids) => ({TerminatingInstances: InstanceIds.map(InstanceId => ({InstanceId, CurrentState: {Name: 'shutting-down'}}))}))
    ec2.on(CreateTagsCommand).resolves({})
  })

  it('takes many ids at once in one call', async () => {
    const aws = provider()
    for (const [verb, command, state] of [
      ['stopInstance', StopInstancesCommand, 'stopping'], ['startInstance', StartInstancesCommand, 'pending'], ['terminateInstance', TerminateInstancesCommand, 'shutting-down'],
    ] as const) {
      const answers = await Promise.all(ids(60).map(id => aws[verb](id)))
      expect(inputs(ec2, command)).to.deep.equal([{InstanceIds: ids(60)}])
      expect(new Set(answers.map(instance => instance.state))).to.deep.equal(new Set([state]))
    }
    expect(inputs(ec2, DescribeInstancesCommand)).to.have.length(1)
  })

  it('finds the one that makes a call fail, and does the others', async () => {
    states.set(B, 'terminated')
    const aws = provider()
    const outcomes = await Promise.allSettled([A, B, C].map(id => aws.stopInstance(id)))
    expect(outcomes.map(({status}) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled'])
    const error = await expectedFailure(aws.stopInstance(B))
    expect(error.code).to.equal('wrong_state')
    expect(error.message).to.equal(`instance ${B} is terminated and cannot be stopped`)
    expect(error.details).to.include({instance_id: B, state: 'terminated', aws_error: 'IncorrectInstanceState'})
  })

  it('does not take a call apart for a failure that is nobody\'s', async () => {
    ec2.on(StopInstancesCommand).rejects(awsError('RequestLimitExceeded', 'slow', 503))
    const aws = provider()
    await Promise.allSettled(ids(8).map(id => aws.stopInstance(id)))
    expect(inputs(ec2, StopInstancesCommand)).to.have.length(1)
  })

  it('says not_found of what does not exist, without asking for it to be changed', async () => {
    states.set(A, 'none')
    expect((await expectedFailure(provider().stopInstance(A))).code).to.equal('not_found')
    expect((await expectedFailure(provider().terminateInstance('nonsense'))).code).to.equal('not_found')
    expect(inputs(ec2, StopInstancesCommand)).to.deep.equal([])
  })

  it('advises what to do with a one-time spot instance instead of stopping it', async () => {
    spot.set(A, 'sir-1')
    const error = await expectedFailure(provider().stopInstance(A))
    expect(error.code).to.equal('wrong_state')
    expect(error.next).to.deep.equal([`runctl aws terminate ${A}`, `runctl aws pull ${A} --checkpoints`, `runctl checkpoint list --instance-id ${A}`])
  })

  it('ends a persistent spot request before its instance, and no other', async () => {
    spot.set(A, 'sir-1').set(B, 'sir-2')
    const order: string[] = []
    ec2.on(DescribeSpotInstanceRequestsCommand).resolves({SpotInstanceRequests: [
      {SpotInstanceRequestId: 'sir-1', Type: 'persistent', State: 'active'}, {SpotInstanceRequestId: 'sir-2', Type: 'one-time', State: 'active'},
    ]})
    ec2.on(CancelSpotInstanceRequestsCommand).callsFake(async () => {
      order.push('cancel')
      return {}
    })
    ec2.on(TerminateInstancesCommand).callsFake(async () => {
      order.push('terminate')
      return {TerminatingInstances: []}
    })
    const aws = provider()
    await Promise.all([A, B, C].map(id => aws.terminateInstance(id)))
    expect(inputs(ec2, DescribeSpotInstanceRequestsCommand)).to.deep.equal([{Filters: [{Name: 'spot-instance-request-id', Values: ['sir-1', 'sir-2']}]}])
    expect(inputs(ec2, CancelSpotInstanceRequestsCommand)).to.deep.equal([{SpotInstanceRequestIds: ['sir-1']}])
    expect(order).to.deep.equal(['cancel', 'terminate'])
  })

  it('terminates nothing where the persistent request cannot be ended', async () => {
    spot.set(A, 'sir-1')
    ec2.on(DescribeSpotInstanceRequestsCommand).resolves({SpotInstanceRequests: [{SpotInstanceRequestId: 'sir-1', Type: 'persistent', State: 'active'}]})
    ec2.on(CancelSpotInstanceRequestsCommand).rejects(awsError('UnauthorizedOperation', 'no', 403))
    expect((await expectedFailure(provider().terminateInstance(A))).message).to.match(/ec2:CancelSpotInstanceRequests/)
    expect(inputs(ec2, TerminateInstancesCommand)).to.deep.equal([])
  })

  it('sets equal tags of many instances in one call', async () => {
    const aws = provider()
    await Promise.all([aws.setTags(A, {b: '2', a: '1'}), aws.setTags(B, {a: '1', b: '2'}), aws.setTags(C, {a: 'other'})])
    expect(inputs(ec2, CreateTagsCommand)).to.deep.equal([
      {Resources: [A, B], Tags: [{Key: 'a', Value: '1'}, {Key: 'b', Value: '2'}]}, {Resources: [C], Tags: [{Key: 'a', Value: 'other'}]},
    ])
  })

  it('shows tags that EC2 does not tell of yet, the newest of each', async () => {
    const aws = provider()
    await aws.setTags(A, {a: '1', b: '1'})
    await aws.setTags(A, {a: '2'})
    for await (const {tags} of aws.describeInstances({ids: [A]})) expect(tags).to.deep.equal({a: '2', b: '1'})
    clock.advance(61_000)
    for await (const {tags} of aws.describeInstances({ids: [A]})) expect(tags).to.deep.equal({})
  })

  for (const [what, tags] of [
    ['a key that is too long', {['k'.repeat(129)]: ''}], ['a value that is too long', {k: 'v'.repeat(257)}], ["a key of AWS's own", {'aws:x': ''}],
    ['more than 50', Object.fromEntries(Array.from({length: 51}, (_, at) => [`k${at}`, '']))],
  ] as const) {
    it(`refuses tags with ${what}`, async () => {
      expect((await expectedFailure(provider().setTags(A, tags))).code).to.equal('bad_input')
      expect(inputs(ec2, CreateTagsCommand)).to.deep.equal([])
    })
  }

  it('says not_found for the tags of what does not exist', async () => {
    ec2.on(CreateTagsCommand).callsFake(({Resources}: {Resources: string[]}) => {
      if (Resources.includes(B)) throw awsError('InvalidInstanceID.NotFound')
      return {}
    })
    const aws = provider()
    const outcomes = await Promise.allSettled([A, B, C].map(id => aws.setTags(id, {a: 'b'})))
    expect(outcomes.map(outcome => (outcome.status === 'rejected' ? outcome.reason.code : 'set'))).to.deep.equal(['set', 'not_found', 'set'])
  })
})
