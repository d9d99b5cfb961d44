import {expect} from 'chai'

import {Bench} from '../../support/bench.js'
import {peakMemory} from '../../support/measure.js'
import {REPOSITORY} from '../../support/repository.js'

const MIB = 1 << 20

/** An account with so many instances that are mere records. */
async function account(count: number): Promise<Bench> {
  const bench = await Bench.create({}, {platform: 'aws'})
  bench.aws.addMany(count, index => ({tags: {Name: `trainer-${index}`, 'runctl:created-by': '0.1.0', 'runctl:project': `p${index % 7}`}, state: index % 3 === 0 ? 'stopped' : 'running'}))
  return bench
}

const LIST = ['resources', 'list', '--platform', 'aws', '--no-ask'] as const

describe('an account with thousands of instances', function () {
  this.timeout(300_000)
  let bench: Bench
  before(async () => (bench = await account(2000)))
  after(() => bench.destroy())

  it('is listed page by page, as JSON and as a table', async () => {
    const rows = await bench.json<readonly {readonly id: string; readonly name: string}[]>(LIST, {timeoutMs: 120_000})
    expect(new Set(rows.map(({id}) => id)).size).to.equal(2000)
    const {stdout} = await bench.ok(LIST, {timeoutMs: 120_000})
    expect(new Set(stdout.match(/^i-[0-9a-f]{17}/gm)).size).to.equal(2000)
    expect(stdout).to.contain('of 2000 instances running')
  })

  it('is sorted as a whole, and cut where that is wanted', async () => {
    const rows = await bench.json<readonly {readonly name: string}[]>([...LIST, '--sort', 'name', '--limit', '3'], {timeoutMs: 120_000})
    expect(rows.map(({name}) => name)).to.deep.equal(['trainer-0', 'trainer-1', 'trainer-10'])
  })

  it('is filtered by EC2 itself', async () => {
    const id = bench.aws.addMany(1, () => ({tags: {Name: 'the-one', team: 'vision'}}))[0]
    bench.aws.calls.reset()
    const rows = await bench.json<readonly {readonly id: string}[]>([...LIST, '--filter', 'tag:Name=the-*'], {timeoutMs: 120_000})
    expect(rows.map(row => row.id)).to.deep.equal([id])
    // Two thousand would be two pages.
    expect(bench.aws.calls.count('DescribeInstances')).to.equal(1)
    const {code, stderr} = await bench.run([...LIST, '--filter', 'no-such-filter=x'])
    expect(code).to.equal(2)
    expect(stderr).to.contain('no-such-filter')
  })

  it('takes no more memory for five times as many', async () => {
    const larger = await account(10_000)
    try {
      const peak = async ({env, project}: Bench): Promise<number> => {
        // A small heap: what is not collected would not fit.
        const {bytes, code} = await peakMemory([process.execPath, '--max-old-space-size=48', '--max-semi-space-size=4', `${REPOSITORY}/bin/run.js`, ...LIST, '--json'], {cwd: project, env})
        expect(code).to.equal(0)
        return bytes
      }
      expect(await peak(larger)).to.be.below((await peak(bench)) + 40 * MIB)
    } finally {
      await larger.destroy()
    }
  })
})
