import {expect} from 'chai'

import {goOnLine} from '../../src/ui/go-on-text.js'
import {checkpoint, HOSTILE, RAW_CONTROL, run, TABLE, TEXT} from './samples.js'

describe('goOnLine', () => {
  const ended = run({state: 'stopped', reason: 'failed', last_checkpoint: checkpoint()})

  it('names the command that continues a run which ended early and saved something', () => {
    expect(goOnLine(ended, 'i-1', TABLE)).to.equal('Go on: runctl checkpoint resume --instance-id i-1 --run run-20261123-195501-3f9a --wait')
    expect(goOnLine({...ended, reason: 'interrupted'}, 'i-1', TABLE)).to.contain('checkpoint resume')
  })

  it('says nothing of one that goes on, has completed or saved nothing, and nothing to programs', () => {
    for (const one of [{...ended, state: 'running'}, {...ended, reason: 'completed'}, {...ended, last_checkpoint: null}] as const) expect(goOnLine(one, 'i-1', TABLE)).to.equal('')
    expect(goOnLine(ended, 'i-1', TEXT)).to.equal('')
  })

  it('makes no id code, and lets none reach the terminal raw', () => {
    const line = goOnLine(ended, 'i-1; rm -rf ~', TABLE)
    expect(line).to.contain("--instance-id 'i-1; rm -rf ~' --run")
    expect(goOnLine({...ended, run_id: HOSTILE}, 'i-1', TABLE)).to.not.match(RAW_CONTROL)
  })
})
