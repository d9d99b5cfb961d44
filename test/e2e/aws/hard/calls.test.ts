import {expect} from 'chai'

import path from 'node:path'

import type {TrainJson} from '../../../../src/cli/verbs/train.js'
import type {Call} from '../../../bench/counts.js'
import {Bench} from '../../support/bench.js'

const LATENCY_MS = 80

/** As often as it takes: what became of a command, whether an instance runs or has stopped. At least once. */
const POLLS = 'n'
type Counts = Readonly<Record<string, number | typeof POLLS>>
type Argv = readonly string[]

interface Row {
  readonly argv: (id: string, run: string) => Argv
  readonly calls: Counts
  /** Operations that must be under way at the same moment: none of them needs the other's answer. */
  readonly beside?: readonly (readonly [string, string])[]
  /** No price is remembered. */
  readonly fresh?: boolean
}

const COMMAND = {SendCommand: 1, GetCommandInvocation: POLLS} as const

/**
 * What each command asks of AWS, in the order of a day's work: each row finds what the row before it left. The state of an instance is asked
 * once a command, and what is asked of the instance itself is one SendCommand. More than that needs a reason, and these have one:
 *
 * - `monitor`: log and checkpoints are two questions to the agent, sent at once; so are checkpoints and runs of `checkpoint list`.
 * - `resources list` asks all instances at once what runs on them, for the work at risk: one command, or none with --no-ask.
 * - `run logs`: the run is found on its instance, then read. `run stop`: likewise; where it has ended, there is nothing to stop, and that is all.
 * - `pull`: what ran last, which of its files are checkpoints, what is there, and what lacks here.
 * - What an instance cost has its disks in it: one DescribeVolumes beside the prices, until its tags tell (from the first stop on); lists always ask, once for all. The first
 *   question for a price asks for that of a disk too.
 * - `start` writes into the tags what came before and what begins, beside the wait: one CreateTags.
 * - `stop`: DescribeInstances once, then until it has stopped.
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
    calls: {DescribeInstances: 1, DescribeVolumes: 1, ...COMMAND, GetProducts: 2},
    beside: [['SendCommand', 'GetProducts']],
    fresh: true,
  },
  'aws status': {argv: id => ['aws', 'status', id], calls: {DescribeInstances: 1, DescribeVolumes: 1, ...COMMAND}},
  'resources list': {argv: () => ['resources', 'list'], calls: {DescribeInstances: 1, DescribeVolumes: 1, ...COMMAND}},
  'resources list --no-ask': {argv: () => ['resources', 'list', '--no-ask'], calls: {DescribeInstances: 1, DescribeVolumes: 1}},
  'aws status of all': {argv: () => ['aws', 'status'], calls: {DescribeInstances: 1, DescribeVolumes: 1, ...COMMAND}},
  'run list': {argv: () => ['run', 'list'], calls: {DescribeInstances: 1, ...COMMAND}},
  status: {argv: () => ['status'], calls: {DescribeInstances: 1, DescribeVolumes: 1, ...COMMAND}},
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
  'aws wait': {argv: id => ['aws', 'wait', id], calls: {DescribeInstances: 1, DescribeVolumes: 1, ...COMMAND}},
  'aws wait, the first time, with the price': {
    argv: id => ['aws', 'wait', id],
    calls: {DescribeInstances: 1, DescribeVolumes: 1, ...COMMAND, GetProducts: 2},
    beside: [['SendCommand', 'GetProducts']],
    fresh: true,
  },
  'aws processes': {argv: id => ['aws', 'processes', id], calls: {DescribeInstances: 1, ...COMMAND}},
  'aws push': {argv: id => ['aws', 'push', id, 'script.py'], calls: {DescribeInstances: 1, ...COMMAND}},
  'aws pull': {argv: id => ['aws', 'pull', id, 'projects/project/script.py', 'back'], calls: {DescribeInstances: 1, SendCommand: 4, GetCommandInvocation: POLLS}},
  'run show': {argv: (_id, run) => ['run', 'show', run], calls: {DescribeInstances: 1, ...COMMAND}},
  'run logs': {argv: (_id, run) => ['run', 'logs', run], calls: {DescribeInstances: 1, SendCommand: 2, GetCommandInvocation: POLLS}},
  'run stop, of one that has ended': {argv: (_id, run) => ['run', 'stop', run], calls: {DescribeInstances: 1, SendCommand: 2, GetCommandInvocation: POLLS}},
  'checkpoint info': {argv: id => ['checkpoint', 'info', 'checkpoints/one.json', '--instance-id', id], calls: {DescribeInstances: 1, ...COMMAND}},
  'aws exec': {argv: id => ['aws', 'exec', id, '--', 'true'], calls: {DescribeInstances: 1, ...COMMAND}},
  'aws stop': {
    argv: id => ['aws', 'stop', id],
    calls: {DescribeInstances: POLLS, DescribeVolumes: 1, ...COMMAND, CreateTags: 1, StopInstances: 1},
  },
  'aws stop of a stopped one': {argv: id => ['aws', 'stop', id], calls: {DescribeInstances: 1}},
  'aws status of a stopped one': {argv: id => ['aws', 'status', id], calls: {DescribeInstances: 1}},
  'workflow run': {
    argv: id => ['workflow', 'run', id, 'script.py'],
    calls: {StartInstances: 1, DescribeInstances: POLLS, SendCommand: 5, GetCommandInvocation: POLLS, CreateTags: 2, StopInstances: 1},
  },
  'aws start --wait': {argv: id => ['aws', 'start', id, '--wait'], calls: {DescribeInstances: POLLS, StartInstances: 1, CreateTags: 1, ...COMMAND}},
  'aws terminate --force of a running one': {
    argv: id => ['aws', 'terminate', id, '--force'],
    calls: {DescribeInstances: POLLS, ...COMMAND, CreateTags: 1, TerminateInstances: 1},
  },
}

const SAVES = `import os
os.makedirs("checkpoints", exist_ok=True)
open("checkpoints/one.json", "w").write("{}")
`

describe('what the commands ask of AWS, each call taking 80 ms longer', function () {
  this.timeout(60_000)
  let bench: Bench
  let id: string
  let run: string
  let edits = 0

  before(async () => {
    bench = await Bench.create({'script.py': SAVES}, {platform: 'aws', aws: {latencyMs: LATENCY_MS}})
    id = await bench.aws.addInstance()
    // The first time, agent and project go along, and the tags say which project it is.
    run = (await bench.json<TrainJson>(['aws', 'train', id, 'script.py', '--sync-code', '--wait'])).run.run_id
    // The price.
    await bench.ok(['resources', 'list'])
  })
  after(() => bench?.destroy())

  async function check(argv: Argv, {beside = [], calls, fresh = false}: Omit<Row, 'argv'>): Promise<void> {
    // However busy this machine is: the first of each waits for the other, which comes only if it is asked for meanwhile.
    const mend = beside.flatMap(([one, other]) => [...new Set([one, other])].map(operation =>
      bench.aws.inject({operation, kind: 'beside', other: operation === one ? other : one, times: 1})))
    bench.aws.calls.reset()
    await bench.ok(argv, fresh ? {env: {RUNCTL_DATA_DIR: path.join(bench.root, `fresh-${++edits}`)}} : {}).finally(() => mend.forEach(remove => remove()))
    const made = bench.aws.calls.list()
    expect(counted(made, calls)).to.deep.equal(calls)
    for (const [one, other] of beside) expect(overlap(made, one, other), `${one} beside ${other}`).to.equal(true)
  }

  for (const [name, row] of Object.entries(TABLE)) {
    it(name, async () => {
      await bench.write('script.py', `${SAVES}print(${++edits})\n`)
      await check(row.argv(id, run), row)
    })
  }

  describe('of several instances', () => {
    let ids: readonly string[]
    before(async () => {
      ids = await Promise.all(['t3.medium', 't3.large', 't3.small'].map(type => bench.aws.addInstance({type})))
      await bench.ok(['aws', 'train', ...ids, 'script.py', '--sync-code', '--wait'])
      // With their prices.
      await bench.ok(['resources', 'list'])
    })

    // What differs from one to the next is sent to each, at once.
    const MANY: Readonly<Record<string, Omit<Row, 'argv'> & {readonly argv: (ids: Argv) => Argv}>> = {
      'aws status: one command to all, beside the prices, which are asked at once': {
        argv: all => ['aws', 'status', ...all],
        calls: {DescribeInstances: 1, DescribeVolumes: 3, ...COMMAND, GetProducts: 4},
        beside: [['SendCommand', 'GetProducts'], ['GetProducts', 'GetProducts']],
        fresh: true,
      },
      'aws wait: one command to all': {argv: all => ['aws', 'wait', ...all], calls: {DescribeInstances: 1, DescribeVolumes: 3, ...COMMAND}},
      'run list: one command to all': {argv: () => ['run', 'list'], calls: {DescribeInstances: 1, ...COMMAND}},
      'resources list: the prices at once': {
        argv: () => ['resources', 'list', '--platform', 'aws'],
        calls: {DescribeInstances: 1, DescribeVolumes: 1, SendCommand: 1, GetCommandInvocation: POLLS, GetProducts: 4},
        beside: [['GetProducts', 'GetProducts'], ['SendCommand', 'GetProducts']],
        fresh: true,
      },
      'aws train, after an edit: a start each, at once': {
        argv: all => ['aws', 'train', ...all, 'script.py', '--sync-code'],
        // A command that takes long is a reason to look whether its instance still runs.
        calls: {DescribeInstances: POLLS, SendCommand: 3, GetCommandInvocation: POLLS},
        beside: [['SendCommand', 'SendCommand']],
      },
      'aws stop: what is ready at once travels together, beside the prices': {
        argv: all => ['aws', 'stop', ...all],
        calls: {DescribeInstances: POLLS, DescribeVolumes: 3, SendCommand: POLLS, GetCommandInvocation: POLLS, CreateTags: POLLS, StopInstances: POLLS, GetProducts: 4},
        beside: [['SendCommand', 'GetProducts'], ['GetProducts', 'GetProducts']],
        fresh: true,
      },
      'aws start --wait: one start for all; those that run at the same look are proved by one command': {
        argv: all => ['aws', 'start', ...all, '--wait'],
        calls: {DescribeInstances: POLLS, StartInstances: 1, CreateTags: 3, SendCommand: POLLS, GetCommandInvocation: POLLS},
      },
    }
    for (const [name, row] of Object.entries(MANY)) {
      it(name, async () => {
        await bench.write('script.py', `${SAVES}print(${++edits})\n`)
        await check(row.argv(ids), row)
      })
    }
  })

  describe('of an account', () => {
    it('aws create: what is looked up is looked up at once, and the machine is asked for once', async () => {
      bench.aws.calls.reset()
      // Of a type whose price is known by now.
      await bench.ok(['aws', 'create', '--type', 't3.medium', '--count', '3'])
      const made = bench.aws.calls.list()
      expect(counted(made, {})).to.deep.equal({
        DescribeInstances: 1, GetParameters: 1, DescribeInstanceTypes: 1, DescribeImages: 1, DescribeSubnets: 1, DescribeSecurityGroups: 1, CreateSecurityGroup: 1, RunInstances: 3,
        DescribeVolumes: 3,
      })
      for (const other of ['DescribeSubnets', 'DescribeSecurityGroups', 'DescribeInstances']) expect(overlap(made, 'DescribeInstanceTypes', other), other).to.equal(true)
      expect(overlap(made, 'RunInstances', 'RunInstances')).to.equal(true)
    })

    it('doctor: who one is three times, for the clock and the partition too; what does not need it beside each other', () =>
      check(['doctor', '--platform', 'aws'], {
        calls: {
          GetCallerIdentity: 3, DescribeAvailabilityZones: 1, GetInstanceProfile: 1, GetRolePolicy: 1, ListAttachedRolePolicies: 1, DescribeInstanceTypes: 1, DescribeInstances: 1, GetServiceQuota: 1,
        },
        beside: [['DescribeInstanceTypes', 'DescribeInstances']],
      }))

    it('aws setup: role and bucket beside each other, each thing looked at once, and only what lacks is made', async () => {
      const looks = {GetCallerIdentity: 1, GetRole: 1, ListAttachedRolePolicies: 1, GetRolePolicy: 1, GetInstanceProfile: 1, HeadBucket: 1}
      const inBucket = {GetPublicAccessBlock: 1, GetBucketEncryption: 1, GetBucketLifecycleConfiguration: 1}
      const beside = [['GetRole', 'HeadBucket'], ['ListAttachedRolePolicies', 'GetRolePolicy']] as const
      await check(['aws', 'setup', '--dry-run'], {calls: looks, beside})
      await check(['aws', 'setup'], {calls: {...looks, ...inBucket, CreateBucket: 1, PutRolePolicy: 1, PutBucketLifecycleConfiguration: 1}})
      await check(['aws', 'setup'], {calls: {...looks, ...inBucket}})
    })
  })
})

/** As the table writes them: what became of a command is asked for one instance or for all of its instances. */
function counted(made: readonly Call[], expected: Counts): Counts {
  const counts: Record<string, number | typeof POLLS> = {}
  for (const {operation: asked} of made) {
    const operation = asked === 'ListCommandInvocations' ? 'GetCommandInvocation' : asked
    counts[operation] = expected[operation] === POLLS ? POLLS : Number(counts[operation] ?? 0) + 1
  }
  return counts
}

/** Whether a call of the one kind was under way together with another of the other kind. A command is under way until its last poll. */
function overlap(made: readonly Call[], one: string, other: string): boolean {
  const polls = made.filter(({operation}) => operation === 'GetCommandInvocation' || operation === 'ListCommandInvocations')
  const end = ({at, operation, tookMs}: Call): number => (operation === 'SendCommand' && one !== other ? Math.max(at + tookMs, ...polls.map(poll => poll.at + poll.tookMs)) : at + tookMs)
  return made.some(a => a.operation === one && made.some(b => b !== a && b.operation === other && b.at < end(a) && a.at < end(b)))
}
