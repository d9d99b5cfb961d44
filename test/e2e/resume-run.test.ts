import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import {PLATFORM, Bench} from './support/bench.js'

const SCRIPT = 'training/train_with_checkpoints.py'
/** Takes the path in an argument of its own, and says what it got. */
const LOADS = `import os, sys
print("argv", sys.argv[1:])
print("variable", os.environ.get("RUNCTL_RESUME_FROM", ""))
# knows --load, and --resume-from too
`

describe('resuming from a certain run', () => {
  let bench: Bench
  let id: string
  let first: string

  before(async () => {
    bench = await Bench.create({'loads.py': LOADS})
    id = await bench.instance()
    first = (await train(SCRIPT, [], ['--epochs', '2'])).run.run_id
    await train(SCRIPT, ['--resume', 'latest'], ['--epochs', '4'])
  })
  after(() => bench.destroy())

  const train = (script: string, flags: readonly string[], args: readonly string[]): Promise<TrainJson> =>
    bench.json<TrainJson>([PLATFORM, 'train', id, script, '--wait', ...flags, '--', ...args, ...(script === SCRIPT ? ['--step-seconds', '0'] : [])])

  it('--resume RUN takes its newest complete checkpoint, whatever came later', async () => {
    expect((await train(SCRIPT, ['--resume', first], ['--epochs', '3'])).run.resume_from).to.equal('checkpoints/checkpoint_epoch_2.json')
    expect((await bench.jsonError([PLATFORM, 'train', id, SCRIPT, '--resume', 'run-20260101-000000-00000000'])).error.code).to.be.oneOf(['not_found', 'verification_failed'])
  })

  it('checkpoint resume --run continues that run', async () => {
    const {run} = await bench.json<TrainJson>(['checkpoint', 'resume', '--instance-id', id, '--run', first, '--wait'])
    expect(run).to.deep.include({resume_from: 'checkpoints/checkpoint_epoch_2.json', args: ['--epochs', '2', '--step-seconds', '0'], parent_run_id: first})
  })

  it('gives the path in the argument that was named, or in none; RUNCTL_RESUME_FROM has it always', async () => {
    const log = async (...flags: readonly string[]): Promise<string> => {
      const {run} = await train('loads.py', ['--resume', 'latest', ...flags], [])
      return (await bench.ok(['run', 'logs', run.run_id])).stdout
    }
    expect(await log()).to.contain("argv ['--resume-from', ")
    expect(await log('--resume-argument', 'load')).to.contain("argv ['--load', ")
    expect(await log('--resume-argument=--load')).to.contain("argv ['--load', ")
    expect(await log('--resume-argument', 'none')).to.contain('argv []').and.to.match(/^variable \/.*checkpoints\/checkpoint_epoch_/m)
  })
})
