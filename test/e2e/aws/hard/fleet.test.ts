import {expect} from 'chai'
import {symlink} from 'node:fs/promises'
import path from 'node:path'

import type {TrainJson} from '../../../../src/cli/verbs/train.js'
import type {EndResult} from '../../../../src/core/end-instance.js'
import type {RunRow} from '../../../../src/core/list-runs.js'
import type {StartResult} from '../../../../src/core/start-instance.js'
import {Bench, collect} from '../../support/bench.js'
import {REPOSITORY} from '../../support/repository.js'

/** More than one SendCommand takes (50). */
const FLEET = 60
/** Those that train: each costs this machine some seconds of Python. */
const TRAINING = 8

const SCRIPT = `import os, sys
with open(os.path.expanduser("~/starts"), "a") as file:
    file.write(" ".join([os.environ["RUNCTL_RUN_ID"]] + sys.argv[1:]) + "\\n")
`

describe('sixty instances', function () {
  this.timeout(120_000)
  let bench: Bench
  let ids: readonly string[]
  let trained: readonly string[]

  before(async () => {
    bench = await Bench.create({'script.py': SCRIPT}, {platform: 'aws', aws: {latencyMs: 80, kind: 'folders'}})
    ids = await Promise.all(Array.from({length: FLEET}, () => bench.aws.addInstance({state: 'stopped'})))
    trained = ids.slice(0, TRAINING)
    await symlink(path.join(REPOSITORY, 'bin', 'run.js'), path.join(bench.root, 'runctl'))
  })
  after(() => bench?.destroy())

  const starts = (id: string): Promise<readonly string[]> => bench.readHome(id, 'starts').then(text => text.split('\n').slice(0, -1))
  const counts = (...operations: readonly string[]): readonly number[] => operations.map(operation => bench.aws.calls.count(operation))

  it('start together: one call to EC2, and the proof that they answer in two commands', async () => {
    bench.aws.calls.reset()
    const started = await bench.json<readonly StartResult[]>(['aws', 'start', ...ids, '--wait'])
    expect(started.map(({instance}) => [instance.id, instance.state])).to.deep.equal(ids.map(id => [id, 'running']))
    expect(counts('StartInstances', 'SendCommand')).to.deep.equal([1, 2])
    // One before, and one for each second of the wait.
    expect(bench.aws.calls.count('DescribeInstances')).to.be.within(2, 8)
  })

  it('P4: a loop of the shell over instances, in the background, ends right on each', async () => {
    const loop = `i=0; for id in ${trained.join(' ')}; do i=$((i+1)); ${bench.root}/runctl aws train $id script.py --sync-code -- --seed $i & done; wait`
    const {code, stderr} = await collect(bench.shell(loop), 100_000)
    expect([code, stderr.match(/Error/)]).to.deep.equal([0, null])
    await bench.ok(['aws', 'wait', ...trained])
    const seeds = await Promise.all(trained.map(async id => (await starts(id)).map(line => line.replace(/^\S+ /, ''))))
    expect(seeds).to.deep.equal(trained.map((_, at) => [`--seed ${at + 1}`]))
  })

  it('one command with their ids trains on each, once, beside each other', async () => {
    await bench.write('script.py', `${SCRIPT}# edited\n`)
    bench.aws.calls.reset()
    const results = await bench.json<readonly TrainJson[]>(['aws', 'train', ...trained, 'script.py', '--sync-code', '--wait'])
    expect(results.map(({instance_id, run}) => [instance_id, run.reason])).to.deep.equal(trained.map(id => [id, 'completed']))
    expect(new Set(results.map(({run}) => run.run_id)).size).to.equal(TRAINING)
    expect(await Promise.all(trained.map(async id => (await starts(id)).at(-1)))).to.deep.equal(results.map(({run}) => run.run_id))
    const sent = bench.aws.calls.list().filter(({operation}) => operation === 'SendCommand')
    expect(Math.max(...sent.map(({concurrent}) => concurrent)), 'nothing waits for another instance').to.be.at.least(TRAINING)
    expect(bench.aws.calls.list()[0]).to.include({operation: 'DescribeInstances'}).and.to.have.property('ids').with.members(trained)
  })

  it('run list asks all of them together, and nothing else is said', async () => {
    bench.aws.calls.reset()
    const {stderr, stdout} = await bench.ok(['run', 'list', '--limit', '100', '--json'])
    // Not a word of Node's about listeners.
    expect(stderr).to.equal('')
    expect((JSON.parse(stdout) as readonly RunRow[]).map(({instance_id}) => instance_id).toSorted()).to.deep.equal([...trained, ...trained].toSorted())
    // One, and on a busy machine the looks whether those that have not answered yet still run: never one an instance.
    expect(counts('DescribeInstances')[0]).to.be.at.most(4)
    // The question, the agent where it lacks (in parts), and the question again.
    expect(counts('SendCommand')[0]).to.be.at.most(FLEET / 2)
  })

  it('stop: what is asked of all travels together, to the agents and to EC2', async () => {
    bench.aws.calls.reset()
    const ended = await bench.json<readonly EndResult[]>(['aws', 'stop', ...ids])
    expect(ended.map(({instance}) => [instance.id, instance.state])).to.deep.equal(ids.map(id => [id, 'stopped']))
    expect(ids.map(id => bench.aws.instance(id).state)).to.deep.equal(ids.map(() => 'stopped'))
    // The agents answer one after the other: what follows travels with what is ready by then.
    expect(bench.aws.calls.count('SendCommand')).to.be.at.most(FLEET / 2)
    expect(bench.aws.calls.count('StopInstances')).to.be.at.most(FLEET / 4)
    expect(bench.aws.calls.count('DescribeInstances')).to.be.at.most(20)
  })
})
