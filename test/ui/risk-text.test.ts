import {expect} from 'chai'

import {machineAtRisk} from '../../src/model/work-at-risk.js'
import {saveFit} from '../../src/model/save-fit.js'
import {renderCheckpointList} from '../../src/ui/checkpoint-text.js'
import {renderInstanceList} from '../../src/ui/instance-text.js'
import {renderPlacedList} from '../../src/ui/placed-list-text.js'
import {riskLines} from '../../src/ui/risk-text.js'
import {renderRun} from '../../src/ui/run-text.js'
import {checkpoint, HOSTILE, NOW, RAW_CONTROL, resource, run, TABLE, TEXT} from './samples.js'

const RISK = machineAtRisk([run()], 13.05, NOW)
const FIT = saveFit({interruptible: true, sizeBytes: 14e9, uploads: true, bytesPerS: 67e6, saveTookS: null, graceS: 120, meanTimeToInterruptionS: 86_400})
const WAITING = {count: 2, size_bytes: 1_300_000_000, since: '2026-11-23T20:11:00Z'}
const widest = (text: string): number => Math.max(...text.split('\n').map(line => line.length))

describe('what is at risk, as text', () => {
  it('stands below a list of checkpoints, with what is not copied yet', () => {
    const text = renderPlacedList({checkpoints: [checkpoint()], at_risk: RISK, waiting: WAITING}, TABLE)
    expect(text.split('\n').slice(-2)).to.deep.equal([
      'last verified checkpoint 12 min ago (step 1,200): $2.61 of work at risk', '2 checkpoints (1.3 GB) not in s3 yet, since 4 min',
    ])
    expect(renderPlacedList({checkpoints: [checkpoint()], at_risk: null, waiting: {...WAITING, count: 1, since: null}}, TABLE)).to.match(/\n\n1 checkpoint \(1\.3 GB\) not in s3 yet$/)
    expect(renderPlacedList({checkpoints: [checkpoint()], at_risk: null, waiting: null}, TABLE)).to.equal(renderCheckpointList([checkpoint()], TABLE))
  })

  it('is left out of what programs read: there a line is a checkpoint', () => {
    expect(renderPlacedList({checkpoints: [checkpoint()], at_risk: RISK, waiting: WAITING}, TEXT).split('\n')).to.have.length(1)
  })

  it('fits into 80 columns, and is exact as text', () => {
    const lines = riskLines({at_risk: RISK, save_fit: FIT}, TABLE)
    expect(widest(lines.join('\n'))).to.be.at.most(80)
    expect(lines.join(' ')).to.contain('a spot notice gives 120 s')
    expect(riskLines({at_risk: RISK, save_fit: FIT}, TEXT)).to.deep.equal(['At risk\t2026-11-23T20:03:00.000Z\t720\t2.61', `Save fits\tfalse\t${FIT.needed_s}\t120\t${FIT.advised_interval_s}`])
    expect(riskLines({at_risk: null, save_fit: null}, TABLE)).to.deep.equal([])
  })

  it('is a column of instances, where one has it', () => {
    const text = renderInstanceList([resource({at_risk_usd: 2.61}), resource({id: 'local-1', at_risk_usd: null})], TABLE)
    expect(text).to.match(/^ID .* AT RISK/).and.to.contain('$2.61')
    expect(widest(text)).to.be.at.most(80)
    expect(renderInstanceList([resource()], TABLE)).not.to.contain('AT RISK')
  })

  it('a resume alarm stands with the run, and moves no cursor', () => {
    expect(renderRun(run({resume_alarm: 'the first step is 20'}), TABLE)).to.contain('Resume alarm  the first step is 20')
    const text = renderRun(run({resume_alarm: HOSTILE}), TABLE)
    expect(RAW_CONTROL.test(text)).to.equal(false)
  })
})

describe('a list of checkpoints with metrics, tags and runs', () => {
  const rows = [checkpoint({metrics: {accuracy: 0.9, eval_loss: 0.312345}, tags: ['best', 'paper']}), checkpoint({run_id: 'run-20261124-195501-3f9a', metrics: {f1: 0.5}})]

  it('has the first metric that counts, the tags, and the run where there are several', () => {
    const text = renderCheckpointList(rows, {...TABLE, width: 200})
    expect(text.split('\n')[0]).to.match(/^PATH +EPOCH +STEP +METRIC +SIZE +AGE +STATE +WHERE +TAGS +RUN$/)
    expect(text).to.contain('eval_loss 0.3123').and.contain('f1 0.5').and.contain('best,paper').and.contain('run-20261124-195501-3f9a')
    expect(renderCheckpointList(rows.slice(0, 1), {...TABLE, width: 200})).not.to.contain('RUN')
  })

  it('fits into 80 columns', () => {
    expect(widest(renderCheckpointList(rows, TABLE))).to.be.at.most(80)
  })

  it('is exact as text, and moves no cursor', () => {
    expect(renderCheckpointList(rows.slice(0, 1), TEXT).split('\t').slice(3)).to.deep.equal([
      'eval_loss 0.312345', '52428800', '2026-11-23T20:03:00Z', 'complete', 'instance,s3', 'best,paper', 'run-20261123-195501-3f9a',
    ])
    const hostile = checkpoint({path: HOSTILE, tags: [HOSTILE], metrics: {[HOSTILE]: 1}, run_id: HOSTILE})
    for (const env of [TABLE, {...TABLE, width: 300}, TEXT]) expect(RAW_CONTROL.test(renderCheckpointList([hostile], env))).to.equal(false)
  })
})
