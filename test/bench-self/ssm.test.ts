import {existsSync} from 'node:fs'
import {join} from 'node:path'

import {
  CancelCommandCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  type GetCommandInvocationResult,
  GetParameterCommand,
  GetParametersByPathCommand,
  GetParametersCommand,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  SendCommandCommand,
  type SendCommandCommandInput,
} from '@aws-sdk/client-ssm'
import {expect} from 'chai'

import type {BenchInstance} from '../bench/types.js'
import {rejection} from '../support/rejection.js'
import {eventually} from './machine-world.js'
import {type SsmEndpoint, startSsmEndpoint} from './ssm-endpoint.js'

let bench: SsmEndpoint

async function send(ids: readonly BenchInstance[], script: string, more: Partial<SendCommandCommandInput> = {}, parameters: Record<string, string[]> = {}): Promise<string> {
  const {Command} = await bench.ssm.send(
    new SendCommandCommand({
      DocumentName: 'AWS-RunShellScript',
      InstanceIds: ids.map(({id}) => id),
      Parameters: {commands: script.split('\n'), ...parameters},
      ...more,
    }),
  )
  return Command!.CommandId!
}

async function look(commandId: string, {id}: BenchInstance): Promise<GetCommandInvocationResult> {
  return bench.ssm.send(new GetCommandInvocationCommand({CommandId: commandId, InstanceId: id}))
}

const ENDED = /Success|Failed|TimedOut|Cancelled/

async function end(commandId: string, instance: BenchInstance): Promise<GetCommandInvocationResult> {
  let found = await look(commandId, instance)
  await eventually(async () => {
    found = await look(commandId, instance)
    return ENDED.test(found.Status ?? '')
  }, 20_000)
  return found
}

async function until(commandId: string, instance: BenchInstance, status: string): Promise<void> {
  await eventually(async () => (await look(commandId, instance)).Status === status)
}

/** The error's name where the command is refused. */
async function refusal(ids: readonly BenchInstance[], script = 'true', more: Partial<SendCommandCommandInput> = {}, parameters: Record<string, string[]> = {}): Promise<string> {
  return ((await rejection(send(ids, script, more, parameters))) as Error).name
}

function use(times: Parameters<typeof startSsmEndpoint>[0] = {}): void {
  beforeEach(async () => {
    bench = await startSsmEndpoint(times)
  })
  afterEach(async () => {
    await bench.close()
  })
}

/** A file that scripts and this test share; on the instance it has the path that `path` gives. */
function shared(instance: BenchInstance, name: string): {path: string; exists: () => boolean} {
  const host = (): string => bench.world.machines.hostPath(instance.id, bench.world.machines.kind === 'namespaces' ? join('/var', name) : name)
  return {path: bench.world.machines.kind === 'namespaces' ? `/var/${name}` : host(), exists: () => existsSync(host())}
}

describe('bench SSM: a command', () => {
  use()

  it('runs on each of its instances and tells status, code and streams', async () => {
    const [a, b] = [await bench.launch(), await bench.launch()]
    const command = await send([a, b], `test $AWS_SSM_INSTANCE_ID = ${a.id} || { echo bad >&2; exit 3; }\necho good`)
    expect(await end(command, a)).to.include({Status: 'Success', StatusDetails: 'Success', ResponseCode: 0, StandardOutputContent: 'good\n', StandardErrorContent: '', PluginName: 'aws:runShellScript'})
    expect(await end(command, b)).to.include({Status: 'Failed', StatusDetails: 'Failed', ResponseCode: 3, StandardOutputContent: '', StandardErrorContent: 'bad\n'})
  })

  it('is InProgress without output until it ends', async () => {
    const a = await bench.launch()
    const go = shared(a, 'go')
    const started = shared(a, 'started')
    const command = await send([a], `echo early; touch ${started.path}; while ! [ -e ${go.path} ]; do sleep 0.05; done`)
    await eventually(started.exists)
    expect(await look(command, a)).to.include({Status: 'InProgress', StatusDetails: 'InProgress', ResponseCode: -1, StandardOutputContent: ''})
    await end(await send([a], `touch ${go.path}`), a)
    expect((await end(command, a)).StandardOutputContent).to.equal('early\n')
  })

  it('cuts output as the agent does: the mark takes the place of the last characters', async () => {
    const a = await bench.launch()
    const found = await end(await send([a], 'head -c 23999 /dev/zero | tr "\\0" a; head -c 9000 /dev/zero | tr "\\0" e >&2'), a)
    expect(found.StandardOutputContent).to.equal('a'.repeat(23_999))
    expect(found.StandardErrorContent).to.equal('e'.repeat(8000 - 20) + '--output truncated--')
    const long = await send([a], 'head -c 30000 /dev/zero | tr "\\0" a')
    expect((await end(long, a)).StandardOutputContent).to.equal('a'.repeat(24_000 - 20) + '--output truncated--')
    const {CommandInvocations} = await bench.ssm.send(new ListCommandInvocationsCommand({CommandId: long, Details: true}))
    expect(CommandInvocations![0]!.CommandPlugins![0]!.Output).to.have.lengthOf(2500)
  })

  it('that exits with 137 is told as timed out', async () => {
    const a = await bench.launch()
    expect(await end(await send([a], 'exit 137'), a)).to.include({Status: 'TimedOut', StatusDetails: 'ExecutionTimedOut', ResponseCode: 137})
  })

  it('that a signal ended has no exit code', async () => {
    const a = await bench.launch()
    expect(await end(await send([a], 'kill -KILL 0'), a)).to.include({Status: 'Failed', ResponseCode: -1})
  })

  it('is killed when its execution time is over, with what it printed', async () => {
    bench.world.ssmSecondMs = 40
    const a = await bench.launch()
    const found = await end(await send([a], 'echo before; sleep 60', {}, {executionTimeout: ['10']}), a)
    expect(found).to.include({Status: 'TimedOut', StatusDetails: 'ExecutionTimedOut', ResponseCode: 137, StandardOutputContent: 'before\n'})
  })

  it('that exits with 194 restarts the machine and runs again', async () => {
    const a = await bench.launch()
    const mark = shared(a, 'mark')
    const script = `echo run >>${mark.path}; cat \${RUNCTL_BENCH_MACHINE:+/dev/null} /proc/sys/kernel/random/boot_id >>${mark.path}.boots; [ $(wc -l <${mark.path}) -ge 2 ] || exit 194; cat ${mark.path}; sort -u ${mark.path}.boots | wc -l`
    const found = await end(await send([a], script), a)
    expect(found).to.include({Status: 'Success', ResponseCode: 0})
    expect(found.StandardOutputContent).to.equal(`run\nrun\n${bench.world.machines.kind === 'namespaces' ? 2 : 1}\n`)
  })

  it('stays InProgress while a child holds its output, and not when the child has detached', async () => {
    const a = await bench.launch()
    const go = shared(a, 'go')
    const held = await send([a], `while ! [ -e ${go.path} ]; do sleep 0.05; done & echo started`)
    const free = await send([a], `setsid sh -c 'while ! [ -e ${go.path} ]; do sleep 0.05; done' >/dev/null 2>&1 </dev/null &`)
    expect((await end(free, a)).Status).to.equal('Success')
    expect((await look(held, a)).Status).to.equal('InProgress')
    await end(await send([a], `touch ${go.path}`), a)
    expect((await end(held, a)).StandardOutputContent).to.equal('started\n')
  })

  it('is killed at once by CancelCommand, but for what has a session of its own', async () => {
    const a = await bench.launch()
    const spared = shared(a, 'spared')
    const command = await send([a], `trap '' TERM; setsid sh -c 'touch ${spared.path}; sleep 0.4; touch ${spared.path}2' >/dev/null 2>&1 </dev/null & sleep 600`)
    await eventually(spared.exists)
    await bench.ssm.send(new CancelCommandCommand({CommandId: command}))
    expect(await end(command, a)).to.include({Status: 'Cancelled', StatusDetails: 'Cancelled'})
    await eventually(shared(a, 'spared2').exists)
    const {Commands} = await bench.ssm.send(new ListCommandsCommand({CommandId: command}))
    expect(Commands![0]).to.include({Status: 'Cancelled', TargetCount: 1, CompletedCount: 1})
    expect(((await rejection(bench.ssm.send(new CancelCommandCommand({CommandId: 'x'.repeat(36)})))) as Error).name).to.equal('InvalidCommandId')
  })

  it('is run twice where its delivery is doubled', async () => {
    const a = await bench.launch()
    const mark = shared(a, 'mark')
    bench.world.doubleDelivery = 1
    expect((await end(await send([a], `echo run >>${mark.path}; sleep 0.3`), a)).Status).to.equal('Success')
    await end(await send([a], 'sleep 0.2'), a)
    expect((await end(await send([a], `cat ${mark.path}`), a)).StandardOutputContent).to.equal('run\nrun\n')
  })

  it('has at most five beside it on an instance; five more are taken, the rest waits', async () => {
    const a = await bench.launch()
    const go = shared(a, 'go')
    const commands: string[] = []
    for (let i = 0; i < 12; i++) commands.push(await send([a], `while ! [ -e ${go.path} ]; do sleep 0.05; done`))
    const all = async (): Promise<GetCommandInvocationResult[]> => Promise.all(commands.map((command) => look(command, a)))
    await eventually(async () => (await all()).filter(({ExecutionStartDateTime}) => ExecutionStartDateTime !== '').length === 5)
    expect((await all()).map(({Status}) => Status)).to.deep.equal([...Array<string>(10).fill('InProgress'), 'Pending', 'Pending'])
    await bench.ssm.send(new CancelCommandCommand({CommandId: commands[0]!}))
    await eventually(async () => (await all()).filter(({ExecutionStartDateTime}) => ExecutionStartDateTime !== '').length === 6)
    for (const command of commands) await bench.ssm.send(new CancelCommandCommand({CommandId: command}))
    await Promise.all(commands.map((command) => end(command, a)))
  })

  it('reaches by tag as many as there are, so many at once, and none after too many errors', async () => {
    const tagged = await Promise.all(Array.from({length: 4}, () => bench.launch({tags: new Map([['team', 'vision']])})))
    await bench.launch()
    const targets = {InstanceIds: [], Targets: [{Key: 'tag:team', Values: ['vision', 'speech']}]}
    const all = await send([], 'true', targets)
    await eventually(async () => (await bench.ssm.send(new ListCommandsCommand({CommandId: all}))).Commands![0]!.Status === 'Success')
    const failing = await send([], 'exit 1', {...targets, MaxConcurrency: '1', MaxErrors: '1'})
    await eventually(async () => (await bench.ssm.send(new ListCommandsCommand({CommandId: failing}))).Commands![0]!.CompletedCount === 4)
    const details = await Promise.all(tagged.map(async (each) => (await look(failing, each)).StatusDetails))
    expect(details.sort()).to.deep.equal(['Failed', 'Failed', 'Terminated', 'Terminated'])
  })
})

describe('bench SSM: what it refuses', () => {
  use()

  it('other documents, bad numbers, too many or too large things, unresolved braces', async () => {
    const a = await bench.launch()
    expect(await refusal([a], 'true', {DocumentName: 'AWS-RunPowerShellScript'})).to.equal('InvalidDocument')
    expect(await refusal([a], 'true', {TimeoutSeconds: 29})).to.equal('ValidationException')
    expect(await refusal([a], 'true', {TimeoutSeconds: 2_592_001})).to.equal('ValidationException')
    expect(await refusal([a], 'true', {Comment: 'c'.repeat(101)})).to.equal('ValidationException')
    expect(await refusal([a], 'x'.repeat(33_000))).to.equal('ValidationException')
    expect(await refusal(Array.from({length: 51}, () => a))).to.equal('ValidationException')
    expect(await refusal([])).to.equal('ValidationException')
    expect(await refusal([a], 'echo {{ name }}')).to.equal('InvalidParameters')
    expect(await refusal([a], 'true', {}, {colour: ['red']})).to.equal('InvalidParameters')
    expect(await refusal([a], 'true', {}, {executionTimeout: ['soon']})).to.equal('InvalidParameters')
    expect((await end(await send([a], 'echo "{{" }}'), a)).StandardOutputContent).to.equal('{{ }}\n')
  })

  it('a whole command where one of its instances is unknown, without rights, or terminated', async () => {
    const [a, other, gone] = [await bench.launch(), await bench.launch({profileArn: null}), await bench.launch()]
    await end(await send([gone], 'true'), gone)
    await bench.terminate(gone)
    for (const bad of [other, gone, {...a, id: 'i-0123456789abcdef0'}]) expect(await refusal([a, bad])).to.equal('InvalidInstanceId')
    other.profileArn = a.profileArn
    expect((await end(await send([other], 'true'), other)).Status).to.equal('Success')
  })

  it('invocations that it does not know', async () => {
    const [a, b] = [await bench.launch(), await bench.launch()]
    const command = await send([a], 'true')
    expect(((await rejection(look(command, b))) as Error).name).to.equal('InvocationDoesNotExist')
    await end(command, a)
  })
})

describe('bench SSM: time', () => {
  use({onlineMs: 400, deliveryMs: 150, invocationLagMs: 200})

  it('refuses an instance whose agent has not registered yet', async () => {
    const a = await bench.launch()
    expect(await refusal([a])).to.equal('InvalidInstanceId')
    expect((await bench.ssm.send(new DescribeInstanceInformationCommand({}))).InstanceInformationList).to.deep.equal([])
    await eventually(async () => (await bench.ssm.send(new DescribeInstanceInformationCommand({}))).InstanceInformationList!.length === 1)
    await send([a], 'true')
  })

  it('knows an invocation only after a while, and delivers after a while', async () => {
    const a = await bench.launch()
    await eventually(async () => (await refusal([a]).catch(() => '')) === '')
    const start = Date.now()
    const command = await send([a], 'true')
    expect(((await rejection(look(command, a))) as Error).name).to.equal('InvocationDoesNotExist')
    await eventually(async () => (await look(command, a).catch(() => null)) !== null)
    expect(Date.now() - start).to.be.above(190)
    const found = await end(command, a)
    expect(Date.parse(found.ExecutionStartDateTime!) - start).to.be.above(140)
  })
})

describe('bench SSM: stops', () => {
  use({onlineMs: 50})

  async function launchOnline(): Promise<BenchInstance> {
    const a = await bench.launch()
    await eventually(async () => (await refusal([a]).catch(() => '')) === '')
    return a
  }

  it('a stopped instance is not listed but takes a command, which runs when it is back', async () => {
    const a = await launchOnline()
    await bench.stop(a)
    expect((await bench.ssm.send(new DescribeInstanceInformationCommand({}))).InstanceInformationList).to.deep.equal([])
    const command = await send([a], 'echo late')
    await until(command, a, 'Delayed')
    await bench.start(a)
    expect(await end(command, a)).to.include({Status: 'Success', StandardOutputContent: 'late\n'})
  })

  it('a command under which the machine stops stays InProgress, and is run again when the agent is back', async () => {
    const a = await launchOnline()
    const mark = shared(a, 'mark')
    const command = await send([a], `echo run >>${mark.path}; [ $(wc -l <${mark.path}) -ge 2 ] || sleep 600; cat ${mark.path}`)
    await eventually(mark.exists)
    await bench.stop(a)
    expect((await look(command, a)).Status).to.equal('InProgress')
    await bench.start(a)
    expect(await end(command, a)).to.include({Status: 'Success', StandardOutputContent: 'run\nrun\n'})
  })

  it('or is not, and ends when all its time is over', async () => {
    bench.world.redeliverAfterStart = false
    bench.world.ssmSecondMs = 30
    const a = await launchOnline()
    const mark = shared(a, 'mark')
    const command = await send([a], `touch ${mark.path}; sleep 600`, {TimeoutSeconds: 30}, {executionTimeout: ['30']})
    await eventually(mark.exists)
    await bench.stop(a)
    await bench.start(a)
    await end(await send([a], 'true'), a)
    expect((await look(command, a)).Status).to.equal('InProgress')
    expect(await end(command, a)).to.include({Status: 'TimedOut', StatusDetails: 'DeliveryTimedOut'})
  })

  it('a command that nobody takes in its time was not delivered', async () => {
    bench.world.ssmSecondMs = 10
    const a = await launchOnline()
    await bench.stop(a)
    const found = await end(await send([a], 'true', {TimeoutSeconds: 30}), a)
    expect(found).to.include({Status: 'TimedOut', StatusDetails: 'DeliveryTimedOut', ResponseCode: -1, ExecutionStartDateTime: ''})
  })

  it('a command to an instance that is then terminated is undeliverable', async () => {
    const a = await launchOnline()
    await bench.stop(a)
    const command = await send([a], 'true')
    await bench.terminate(a)
    expect(await end(command, a)).to.include({Status: 'Failed', StatusDetails: 'Undeliverable'})
  })

  it('a waiting command is cancelled without its agent', async () => {
    const a = await launchOnline()
    await bench.stop(a)
    const mark = shared(a, 'mark')
    const command = await send([a], `touch ${mark.path}`)
    await bench.ssm.send(new CancelCommandCommand({CommandId: command, InstanceIds: [a.id]}))
    expect((await look(command, a)).Status).to.equal('Cancelled')
    await bench.start(a)
    await eventually(async () => (await refusal([a]).catch(() => '')) === '')
    await end(await send([a], 'true'), a)
    expect(mark.exists()).to.be.false
  })
})

describe('bench SSM: lists', () => {
  use()

  it('pages and filters invocations and commands, newest first', async () => {
    const instances = await Promise.all(Array.from({length: 5}, () => bench.launch()))
    const first = await send(instances, 'true')
    const second = await send(instances.slice(0, 1), 'exit 1')
    await Promise.all(instances.map((each) => end(first, each)))
    await end(second, instances[0]!)
    const seen: string[] = []
    let token: string | undefined
    do {
      const page = await bench.ssm.send(new ListCommandInvocationsCommand({CommandId: first, MaxResults: 2, ...(token === undefined ? {} : {NextToken: token})}))
      expect(page.CommandInvocations!.length).to.be.within(1, 2)
      expect(page.CommandInvocations![0]!.CommandPlugins).to.deep.equal([])
      seen.push(...page.CommandInvocations!.map(({InstanceId}) => InstanceId!))
      token = page.NextToken
    } while (token !== undefined)
    expect(seen.sort()).to.deep.equal(instances.map(({id}) => id).sort())
    const {Commands} = await bench.ssm.send(new ListCommandsCommand({InstanceId: instances[0]!.id}))
    expect(Commands!.map(({CommandId, Status}) => [CommandId, Status])).to.deep.equal([[second, 'Failed'], [first, 'Success']])
    const failed = await bench.ssm.send(new ListCommandsCommand({Filters: [{key: 'Status', value: 'Failed'}]}))
    expect(failed.Commands!.map(({CommandId}) => CommandId)).to.deep.equal([second])
    expect(Commands![0]!.RequestedDateTime).to.be.instanceOf(Date)
  })

  it('tells of the nodes by id', async () => {
    const [a, b] = [await bench.launch(), await bench.launch()]
    const {InstanceInformationList} = await bench.ssm.send(new DescribeInstanceInformationCommand({Filters: [{Key: 'InstanceIds', Values: [b.id]}]}))
    expect(InstanceInformationList!.map(({InstanceId, PingStatus, PlatformType}) => [InstanceId, PingStatus, PlatformType])).to.deep.equal([[b.id, 'Online', 'Linux']])
    expect((await bench.ssm.send(new DescribeInstanceInformationCommand({MaxResults: 5}))).InstanceInformationList).to.have.lengthOf(2)
    a.profileArn = null
    expect((await bench.ssm.send(new DescribeInstanceInformationCommand({}))).InstanceInformationList).to.have.lengthOf(1)
  })

  it('has the public parameters of the images, and no others', async () => {
    const al2023 = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-'
    const {Parameter} = await bench.ssm.send(new GetParameterCommand({Name: `${al2023}x86_64`}))
    expect(Parameter!.Value).to.match(/^ami-[0-9a-f]{17}$/)
    const deepLearning = '/aws/service/deeplearning/ami/arm64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id'
    const several = await bench.ssm.send(new GetParametersCommand({Names: [`${al2023}arm64`, deepLearning, '/nothing/here']}))
    expect(several.Parameters!.map(({Name}) => Name)).to.have.members([`${al2023}arm64`, deepLearning])
    expect(several.InvalidParameters).to.deep.equal(['/nothing/here'])
    expect(((await rejection(bench.ssm.send(new GetParameterCommand({Name: '/nothing/here'})))) as Error).name).to.equal('ParameterNotFound')
    const below = await bench.ssm.send(new GetParametersByPathCommand({Path: '/aws/service/ami-amazon-linux-latest'}))
    expect(below.Parameters).to.have.lengthOf(4)
  })
})
