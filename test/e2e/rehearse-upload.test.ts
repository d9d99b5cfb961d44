import {readdir} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {RehearsalReport} from '../../src/core/rehearse/rehearsal-report.js'
import {Bench} from './support/bench.js'

describe('checkpoint rehearse with uploads', () => {
  let bench: Bench

  before(async () => {
    bench = await Bench.create()
  })
  after(() => bench.destroy())

  it('loses an instance for good in the middle of an upload, and goes on with another one from the store', async () => {
    const argv = ['checkpoint', 'rehearse', 'training/train_with_checkpoints.py', '--json', '--kinds', 'upload', '--kills', '2', '--seed', '1', '--exact', '--', '--epochs', '4']
    const outcome = await bench.run(argv, {timeoutMs: 180_000})
    const report = bench.document<RehearsalReport>(outcome, argv)
    expect(report.problems).to.deep.equal([])
    expect([outcome.code, report.verdict, report.exact]).to.deep.equal([0, 'PASS', true])
    for (const kill of report.kills) {
      expect(kill.did).to.match(/^the instance was lost for good while checkpoints\/\S+ was half uploaded; another one goes on from the store$/)
      expect(kill.resumed_from).to.deep.include({state: 'complete'})
      expect(kill.resumed_from!.step).to.be.a('number')
      expect(kill.skipped).to.equal(0)
    }
    // The store is gone, too.
    expect(await readdir(path.join(bench.root, 'data', 'local', 'rehearsals'))).to.deep.equal([])
  })
})
