import {expect} from 'chai'

import type {RehearsalReport} from '../../src/core/rehearse/rehearsal-report.js'
import {Bench} from './support/bench.js'
import {BREAKS_ON_RESUME, HALF_WRITTEN, OVERWRITES, RESTARTS, SKIPS} from './support/rehearsed-scripts.js'

describe('a script with a fault, rehearsed', () => {
  let bench: Bench

  before(async () => {
    bench = await Bench.create({'restarts.py': RESTARTS, 'skips.py': SKIPS, 'overwrites.py': OVERWRITES, 'half_written.py': HALF_WRITTEN, 'breaks.py': BREAKS_ON_RESUME})
  })
  after(() => bench.destroy())

  async function rehearse(script: string, flags: readonly string[]): Promise<RehearsalReport> {
    const argv = ['checkpoint', 'rehearse', script, '--json', ...flags]
    const outcome = await bench.run(argv, {timeoutMs: 180_000})
    const report = bench.document<RehearsalReport>(outcome, argv)
    expect(outcome.code, outcome.stderr).to.equal(report.verdict === 'PASS' ? 0 : 12)
    return report
  }
  const codes = ({problems}: RehearsalReport): readonly string[] => problems.map(({code}) => code)

  it('fails one that begins anew, and says what it is given and where it begins', async () => {
    const report = await rehearse('restarts.py', ['--kinds', 'kill', '--kills', '1', '--seed', '2'])
    expect(codes(report)).to.deep.equal(['ignores_resume'])
    expect(report.problems[0]!.message).to.match(/^given checkpoints\/step_\d+\.json \(step \d+\), the script began at step 1$/)
    expect(report.kills[0]!.repeated).to.be.greaterThan(4)
  })

  it('fails one that leaves a step out each time', async () => {
    const report = await rehearse('skips.py', ['--kinds', 'kill', '--kills', '1', '--seed', '2'])
    expect(codes(report)).to.deep.equal(['skipped'])
    expect(report.kills[0]!.skipped).to.equal(1)
  })

  it('fails one that writes over its only checkpoint', async () => {
    const report = await rehearse('overwrites.py', ['--kinds', 'write', '--kills', '1', '--seed', '2'])
    expect(codes(report)).to.deep.equal(['overwritten'])
    expect(report.kills[0]).to.deep.include({did: 'SIGKILL while it was writing checkpoints/last.json', resumed_from: null})
  })

  it('passes one that leaves a half-written checkpoint beside good ones, with a remark', async () => {
    const report = await rehearse('half_written.py', ['--kinds', 'write', '--kills', '1', '--seed', '5'])
    expect(codes(report)).to.deep.equal([])
    expect(report.kills[0]!.newest_checkpoint?.state).to.equal('partial')
    expect(report.remarks.join()).to.match(/not written atomically: checkpoints\/step_\d+\.json/)
  })

  it('fails one that cannot read its own checkpoints', async () => {
    const report = await rehearse('breaks.py', ['--kinds', 'kill', '--kills', '1', '--seed', '2'])
    expect(report.problems.map(({code, message}) => [code, /failed \(exit 7\)/.test(message)])).to.deep.equal([['cannot_resume', true]])
  })
})
