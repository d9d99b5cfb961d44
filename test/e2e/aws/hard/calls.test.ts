import {expect} from 'chai'

import type {Call} from '../../../bench/counts.js'
import {Bench} from '../../support/bench.js'

const LATENCY_MS = 80

/** How often AWS is asked what became of a command: by how long the command takes, at least once a command. */
const POLLS = 'n'
type Counts = Readonly<Record<string, number | typeof POLLS>>
type Argv = readonly string[]

interface Row {
  readonly argv: (id: string) => Argv
  readonly calls: Counts
  /** Operations that must be under way at the same moment: none of them needs the other's answer. */
  readonly beside?: readonly (readonly [string, string])[]
}

const COMMAND = {SendCommand: 1, GetCommandInvocation: POLLS} as const

/**
 * What each command asks of AWS, in the order of a day's work: each row finds what the row before it left. The state of an instance is asked
 * once a command, and what is asked of the instance itself is one SendCommand. More than that needs a reason, and these have one:
 *
 * - `monitor`: log and checkpoints are two questions to the agent, sent at once; so are checkpoints and runs of `checkpoint list`.
 * - `resources list` asks all instances at once what runs on them, for the work at risk: one command, or none with --no-ask.
 * - `stop`: the second DescribeInstances is the wait for `stopped`, as many as that takes.
 * - `start --wait`: DescribeInstances until it runs, then a command, because only one that answers proves that commands arrive.
 * - `workflow run`: start with its proof, start of the script, its log, the proof of its checkpoints, and the stop; after the training, which may
 *   have taken days, the instance is looked at again before it is ended, and the start of a script looks at what it starts on.
 */
const TABLE: Readonly<Record<string, Row>> = {
  'aws train --sync-code, after an edit': {argv: id => ['aws', 'train', id, 'script.py', '--sync-code'], calls: {DescribeInstances: 1, ...COMMAND}},
  'aws train --sync-code --wait, after an edit': {
    argv: id => ['aws', 'train', id, 'script.py', '--sync-code', '--wait'],
    calls: {DescribeInstances: 1, SendCommand: 2, GetCommandInvocation: POLLS, CreateTags: 1},
  },
  'aws status, the first time, with the price': {
    argv: id => ['aws', 'status', id],
    calls: {DescribeInstances: 1, ...COMMAND, GetProducts: 1},
  },
  'aws status': {argv: id => ['aws', 'status', id], calls: {DescribeInstances: 1, ...COMMAND}},
  'resources list': {argv: () => ['resources', 'list'], calls: {DescribeInstances: 1, ...COMMAND}},
  'resources list --no-ask': {argv: () => ['resources', 'list', '--no-ask'], calls: {DescribeInstances: 1}},
  'aws status of all': {argv: () => ['aws', 'status'], calls: {DescribeInstances: 1, ...COMMAND}},
  'run list': {argv: () => ['run', 'list'], calls: {DescribeInstances: 1, ...COMMAND}},
  status: {argv: () => ['status'], calls: {DescribeInstances: 1, ...COMMAND}},
  'checkpoint list': {
    argv: id => ['checkpoint', 'list', '--instance-id', id],
    calls: {DescribeInstances: 1, SendCommand: 2, GetCommandInvocation: POLLS},
    beside: [['SendCommand', 'SendCommand'], ['GetCommandInvocation', 'GetCommandInvocation']],
  },
  'aws monitor': {
    argv: id => ['aws', 'monitor', id],
    calls: {DescribeInstances: 1, SendCommand: 2, GetCommandInvocation: POLLS},
    beside: [['SendCommand', 'SendCommand'], ['GetCommandInvocation', 'GetCommandInvocation']],
  },
  'aws exec': {argv: id => ['aws', 'exec', id, '--', 'true'], calls: {DescribeInstances: 1, ...COMMAND}},
  'aws stop': {
    argv: id => ['aws', 'stop', id],
    calls: {DescribeInstances: 2, ...COMMAND, CreateTags: 1, StopInstances: 1},
  },
  'aws stop of a stopped one': {argv: id => ['aws', 'stop', id], calls: {DescribeInstances: 1}},
  'aws status of a stopped one': {argv: id => ['aws', 'status', id], calls: {DescribeInstances: 1}},
  'workflow run': {
    argv: id => ['workflow', 'run', id, 'script.py'],
    calls: {StartInstances: 1, DescribeInstances: 5, SendCommand: 5, GetCommandInvocation: POLLS, CreateTags: 1, StopInstances: 1},
  },
  'aws start --wait': {argv: id => ['aws', 'start', id, '--wait'], calls: {DescribeInstances: 2, StartInstances: 1, ...COMMAND}},
  'aws terminate --force of a running one': {
    argv: id => ['aws', 'terminate', id, '--force'],
    calls: {DescribeInstances: 2, ...COMMAND, CreateTags: 1, TerminateInstances: 1},
  },
}

describe('what the commands ask of AWS, each call taking 80 ms longer', function () {
  this.timeout(60_000)
  let bench: Bench
  let id: string
  let edits = 0

  before(async () => {
    bench = await Bench.create({'script.py': 'print(0)\n'}, {platform: 'aws', aws: {latencyMs: LATENCY_MS}})
    id = await bench.aws.addInstance()
    // The first time, agent and project go along, and the tags say which project it is.
    await bench.ok(['aws', 'train', id, 'script.py', '--sync-code', '--wait'])
  })
  after(() => bench?.destroy())

  for (const [name, {argv, beside = [], calls}] of Object.entries(TABLE)) {
    it(name, async () => {
      await bench.write('script.py', `print(${++edits})\n`)
      bench.aws.calls.reset()
      await bench.ok(argv(id))
      const made = bench.aws.calls.list()
      expect(counted(made, calls)).to.deep.equal(calls)
      for (const [one, other] of beside) expect(overlap(made, one, other), `${one} beside ${other}`).to.equal(true)
    })
  }

  it('aws create: what is looked up is looked up at once, and the machine is asked for once', async () => {
    bench.aws.calls.reset()
    // Of a type whose price is known by now.
    await bench.ok(['aws', 'create', '--type', 't3.medium', '--count', '3'])
    const made = bench.aws.calls.list()
    expect(counted(made, {})).to.deep.equal({
      DescribeInstances: 1, GetParameters: 1, DescribeInstanceTypes: 1, DescribeImages: 1, DescribeSubnets: 1, DescribeSecurityGroups: 1, CreateSecurityGroup: 1, RunInstances: 3,
    })
    for (const other of ['DescribeSubnets', 'DescribeSecurityGroups', 'DescribeInstances']) expect(overlap(made, 'DescribeInstanceTypes', other), other).to.equal(true)
    expect(overlap(made, 'RunInstances', 'RunInstances')).to.equal(true)
  })
})

/** As the table writes them. */
function counted(made: readonly Call[], expected: Counts): Counts {
  const counts: Record<string, number | typeof POLLS> = {}
  for (const {operation} of made) counts[operation] = expected[operation] === POLLS ? POLLS : Number(counts[operation] ?? 0) + 1
  return counts
}

/** Whether a call of the one kind was under way together with another of the other kind. A command is under way until its last poll. */
function overlap(made: readonly Call[], one: string, other: string): boolean {
  const polls = made.filter(({operation}) => operation === 'GetCommandInvocation')
  const end = ({at, operation, tookMs}: Call): number => (operation === 'SendCommand' && one !== other ? Math.max(at + tookMs, ...polls.map(poll => poll.at + poll.tookMs)) : at + tookMs)
  return made.some(a => a.operation === one && made.some(b => b !== a && b.operation === other && b.at < end(a) && a.at < end(b)))
}
