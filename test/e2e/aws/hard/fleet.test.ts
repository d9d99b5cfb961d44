import {expect} from 'chai'
import {mkdir, rm, symlink, writeFile} from 'node:fs/promises'
import path from 'node:path'

import {loadAgentFile} from '../../../../src/agent/agent-file.js'
import type {TrainJson} from '../../../../src/cli/verbs/train.js'
import type {EndResult} from '../../../../src/core/end-instance.js'
import type {RunRow} from '../../../../src/core/list-runs.js'
import type {StartResult} from '../../../../src/core/start-instance.js'
import {Bench, collect} from '../../support/bench.js'
import {REPOSITORY} from '../../support/repository.js'

/** More than one SendCommand takes. */
const FLEET = 60
/** As many connections as the SDK opens to a service at once, and as many ids as one SendCommand takes. */
const AT_ONCE = 50

/**
 * What they are asked arrives and is run as everywhere; in the agent's place a program answers that costs a tenth. With the agent, three instances
 * train at the same time in the usage patterns.
 */
describe('sixty instances', function () {
  this.timeout(180_000)
  let bench: Bench
  let ids: readonly string[]

  before(async () => {
    bench = await Bench.create({'script.py': 'print("trained")\n'}, {platform: 'aws', aws: {latencyMs: 80, kind: 'folders'}})
    // The samples' data would not fit into the command that starts a run.
    await rm(path.join(bench.project, 'training'), {recursive: true})
    ids = await Promise.all(Array.from({length: FLEET}, () => bench.aws.addInstance({state: 'stopped'})))
    const {sha256} = await loadAgentFile()
    await Promise.all(ids.map(id => standIn(id, sha256)))
    await symlink(path.join(REPOSITORY, 'bin', 'run.js'), path.join(bench.root, 'runctl'))
  })
  after(() => bench?.destroy())

  async function standIn(id: string, sha256: string): Promise<void> {
    const script = `#!/bin/sh\n[ "$1" = -I ] || exit 2\nexec /usr/bin/python3 -I -S '${path.join(import.meta.dirname, 'stand-in-agent.py')}' "$3"\n`
    await writeFile(bench.aws.world.machines.hostPath(id, '/bin/python3'), script, {mode: 0o755})
    await mkdir(bench.home(id, '.runctl', 'agent'), {recursive: true})
    await writeFile(bench.home(id, '.runctl', 'agent', `${sha256}.pyz`), '')
  }
  const starts = (id: string): Promise<readonly string[]> => bench.readHome(id, 'starts').then(text => text.split('\n').slice(0, -1))
  const counts = (...operations: readonly string[]): readonly number[] => operations.map(operation => bench.aws.calls.count(operation))

  it('start together: one call to EC2, and the proof that they answer in a few commands', async () => {
    bench.aws.calls.reset()
    const started = await bench.json<readonly StartResult[]>(['aws', 'start', ...ids, '--wait'])
    expect(started.map(({instance}) => [instance.id, instance.state])).to.deep.equal(ids.map(id => [id, 'running']))
    expect(counts('StartInstances')).to.deep.equal([1])
    // Two, and on a busy machine what is ready a little later goes by itself.
    expect(counts('SendCommand')[0]).to.be.within(2, 5)
    // One before, and one for each second of the wait.
    expect(bench.aws.calls.count('DescribeInstances')).to.be.within(2, 8)
  })

  it('P4: a loop of the shell over all of them, in the background, starts each once, as it was told', async () => {
    bench.aws.calls.reset()
    const loop = `i=0; for id in ${ids.join(' ')}; do i=$((i+1)); ${bench.root}/runctl aws train $id script.py --sync-code -- --seed $i & done; wait`
    const {code, stderr} = await collect(bench.shell(loop), 170_000)
    expect([code, stderr.match(/Error/)]).to.deep.equal([0, null])
    const seeds = await Promise.all(ids.map(async id => (await starts(id)).map(line => line.replace(/^\S+ /, ''))))
    expect(seeds).to.deep.equal(ids.map((_, at) => [`--seed ${at + 1}`]))
    expect(counts('DescribeInstances', 'SendCommand', 'CreateTags'), 'one each').to.deep.equal([FLEET, FLEET, FLEET])
  })

  it('one command with their ids trains on each, once, beside each other', async () => {
    await bench.write('script.py', 'print("edited")\n')
    bench.aws.calls.reset()
    const results = await bench.json<readonly TrainJson[]>(['aws', 'train', ...ids, 'script.py', '--sync-code', '--wait'])
    expect(results.map(({instance_id, run}) => [instance_id, run.reason])).to.deep.equal(ids.map(id => [id, 'completed']))
    expect(new Set(results.map(({run}) => run.run_id)).size).to.equal(FLEET)
    expect(await Promise.all(ids.map(async id => (await starts(id)).at(-1)))).to.deep.equal(results.map(({run}) => run.run_id))
    const sent = bench.aws.calls.list().filter(({operation}) => operation === 'SendCommand')
    expect(Math.max(...sent.map(({concurrent}) => concurrent)), 'nothing waits for another instance').to.be.at.least(AT_ONCE)
    expect(bench.aws.calls.list()[0]).to.include({operation: 'DescribeInstances'}).and.to.have.property('ids').with.members(ids)
  })

  it('run list asks all of them together, and nothing else is said', async () => {
    bench.aws.calls.reset()
    const {stderr, stdout} = await bench.ok(['run', 'list', '--limit', '200', '--json'])
    // Not a word of Node's about listeners.
    expect(stderr).to.equal('')
    expect((JSON.parse(stdout) as readonly RunRow[]).map(({instance_id}) => instance_id).toSorted()).to.deep.equal([...ids, ...ids].toSorted())
    // One, and on a busy machine the looks whether those that have not answered yet still run: never one an instance.
    expect(counts('DescribeInstances')[0]).to.be.at.most(4)
    expect(counts('SendCommand')[0]).to.equal(2)
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
