import {expect} from 'chai'

import type {KillReport, RehearsalReport} from '../../src/core/rehearse/rehearsal-report.js'
import {displayWidth} from '../../src/ui/display-width.js'
import {renderRehearsal} from '../../src/ui/rehearsal-text.js'
import {COLOR, HOSTILE, RAW_CONTROL, TABLE, TEXT} from './samples.js'

const good = {path: 'checkpoints/step_20.json', state: 'complete' as const, step: 20, epoch: 1, sha256: 'a', modified_at: '2026-11-23T20:00:00Z'}

const kill = (over: Partial<KillReport> = {}): KillReport => ({
  kind: 'write', round: 1, run_id: 'run-20261123-195501-3f9a0000', did: 'SIGKILL while it was writing checkpoints/last.json', at_s: 1.3, at_step: 40, at_epoch: 2,
  newest_checkpoint: {...good, state: 'partial', step: 40}, resumed_from: good, passed_over: [], unit: 'step', repeated: 1, skipped: 0, lost: 20, lost_s: 0.6, save_took_s: null, ...over,
})

const report = (over: Partial<RehearsalReport> = {}): RehearsalReport => ({
  verdict: 'PASS', exact: true, script: 'train.py', args: [], seed: 7,
  reference: {run_id: 'run-20261123-195500-3f9a0000', duration_s: 1.7, steps_logged: 3, last_step: 60, epochs_logged: 3, last_epoch: 3, checkpoint_count: 3, last_checkpoint: good},
  kills: [kill(), kill({kind: 'term', at_s: 0.6, at_step: null, resumed_from: null, lost: 0, lost_s: 0, save_took_s: 0.42})], problems: [], remarks: [],
  compared: [{checkpoint: {path: good.path, same: true}, outputs: [], exact: true}], instances_kept: [], duration_s: 21.9, ...over,
})

describe('renderRehearsal', () => {
  it('shows each kill with what it cost, and the verdict', () => {
    expect(renderRehearsal(report(), TABLE).split('\n')).to.deep.equal([
      'KIND   AT             WENT ON FROM  REPEATED  SKIPPED            LOST  SAVE',
      'write  1.3s, step 40  step 20              1        0  20 steps, 0.6s     -',
      'term   0.6s, epoch 2  nothing              1        0   0 steps, 0.0s  0.4s',
      '',
      'Reference  1.7s, to step 60, 3 checkpoints',
      'Result     the same as without interruption, byte for byte',
      'Seed       7 (--seed 7 repeats the kinds and moments)',
      'Took       21.9s',
      '',
      'PASS through 2 kills: went on from a good checkpoint each time, left nothing',
      '     out, and came to the end',
    ])
  })

  it('says why it fails, and what mends it', () => {
    const problems = [{code: 'restarts' as const, message: 'given checkpoints/step_30.json (step 30), the script began at step 1', advice: 'load the checkpoint'}]
    const lines = renderRehearsal(report({verdict: 'FAIL', problems, exact: false, remarks: ['a remark'], compared: [{checkpoint: {path: 'a', same: false}, outputs: [{path: 'b', same: false}, {path: 'c', same: true}], exact: false}]}), TABLE).split('\n')
    expect(lines).to.include('Result     not the same bytes as without interruption: a, b')
    expect(lines.slice(-4)).to.deep.equal(['FAIL after 2 kills', '- given checkpoints/step_30.json (step 30), the script began at step 1', '  Mend: load the checkpoint', 'Note: a remark'])
  })

  it('says which kills it did not come to, and of a drill that could not begin', () => {
    const none = {round: null, run_id: null, did: null, at_s: null, at_step: null, at_epoch: null, newest_checkpoint: null, resumed_from: null, unit: null, repeated: null, skipped: null, lost: null, lost_s: null}
    expect(renderRehearsal(report({kills: [kill(), kill(none)]}), TABLE)).to.match(/^write +not come to/m).and.match(/^PASS through 1 of 2 kills/m)
    expect(renderRehearsal(report({kills: [], compared: [], verdict: 'FAIL', problems: [{code: 'no_checkpoints', message: 'the script wrote no checkpoint', advice: 'save'}]}), TABLE).split('\n').slice(-3)).to.deep.equal(['FAIL the drill could not begin', '- the script wrote no checkpoint', '  Mend: save'])
  })

  it('fits 80 columns, and lets nothing of the script’s reach the terminal raw', () => {
    const hostile = report({
      kills: [kill({did: HOSTILE, resumed_from: {...good, path: HOSTILE.repeat(5), step: null, epoch: null}})],
      problems: [{code: 'restarts', message: HOSTILE.repeat(4), advice: 'x '.repeat(100)}], remarks: [HOSTILE], compared: [{checkpoint: {path: HOSTILE, same: false}, outputs: [], exact: false}], exact: false,
    })
    for (const env of [TABLE, TEXT]) expect(renderRehearsal(hostile, env)).to.not.match(RAW_CONTROL)
    const wide = renderRehearsal(report({problems: hostile.problems.map(one => ({...one, message: 'y '.repeat(100)}))}), TABLE).split('\n').map(displayWidth)
    expect(Math.max(...wide)).to.be.at.most(80)
  })

  it('as text is a line a kill with whole values', () => {
    expect(renderRehearsal(report({kills: [kill()]}), TEXT)).to.equal('write\t1.3\tpartial\tstep 20\t1\t0\t20\t-\trun-20261123-195501-3f9a0000\tSIGKILL while it was writing checkpoints/last.json')
  })

  it('paints the verdict', () => {
    expect(renderRehearsal(report(), COLOR)).to.include('\x1b[32mPASS\x1b[39m through')
    expect(renderRehearsal(report({verdict: 'FAIL'}), COLOR)).to.include('\x1b[31mFAIL\x1b[39m after')
  })
})
