import {expect} from 'chai'

import {displayWidth} from '../../src/ui/display-width.js'
import {renderRun, renderRunList} from '../../src/ui/run-text.js'
import {runStateWords} from '../../src/ui/state-words.js'
import {HOSTILE, RAW_CONTROL, run, TABLE, TEXT} from './samples.js'

describe('runStateWords', () => {
  it('tells how a run ended in words', () => {
    const ended = (over: Parameters<typeof run>[0]): string => runStateWords(run({state: 'stopped', ...over}))
    expect([
      runStateWords(run()),
      runStateWords(run({state: 'stopping', reason: 'user'})),
      ended({reason: 'completed', exit_code: 0}),
      ended({reason: 'failed', exit_code: 3}),
      ended({reason: 'failed', signal: 'SIGKILL'}),
      ended({reason: 'failed'}),
      ended({reason: 'user'}),
      ended({reason: 'interrupted'}),
      ended({reason: 'budget'}),
    ]).to.deep.equal([
      'running',
      'stopping (by you)',
      'completed',
      'failed (exit 3)',
      'failed (SIGKILL)',
      'failed',
      'stopped by you',
      'interrupted',
      'stopped at its limit',
    ])
  })
})

describe('renderRun', () => {
  it('shows state, progress, the last good checkpoint and the last log line', () => {
    expect(renderRun(run(), TABLE).split('\n')).to.deep.equal([
      'Run          run-20261123-195501-3f9a',
      'State        running',
      'Project      mnist',
      'Script       training/train_with_checkpoints.py --epochs 5',
      'Started      2026-11-23 19:55 UTC (19m ago)',
      'Took         19m 56s',
      'Checkpoints  3, the last checkpoints/checkpoint_epoch_3.pt (epoch 3, step 1200,',
      '             12m ago)',
      'Log          /home/u/.runctl/runs/run-20261123-195501-3f9a/log (18.2 kB)',
      '',
      'Last line, 30s ago:',
      '  epoch 3 loss 0.412 accuracy 0.913',
    ])
  })

  it('warns of processes that the script left behind, but not while it runs', () => {
    const ended = run({state: 'stopped', reason: 'completed', processes_alive: 1})
    expect(renderRun(ended, TABLE)).to.match(/\nWarning: the script has ended, but 1 process of this run /)
    expect(renderRun({...ended, processes_alive: 0}, TABLE)).not.to.contain('Warning')
    expect(renderRun(run(), TABLE)).not.to.contain('Warning')
  })

  it('says that no checkpoint is complete, and shows where an argument ends', () => {
    const text = renderRun(run({last_checkpoint: null, args: ['--note', 'two words', '']}), TABLE)
    expect(text).to.contain('3, none of them complete').and.contain('.py --note "two words" ""')
    expect(renderRun(run({last_checkpoint: null, checkpoint_count: 0}), TABLE)).to.contain('none yet')
  })

  it('lets nothing from a log, name or path act on the terminal', () => {
    const hostile = run({
      name: HOSTILE,
      last_log_line: HOSTILE,
      detail: HOSTILE,
      script: HOSTILE,
      args: [HOSTILE],
      project: HOSTILE,
      log_path: HOSTILE,
      started_at: HOSTILE,
    })
    for (const env of [TABLE, TEXT]) {
      expect(renderRun(hostile, env)).not.to.match(RAW_CONTROL)
      expect(renderRunList([hostile], env)).not.to.match(RAW_CONTROL)
    }
  })

  it('gives exact values as text', () => {
    expect(renderRun(run(), TEXT)).to.contain('Started\t2026-11-23T19:55:04Z\nTook\t1196\n')
  })
})

describe('renderRunList', () => {
  it('fits into 80 columns', () => {
    const runs = [run(), run({state: 'stopped', reason: 'failed', exit_code: 3, ended_at: '2026-11-23T20:00:00Z'})]
    const lines = renderRunList(runs, TABLE).split('\n')
    expect(lines).to.deep.equal([
      'RUN                       STATE            SCRIPT             AGE     TOOK  STEP',
      'run-20261123-195501-3f9a  running          …h_checkpoints.py  19m  19m 56s  1200',
      'run-20261123-195501-3f9a  failed (exit 3)  …h_checkpoints.py  19m   4m 56s  1200',
    ])
    for (const line of lines) expect(displayWidth(line)).to.be.at.most(80)
  })

  it('says that there are none', () => {
    expect(renderRunList([], TABLE)).to.equal('No runs.')
  })
})
