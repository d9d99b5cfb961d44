import {
  CancelCommandCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  ListCommandInvocationsCommand,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm'
import {type AwsClientStub, mockClient} from 'aws-sdk-client-mock'
import {gzipSync} from 'node:zlib'
import {createHash} from 'node:crypto'
import {expect} from 'chai'

import type {RunctlError} from '../../../src/model/errors.js'
import {SsmShell} from '../../../src/providers/aws/shell/ssm-shell.js'
import type {ShellTarget} from '../../../src/providers/aws/shell/shell-parts.js'
import {HandClock} from '../../support/hand-clock.js'
import {rejection, expectedFailure} from '../../support/rejection.js'

const ID = 'i-0123456789abcdef0'
const idAt = (index: number): string => `i-${String(index).padStart(17, '0')}`
const REQUEST = {script: 'echo', timeoutMs: 10_000}
const awsError = (name: string, status = 400): Error => Object.assign(new Error(`${name} happened`), {name, $metadata: {httpStatusCode: status}})
const lost = (code: string): Error => Object.assign(new Error('gone'), {code})

function frame(output: string): string {
  const packed = gzipSync(Buffer.from(output))
  return `RUNCTL1 /run/x.d - done 0 ${output.length} 0 ${packed.length} ${createHash('sha256').update(output).digest('hex')}\n${packed.toString('base64')}\n`
}
const SUCCESS = {Status: 'Success' as const, StatusDetails: 'Success', StandardOutputContent: frame('ok'), ResponseCode: 0}
const UNDER_WAY = {Status: 'InProgress' as const, StatusDetails: 'InProgress', ExecutionStartDateTime: 'now'}

interface Stub {
  resolves(value: unknown): Stub
  rejects(error: Error): Stub
  callsFake(act: (input: never) => unknown): Stub
  resolvesOnce(value: unknown): Stub
  rejectsOnce(error: Error): Stub
}

describe('SsmShell, when things go wrong', () => {
  let mock: AwsClientStub<SSMClient>
  let clock: HandClock
  let target: ShellTarget | null
  let described: string[]
  let shell: SsmShell
  beforeEach(() => {
    mock = mockClient(SSMClient)
    on(SendCommandCommand).resolves({Command: {CommandId: 'c-1'}})
    on(CancelCommandCommand).resolves({})
    clock = new HandClock()
    target = {state: 'running', profileArn: 'arn'}
    described = []
    const client = async () => new SSMClient({region: 'us-east-1'})
    const describe = async (id: string) => {
      described.push(id)
      return target
    }
    shell = new SsmShell({clients: {ssm: client, ssmOnce: client}, store: null, describe, clock})
  })
  afterEach(() => mock.restore())
  /** Answers need not be whole ones. */
  const on = (command: unknown): Stub => mock.on(command as typeof SendCommandCommand) as unknown as Stub
  const inputs = (command: unknown): {readonly CommandId?: string; readonly InstanceIds?: string[]; readonly Parameters?: {readonly commands: string[]}}[] =>
    mock.commandCalls(command as typeof SendCommandCommand).map(call => call.args[0].input as never)

  for (const [what, failures, sends] of [
    ['lost connections', [lost('ECONNRESET'), lost('EPIPE'), awsError('InternalServerError', 500)], 4],
    ['throttling', [awsError('ThrottlingException'), awsError('ThrottlingException')], 3],
  ] as const) {
    it(`sends the same text again after ${what}, after longer and longer pauses`, async () => {
      let stub = on(SendCommandCommand)
      for (const failure of failures) stub = stub.rejectsOnce(failure)
      stub.resolves({Command: {CommandId: 'c-2'}})
      on(GetCommandInvocationCommand).resolves(SUCCESS)
      expect(Buffer.from((await shell.run(ID, REQUEST)).stdout).toString()).to.equal('ok')
      expect(inputs(SendCommandCommand)).to.have.length(sends)
      expect(new Set(inputs(SendCommandCommand).map(({Parameters}) => Parameters?.commands[0])).size).to.equal(1)
      expect(clock.slept[1]).to.be.greaterThan(clock.slept[0] ?? 0)
    })
  }

  it('gives up after some attempts, and says whether the command can have arrived', async () => {
    on(SendCommandCommand).rejects(lost('ECONNRESET'))
    const perhaps = await expectedFailure(shell.run(ID, REQUEST))
    expect([perhaps.code, perhaps.details['delivered']]).to.deep.equal(['platform_failed', undefined])
    on(SendCommandCommand).rejects(lost('ENOTFOUND'))
    expect((await expectedFailure(shell.run(ID, REQUEST))).details['delivered']).to.equal(false)
    on(SendCommandCommand).rejects(awsError('ThrottlingException'))
    expect((await expectedFailure(shell.run(ID, REQUEST))).details['delivered']).to.equal(false)
    mock.resetHistory()
    on(SendCommandCommand).rejects(awsError('AccessDeniedException'))
    const denied = await expectedFailure(shell.run(ID, REQUEST))
    expect([denied.code, denied.details['delivered']]).to.deep.equal(['platform_failed', false])
    expect(denied.message).to.include('ssm:SendCommand')
    expect(inputs(SendCommandCommand)).to.have.length(1)
  })

  it('does not mind a command that AWS knows only later, nor polls that fail', async () => {
    on(GetCommandInvocationCommand)
      .rejectsOnce(awsError('InvocationDoesNotExist'))
      .rejectsOnce(awsError('InvocationDoesNotExist'))
      .resolvesOnce(UNDER_WAY)
      .rejectsOnce(awsError('ThrottlingException'))
      .rejectsOnce(lost('ECONNRESET'))
      .resolves(SUCCESS)
    await shell.run(ID, REQUEST)
    expect(inputs(GetCommandInvocationCommand)).to.have.length(6)
    expect(clock.slept[0]).to.equal(100)
    expect(clock.slept[4]).to.be.at.least(1000)
  })

  it('polls once a second at last, and not more seldom', async () => {
    let polls = 0
    on(GetCommandInvocationCommand).callsFake(() => (++polls < 30 ? UNDER_WAY : SUCCESS))
    await shell.run(ID, {...REQUEST, timeoutMs: 60_000})
    expect(clock.slept.slice(-5)).to.deep.equal([1000, 1000, 1000, 1000, 1000])
    expect(described.length).to.be.within(1, 3)
  })

  for (const [details, status, code, delivered] of [
    ['Delivery Timed Out', 'TimedOut', 'unreachable', false],
    ['DeliveryTimedOut', 'TimedOut', 'unreachable', false],
    ['Undeliverable', 'Failed', 'unreachable', false],
    ['Terminated', 'Failed', 'platform_failed', false],
    ['Rate Exceeded', 'Failed', 'platform_failed', false],
    ['AccessDenied', 'Failed', 'platform_failed', false],
    ['Invalid Platform', 'Failed', 'platform_failed', false],
    ['Execution Timed Out', 'TimedOut', 'timed_out', undefined],
    ['Cancelled', 'Cancelled', 'platform_failed', undefined],
    ['Failed', 'Failed', 'platform_failed', undefined],
  ] as const) {
    it(`explains '${details}'`, async () => {
      on(GetCommandInvocationCommand).resolves({Status: status, StatusDetails: details, StandardOutputContent: '', StandardErrorContent: 'sh: gzip: not found', ResponseCode: 1})
      on(DescribeInstanceInformationCommand).resolves({InstanceInformationList: [{InstanceId: ID, PingStatus: 'Online'}]})
      const error = await expectedFailure(shell.run(ID, REQUEST))
      expect([error.code, error.details['delivered']]).to.deep.equal([code, delivered])
      expect(error.message).to.include(ID)
      if (details === 'Failed') expect(error.message).to.include('gzip: not found')
    })
  }

  it('does not call a command undelivered that had begun when its instance went away', async () => {
    target = {state: 'terminated', profileArn: null}
    on(GetCommandInvocationCommand).resolves({...UNDER_WAY, Status: 'Failed', StatusDetails: 'Undeliverable'})
    const error = await expectedFailure(shell.run(ID, REQUEST))
    expect([error.code, error.details['delivered']]).to.deep.equal(['wrong_state', null])
  })

  describe('finds out why AWS takes no command for an instance:', () => {
    beforeEach(() => on(SendCommandCommand).rejects(awsError('InvalidInstanceId')))
    const CASES: [what: string, state: ShellTarget | null, ping: string | null, code: string, next: string, says: RegExp][] = [
      ['there is none', null, null, 'not_found', 'runctl resources list', /no instance/],
      ['it is stopped', {state: 'stopped', profileArn: 'arn'}, null, 'wrong_state', `runctl aws start ${ID} --wait`, /is stopped/],
      ['it is terminated', {state: 'terminated', profileArn: 'arn'}, null, 'wrong_state', 'runctl aws create', /is terminated/],
      ['it is starting', {state: 'pending', profileArn: null}, null, 'wrong_state', `runctl aws wait ${ID}`, /still starting/],
      ['it has no profile', {state: 'running', profileArn: null}, null, 'unreachable', `runctl aws setup --attach ${ID}`, /no instance profile/],
      ['its agent is not there yet', {state: 'running', profileArn: 'arn'}, null, 'unreachable', `runctl aws wait ${ID}`, /not connected yet/],
      ['its agent is lost', {state: 'running', profileArn: 'arn'}, 'ConnectionLost', 'unreachable', `runctl aws wait ${ID}`, /lost its connection/],
      ['nobody knows', {state: 'running', profileArn: 'arn'}, 'Online', 'unreachable', `runctl aws wait ${ID}`, /seen online/],
    ]
    for (const [what, state, ping, code, next, says] of CASES) {
      it(what, async () => {
        target = state
        on(DescribeInstanceInformationCommand).resolves({InstanceInformationList: ping === null ? [] : [{InstanceId: ID, PingStatus: ping}]})
        const error = await expectedFailure(shell.run(ID, REQUEST))
        expect([error.code, error.next[0]]).to.deep.equal([code, next])
        expect(error.message).to.match(says)
        if (code !== 'not_found') expect(error.details['delivered']).to.equal(false)
        for (const input of inputs(DescribeInstanceInformationCommand)) expect(input).to.deep.equal({Filters: [{Key: 'InstanceIds', Values: [ID]}]})
        expect(inputs(DescribeInstanceInformationCommand)).to.have.length(state?.state === 'running' && state.profileArn !== null ? 1 : 0)
      })
    }
  })

  it('notices that an instance stopped under a command, and takes the command back', async () => {
    on(GetCommandInvocationCommand).resolves(UNDER_WAY)
    clock.onSleep = () => (target = clock.slept.length > 12 ? {state: 'stopping', profileArn: 'arn'} : target)
    const error = await expectedFailure(shell.run(ID, {...REQUEST, timeoutMs: 3_600_000}))
    expect([error.code, error.details['state']]).to.deep.equal(['wrong_state', 'stopping'])
    expect(inputs(CancelCommandCommand)).to.deep.equal([{CommandId: 'c-1', InstanceIds: [ID]}])
  })

  it('soon refuses a command that waits for a stopped instance', async () => {
    target = {state: 'stopped', profileArn: 'arn'}
    on(GetCommandInvocationCommand).resolves({Status: 'Pending', StatusDetails: 'Pending'})
    const begun = clock.now().getTime()
    const error = await expectedFailure(shell.run(ID, REQUEST))
    expect([error.code, error.details['delivered']]).to.deep.equal(['wrong_state', false])
    expect(clock.now().getTime() - begun).to.be.below(6000)
  })

  it('cancels a command that is never done, and does not wait for that for ever', async () => {
    on(GetCommandInvocationCommand).resolves(UNDER_WAY)
    const begun = clock.now().getTime()
    expect((await expectedFailure(shell.run(ID, REQUEST))).code).to.equal('timed_out')
    expect(clock.now().getTime() - begun).to.be.within(REQUEST.timeoutMs, REQUEST.timeoutMs + 60_000)
    expect(inputs(CancelCommandCommand)).to.have.length(1)
  })

  describe('with many instances', () => {
    const invocation = (id: string, output = 'ok') => ({InstanceId: id, Status: 'Success', StatusDetails: 'Success', CommandPlugins: [{Output: frame(output)}]})

    it('sends to fifty at a time', async () => {
      on(ListCommandInvocationsCommand).callsFake(() => ({CommandInvocations: Array.from({length: 60}, (_, index) => invocation(idAt(index)))}))
      await Promise.all(Array.from({length: 60}, (_, index) => shell.run(idAt(index), REQUEST)))
      expect(inputs(SendCommandCommand).map(({InstanceIds}) => InstanceIds?.length)).to.deep.equal([50, 10])
      // What each printed is in the details alone.
      expect(inputs(ListCommandInvocationsCommand).slice(0, 2)).to.deep.equal([1, 2].map(() => ({CommandId: 'c-1', Details: true, MaxResults: 50})))
    })

    it('sends one by one where AWS refuses one of them', async () => {
      on(SendCommandCommand).callsFake((input: {InstanceIds: string[]}) => {
        if (input.InstanceIds.includes(idAt(1))) throw awsError('InvalidInstanceId')
        return {Command: {CommandId: `c-${input.InstanceIds[0]}`}}
      })
      on(GetCommandInvocationCommand).resolves(SUCCESS)
      on(DescribeInstanceInformationCommand).resolves({InstanceInformationList: []})
      const ends = await Promise.all([0, 1, 2].map(index => shell.run(idAt(index), REQUEST).then(() => 'ok', (error: unknown) => (error as RunctlError).code)))
      expect(ends).to.deep.equal(['ok', 'unreachable', 'ok'])
      expect(inputs(SendCommandCommand)).to.have.length(4)
    })

    it('takes back the one whose caller gives up, and goes on with the others', async () => {
      const controller = new AbortController()
      let polls = 0
      on(ListCommandInvocationsCommand).callsFake(() => {
        if (++polls === 3) controller.abort(new Error('detached'))
        return {CommandInvocations: polls > 5 ? [0, 1].map(index => invocation(idAt(index))) : []}
      })
      const one = rejection(shell.run(idAt(0), {...REQUEST, signal: controller.signal}))
      const other = shell.run(idAt(1), REQUEST)
      expect(((await one) as Error).message).to.equal('detached')
      expect(Buffer.from((await other).stdout).toString()).to.equal('ok')
      expect(inputs(CancelCommandCommand)).to.deep.equal([{CommandId: 'c-1', InstanceIds: [idAt(0)]}])
    })
  })
})
