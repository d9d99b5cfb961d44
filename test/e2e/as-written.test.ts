import {expect} from 'chai'

import {wellAsWritten} from './aws/as-written.js'
import {LINES} from './aws/documented-lines.js'
import {Bench, PLATFORM} from './support/bench.js'

/** What needs no account, as the documentation writes it; where a line names the platform, `local` stands for `aws`. */
describe('on local, as the documentation writes it', () => {
  let bench: Bench
  let id: string

  before(async () => {
    bench = await Bench.create()
    id = await bench.instance()
  })
  after(() => bench.destroy())

  it('W7: the whole session in one command', async () => {
    const said = await wellAsWritten(bench, [id], LINES.W7)
    expect(said).to.contain('was running, kept running').and.to.contain('2 verified of 2')
  })

  it('W15: a whole session, timed', async () => {
    const said = await wellAsWritten(bench, [id], LINES.W15.replaceAll('runctl aws', `runctl ${PLATFORM}`))
    for (const epoch of [1, 2, 3]) expect(said).to.contain(`saved checkpoints/checkpoint_epoch_${epoch}.json`)
    // 60 steps with 0.025 s of rest after each.
    expect(Number(/^Training completed in (\d+) seconds$/m.exec(said)?.[1])).to.be.at.least(1)
  })
})
