import {expect} from 'chai'

import {Bench} from './support/bench.js'

describe('the first command of the README', () => {
  let bench: Bench

  before(async () => {
    bench = await Bench.create()
  })
  after(() => bench.destroy())

  it('ends in well under a minute with three verified checkpoints, and says where they are', async () => {
    const {stderr, stdout} = await bench.ok(['workflow', 'run', 'local', 'training/train_with_checkpoints.py', '--', '--epochs', '3'], {timeoutMs: 40_000})
    const id = /^Instance +(local-[0-9a-f]+): created/m.exec(stdout)?.[1] ?? ''
    expect(id).not.to.equal('')
    expect(stdout).to.contain(`3 verified of 3, in ${bench.home(id, 'projects', 'project', 'checkpoints')}\n`)
    for (const epoch of [1, 2, 3]) {
      expect(stdout).to.contain(`epoch ${epoch}/3 loss`)
      expect(stdout).to.match(new RegExp(`^checkpoints/checkpoint_epoch_${epoch}\\.json .* complete `, 'm'))
      expect(await bench.readHome(id, 'projects', 'project', 'checkpoints', `checkpoint_epoch_${epoch}.json`)).to.contain(`"epoch":${epoch}`)
    }
    expect(stdout).to.contain(`Next: runctl checkpoint list --instance-id ${id}\n`)
    // stdout is the log and the report; what is being done goes to stderr, without escapes where it is no terminal.
    expect(stderr).to.contain('Verify the checkpoints: 3 of 3 complete')
    expect(stdout + stderr).not.to.contain('\u001B')
  })
})
