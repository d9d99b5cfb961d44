import {expect} from 'chai'
import {readFile} from 'node:fs/promises'

import type {TrainJson} from '../../../../src/cli/verbs/train.js'
import type {CreateResult} from '../../../../src/core/create-instance.js'
import type {EndResult} from '../../../../src/core/end-instance.js'
import type {RunList} from '../../../../src/core/list-runs.js'
import type {StartResult} from '../../../../src/core/start-instance.js'
import type {BenchInstance, Fault} from '../../../bench/types.js'
import {Bench, collect, until} from '../../support/bench.js'

/** Tells on the machine, past everything that runctl knows, how often it was started. */
const COUNTS = `import os, sys, time
with open(os.path.expanduser("~/starts"), "a") as file:
    file.write(os.environ["RUNCTL_RUN_ID"] + "\\n")
print("up", flush=True)
time.sleep(float(sys.argv[1]))
`

describe('answers and requests that AWS loses', function () {
  this.timeout(60_000)
  let bench: Bench
  let id: string

  before(async () => {
    bench = await Bench.create({'script.py': COUNTS}, {platform: 'aws'})
    id = await bench.aws.addInstance()
    await bench.ok(['aws', 'train', id, 'script.py', '--sync-code', '--wait', '--', '0'])
  })
  after(() => bench?.destroy())

  const starts = async (on = id): Promise<readonly string[]> => (await readFile(bench.home(on, 'starts'), 'utf8').catch(() => '')).split('\n').slice(0, -1)
  const runs = async (on = id): Promise<readonly string[]> =>
    (await bench.json<RunList['runs']>(['run', 'list', '--instance-id', on])).map(({run_id}) => run_id).toReversed()
  const with_ = async <T>(fault: Fault, work: () => Promise<T>): Promise<T> => {
    const remove = bench.aws.inject(fault)
    return work().finally(remove)
  }
  const train = (argv: readonly string[] = []): Promise<TrainJson> => bench.json<TrainJson>(['aws', 'train', id, 'script.py', '--sync-code', ...argv, '--', '0'])
  const machines = (): BenchInstance[] => [...bench.aws.world.instances.values()]

  describe('SendCommand', () => {
    const faults: Readonly<Record<string, Partial<Fault>>> = {
      'the answer is lost twice': {kind: 'lost-response', times: 2},
      'the request is lost': {kind: 'lost-request', times: 1},
      'a proxy answers for it': {kind: 'html', times: 1},
      'it is throttled three times': {kind: 'error', code: 'ThrottlingException', times: 3},
    }
    for (const [name, fault] of Object.entries(faults)) {
      it(`${name}: the training starts once`, async () => {
        const before = await starts()
        const {run} = await with_({operation: 'SendCommand', kind: 'error', ...fault}, () => train(['--wait']))
        expect(await starts()).to.deep.equal([...before, run.run_id])
        expect(run.reason).to.equal('completed')
      })
    }

    it('every command is delivered twice: the training starts once', async () => {
      const before = await starts()
      bench.aws.world.doubleDelivery = 2
      const {run} = await train(['--wait'])
      expect(bench.aws.world.doubleDelivery).to.equal(0)
      expect(await starts()).to.deep.equal([...before, run.run_id])
    })

    it('runctl has a run for each start, and no other', async () => {
      expect(await runs()).to.deep.equal(await starts())
    })

    it('the CLI is killed while the answer is on its way: the training goes on, and the same command says so', async () => {
      const before = await starts()
      const argv = ['aws', 'train', id, 'script.py', '--sync-code', '--', '600']
      await with_({operation: 'SendCommand', kind: 'lost-response'}, async () => {
        bench.aws.calls.reset()
        const child = bench.spawn(argv)
        const ended = collect(child, 30_000)
        await until(() => bench.aws.calls.count('SendCommand') > 0, 20_000, 'the command is sent')
        child.kill('SIGKILL')
        await ended
      })
      await until(async () => (await starts()).length > before.length, 20_000, 'the script runs')
      const {error} = await bench.jsonError(argv)
      const after = await starts()
      expect(after).to.have.length(before.length + 1)
      expect([error.code, error.details['run_id']]).to.deep.equal(['run_active', after.at(-1)])
      expect(error.next).to.include(`runctl run stop ${after.at(-1)}`)
      await bench.ok(['run', 'stop', after.at(-1) ?? '', '--grace', '1s', '--force'])
    })
  })

  it('the polls are throttled, and the description of instances too: the command only takes longer', async () => {
    await with_({operation: 'GetCommandInvocation', kind: 'error', code: 'ThrottlingException', times: 1}, () =>
      with_({operation: 'DescribeInstances', kind: 'error', code: 'RequestLimitExceeded', status: 503, times: 3}, () => bench.ok(['aws', 'exec', id, '--', 'true'])))
  })

  describe('RunInstances', () => {
    const made: string[] = []
    const added = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
      const before = new Set(bench.aws.world.instances.keys())
      await work()
      return [...bench.aws.world.instances.keys()].filter(one => !before.has(one))
    }
    const create = async (): Promise<string> => (await bench.json<CreateResult>(['aws', 'create'])).instance.id
    /** Begins it while no answer arrives, and ends it as soon as there is a machine. */
    const cutOff = (signal: NodeJS.Signals) => with_({operation: 'RunInstances', kind: 'lost-response'}, async () => {
      const count = bench.aws.world.instances.size
      const child = bench.spawn(['aws', 'create'])
      const outcome = collect(child, 30_000)
      await until(() => bench.aws.world.instances.size > count, 20_000, 'there is a machine')
      child.kill(signal)
      return outcome
    })

    it('the answer is lost: one machine, and its id is printed', async () => {
      let id_ = ''
      const ids = await added(async () => {
        id_ = await with_({operation: 'RunInstances', kind: 'lost-response', times: 1}, create)
      })
      expect(ids).to.deep.equal([id_])
      made.push(...ids)
    })

    it('of three, some answers are lost: three machines', async () => {
      const ids = await added(() => with_({operation: 'RunInstances', kind: 'lost-response', times: 2}, () => bench.ok(['aws', 'create', '--count', '3'])))
      expect(ids).to.have.length(3)
      made.push(...ids)
    })

    it('the CLI is killed right there, and the same is asked for again: the same machine', async () => {
      let again = ''
      const ids = await added(async () => {
        await cutOff('SIGKILL')
        again = await create()
      })
      expect(ids).to.deep.equal([again])
      expect(await added(create), 'a third create is a new one').to.have.length(1)
    })

    it('Ctrl-C right there: it says that there may be one and how to find it, and the same again finds it', async () => {
      let again = ''
      const ids = await added(async () => {
        const {code, stderr} = await cutOff('SIGINT')
        expect(code).to.equal(130)
        expect(stderr).to.contain('perhaps a new instance on aws').and.to.contain('runctl resources list --platform aws')
        again = await create()
      })
      expect(ids).to.deep.equal([again])
    })

    it('the answers to start, stop and terminate are lost: all is done once, and told as done', async () => {
      const [first = ''] = made
      await with_({operation: 'StopInstances', kind: 'lost-response', times: 1}, async () => {
        expect((await bench.json<EndResult>(['aws', 'stop', first])).instance.state).to.equal('stopped')
      })
      await with_({operation: 'StartInstances', kind: 'lost-response', times: 1}, async () => {
        expect((await bench.json<StartResult>(['aws', 'start', first, '--wait'])).instance.state).to.equal('running')
      })
      await with_({operation: 'TerminateInstances', kind: 'lost-response', times: 1}, async () => {
        const ended = await bench.json<readonly EndResult[]>(['aws', 'terminate', '--force', ...made])
        expect(ended.map(({instance}) => instance.state)).to.deep.equal(made.map(() => 'terminated'))
      })
      expect(machines().filter(({id: one}) => made.includes(one)).map(({state}) => state)).to.deep.equal(made.map(() => 'terminated'))
    })
  })

  it('somebody else stops or terminates the instance of a training that is waited for: a clear end, soon', async () => {
    const ends = [['stop', 'stopped', 'runctl aws start'], ['terminate', 'terminated', 'runctl aws create']] as const
    await Promise.all(ends.map(async ([verb, state, advice]) => {
      const other = await bench.aws.addInstance()
      const training = bench.run(['aws', 'train', other, 'script.py', '--sync-code', '--wait', '--', '600'])
      await until(async () => (await starts(other)).length > 0, 20_000, 'the script runs')
      bench.aws.ec2.lifecycle[verb](bench.aws.instance(other))
      const {code, stderr} = await training
      expect(stderr).to.match(new RegExp(`${other} is (not ready: it is )?${state}`)).and.to.contain(advice)
      expect(code).to.equal(4)
    }))
  })
})

describe('an AWS that tells of a change two seconds late', function () {
  this.timeout(60_000)

  it('create, stop, start and terminate are done when they say so, and nobody sees the old state', async () => {
    const bench = await Bench.create({}, {platform: 'aws', aws: {times: {lagMs: 2000}}})
    try {
      const [toStop, toStart, toTerminate] = await Promise.all([bench.aws.addInstance(), bench.aws.addInstance({state: 'stopped'}), bench.aws.addInstance()])
      const results = await Promise.all([
        bench.json<CreateResult>(['aws', 'create', '--wait']),
        bench.json<EndResult>(['aws', 'stop', toStop]),
        bench.json<StartResult>(['aws', 'start', toStart, '--wait']),
        bench.json<EndResult>(['aws', 'terminate', toTerminate, '--force']),
      ])
      const states = ['running', 'stopped', 'running', 'terminated']
      expect(results.map(({instance}) => instance.state)).to.deep.equal(states)
      expect(results.map(({instance}) => bench.aws.instance(instance.id).state)).to.deep.equal(states)
    } finally {
      await bench.destroy()
    }
  })
})
