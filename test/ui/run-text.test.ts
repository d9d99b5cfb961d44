import {expect} from 'chai'

import type {RunStatus} from '../../src/agent/protocol.js'
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

describe('renderRun of a run whose output goes to a store', () => {
  const uploading = (upload: RunStatus['upload']): RunStatus => run({output_uri: 's3://b/runs/mnist/run-1/', upload})

  it('tells how much of it is there', () => {
    const line = (upload: RunStatus['upload']): string | undefined => renderRun(uploading(upload), {...TABLE, width: 200}).split('\n').find(text => text.startsWith('Output'))
    expect(line({done: 3, pending: 1, pending_bytes: 12_000_000, error: null, bytes_per_s: null, behind_since: null})).to.equal('Output       uploaded 3 of 4 files to s3://b/runs/mnist/run-1/ (12 MB to go)')
    expect(line({done: 0, pending: 1, pending_bytes: 0, error: null, bytes_per_s: null, behind_since: null})).to.equal('Output       uploading to s3://b/runs/mnist/run-1/ (0 files so far)')
    expect(line({done: 4, pending: 0, pending_bytes: 0, error: null, bytes_per_s: null, behind_since: null})).to.equal('Output       4 files in s3://b/runs/mnist/run-1/')
    expect(line({done: 0, pending: 0, pending_bytes: 0, error: null, bytes_per_s: null, behind_since: null})).to.equal('Output       s3://b/runs/mnist/run-1/ (nothing yet)')
    expect(renderRun(run(), TABLE)).not.to.include('Output')
  })

  it('shows in plain sight that the upload fails, and lets nothing of it act on the terminal', () => {
    const failing = {done: 3, pending: 1, pending_bytes: 12, error: '403 AccessDenied for s3://b/x', bytes_per_s: null, behind_since: null}
    expect(renderRun(uploading(failing), TABLE).split('\n').at(-1)).to.equal('The upload fails: 403 AccessDenied for s3://b/x')
    expect(renderRun(uploading(failing), TEXT).split('\n').slice(-2)).to.deep.equal(['Uploaded\t3\t1', 'Upload error\t403 AccessDenied for s3://b/x'])
    const hostile = run({output_uri: HOSTILE, upload: {...failing, error: HOSTILE}})
    for (const env of [TABLE, TEXT]) expect(renderRun(hostile, env)).not.to.match(RAW_CONTROL)
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
