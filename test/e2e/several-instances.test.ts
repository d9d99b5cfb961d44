import {expect} from 'chai'

import {PLATFORM, ABSENT, Bench, collect} from './support/bench.js'
import {pasted} from './support/pasted-command.js'
import {REPOSITORY} from './support/repository.js'

const RUN_JS = `${REPOSITORY}bin/run.js`

interface Made {
  readonly instance: {readonly id: string; readonly state: string}
}

describe('several instances in one command', () => {
  let bench: Bench
  let ids: readonly string[]
  before(async () => {
    bench = await Bench.create({'two.py': 'import sys\nprint("first", *sys.argv[1:])\nprint("second")\n'})
    ids = (await bench.json<readonly Made[]>([PLATFORM, 'create', '--count', '3', '--wait'])).map(({instance}) => instance.id)
  })
  after(() => bench.destroy())

  it('are made by create --count, each another one', () => {
    expect(new Set(ids).size).to.equal(3)
  })

  it('train the same script at once: every line of their logs says whose it is', async () => {
    const {stdout} = await bench.ok([PLATFORM, 'train', ...ids, 'two.py', '--wait', '--', '--lr', '0.1'])
    for (const id of ids) expect(stdout).to.include(`${id}  first --lr 0.1\n`).and.to.include(`${id}  second\n`)
    expect(stdout.match(/^State +completed$/gm)).to.have.length(3)
    const runs = await bench.json<readonly {run: {run_id: string; state: string}; instance_id: string; waited: boolean}[]>([PLATFORM, 'train', ...ids, 'two.py', '--wait'])
    expect(runs.map(({instance_id, run, waited}) => [instance_id, run.state, waited])).to.deep.equal(ids.map(id => [id, 'stopped', true]))
  })

  it('stop, wait and start together, and what fails is told beside the others', async () => {
    const absent = ABSENT
    const argv = [PLATFORM, 'stop', ids[0]!, absent, ids[1]!, '--json']
    const outcome = await bench.run(argv)
    expect([outcome.code, outcome.stderr]).to.deep.equal([3, ''])
    const [first, second, third] = bench.document<readonly (Made & {instance_id: string; error: {code: string; next: readonly string[]}})[]>(outcome, argv)
    expect([first?.instance.state, second?.instance_id, second?.error.code, third?.instance.state]).to.deep.equal(['stopped', absent, 'not_found', 'stopped'])
    for (const line of second?.error.next ?? []) await pasted(line)
    const states = await bench.json<readonly {state: string; runs: unknown}[]>([PLATFORM, 'status', ...ids])
    expect(states.map(({state}) => state)).to.deep.equal(['stopped', 'stopped', 'running'])
    await bench.json([PLATFORM, 'start', ids[0]!, ids[1]!, '--wait'])
    expect(await bench.json<readonly {state: string}[]>([PLATFORM, 'wait', ...ids])).to.have.length(3)
  })

  it('are left with one message where standard output is full', async function () {
    if (process.platform !== 'linux') return this.skip()
    for (const [argv, code] of [['status', 6], ['status --json', 6], [`${PLATFORM} wait ${ids[0]!} --json`, 6], ['run show run-20261123-000000-0000', 3]] as const) {
      const {code: status, stderr} = await collect(bench.shell(`'${RUN_JS}' ${argv} > /dev/full`), 30_000)
      expect(status, argv).to.equal(code)
      if (code === 6) expect(stderr).to.equal('Error: the output cannot be written: ENOSPC: no space left on device, write\n')
    }
    return undefined
  })
})
