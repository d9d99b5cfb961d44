import {expect} from 'chai'

import type {SetupResult} from '../../../src/core/set-up-platform.js'
import {ownScript} from '../support/samples.js'
import {endedRuns, wellAsWritten, type WrittenAccount} from './as-written.js'
import {digitsFor} from './digits-on-s3.js'
import {LINES} from './documented-lines.js'

/** A training of the reader's own that reads its data where RUNCTL_DATA_DIR says. */
const READS_DATA = `import sys
sys.path.insert(0, "training")
from train_mnist_e2e import main
sys.exit(main())
`

/** P1 to P4. */
export function patternsAsWritten(open: () => Promise<WrittenAccount>): void {
  let account: WrittenAccount
  before(async () => {
    account = await open()
  })

  const well = (lines: string, ids = account.ids): Promise<string> => wellAsWritten(account.bench, ids, lines)

  it('P1: a quick run, a full one, and one that goes on from the best checkpoint', async () => {
    const said = await well(LINES.P1)
    expect(said.match(/^State +completed$/gm)).to.have.length(3)
    expect(said.match(/^saved checkpoints\/checkpoint_epoch_\d+\.json$/gm)).to.deep.equal(
      [1, 2, 4, 6, 8, 10].map(epoch => `saved checkpoints/checkpoint_epoch_${epoch}.json`))
    expect(said).to.contain('resumed from checkpoints/best.pt at epoch 10, step 200')
  })

  it('P2: learning rates one after another, each with a run of its own', async () => {
    const ids = account.ids.slice(1)
    expect((await well(LINES.P2, ids)).match(/^State +completed$/gm)).to.have.length(3)
    const runs = (await endedRuns(account.bench, ids.slice(0, 1))).slice(0, 3)
    expect(runs.map(({args}) => args.join(' '))).to.deep.equal(['0.1', '0.01', '0.001'].map(rate => `--learning-rate ${rate} --epochs 5`))
  })

  it('P3: data from S3 for a script of its own', async () => {
    await digitsFor(account.bench, 'bucket', 'train-data/')
    await account.bench.json<SetupResult>(['aws', 'setup', '--read-bucket', 'bucket'])
    await account.bench.write('script.py', READS_DATA)
    const said = await well(LINES.P3)
    expect(said).to.contain('data: 4 files').and.to.contain('training on 60 images of 784 pixels').and.to.contain('finished 2 epochs')
  })

  it('P4: three instances at the same time', async () => {
    await account.bench.write('script.py', ownScript({stepSeconds: 0.025}))
    await well(LINES.P4)
    const runs = (await endedRuns(account.bench, account.ids)).slice(0, 3)
    expect(runs.map(({args, checkpoint_count, instance_id, reason}) => [instance_id, args.join(' '), checkpoint_count, reason]))
      .to.have.deep.members(account.ids.map(id => [id, '--epochs 10', 11, 'completed']))
    const begun = runs.map(({started_at}) => started_at ?? '').toSorted().at(-1) ?? ''
    for (const {ended_at} of runs) expect((ended_at ?? '') > begun, 'each was still running when the last one began').to.equal(true)
  })
}
