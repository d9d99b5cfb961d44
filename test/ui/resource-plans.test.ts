import {expect} from 'chai'

import type {ResourceCleanup} from '../../src/core/clean-up.js'
import type {CleanupItem} from '../../src/core/plan-cleanup.js'
import type {StopAllItem} from '../../src/core/stop-all.js'
import type {Insight} from '../../src/model/insight.js'
import {renderCleanupPlan} from '../../src/ui/cleanup-plan-text.js'
import {renderInsights} from '../../src/ui/insights-text.js'
import {renderStopAll} from '../../src/ui/stop-all-text.js'
import {HOSTILE, RAW_CONTROL, TABLE, TEXT} from './samples.js'

const item = (over: Partial<CleanupItem> = {}): CleanupItem => ({
  kind: 'instance', id: 'i-0a', name: 'old', platform: 'aws', region: 'us-east-1', state: 'stopped', project: 'mnist', owner: 'ada', what: 'would-remove', why: 'stopped for 21 days',
  loses: 'its disk; every checkpoint is known to be elsewhere', usd_per_month: 8, next: [], ...over,
})
const plan = (...items: readonly CleanupItem[]): ResourceCleanup => ({dry_run: true, usd_per_month_less: 8, unpriced: 1, items})
const left = item({id: 'i-0b', name: null, what: 'left-alone', why: 'it belongs to bob', loses: null, usd_per_month: null})
const refused = item({id: 'i-0c', what: 'refused', why: 'its disk holds 2 complete checkpoint(s) that are known to be nowhere else', loses: null, usd_per_month: null, next: ['runctl aws start i-0c --wait']})
const GO_ON = 'runctl resources cleanup --yes'

describe('renderCleanupPlan', () => {
  it('says what goes, what is lost, what stays and why, and how to go on', () => {
    const text = renderCleanupPlan(plan(item(), item({id: 'vol-1', name: null, kind: 'volume', usd_per_month: null, loses: 'whatever is on it (100 GiB)'}), left, refused), TABLE, GO_ON)
    expect(text.split('\n')).to.deep.equal([
      '        ID     NAME  KIND      REGION     PER MONTH  WHY',
      'remove  i-0a   old   instance  us-east-1      $8.00  stopped for 21 days',
      'remove  vol-1  -     volume    us-east-1    unknown  stopped for 21 days',
      '',
      'What is gone with them:',
      '  its disk; every checkpoint is known to be elsewhere: i-0a',
      '  whatever is on it (100 GiB): vol-1',
      '',
      'Not removed, for what is on them:',
      '  i-0c (old): its disk holds 2 complete checkpoint(s) that are known to be',
      '  nowhere else',
      '    runctl aws start i-0c --wait',
      '',
      'Left alone:',
      '  i-0b: it belongs to bob',
      '',
      '2 things would be removed: $8.00 a month less, and what 1 of them cost is',
      'unknown; 2 stay.',
      '',
      `Nothing was changed. To do it: ${GO_ON}`,
    ])
  })

  it('names twenty of those that are left alone, and how many more there are', () => {
    const text = renderCleanupPlan(plan(...Array.from({length: 25}, (_, at) => ({...left, id: `i-${at}`}))), TABLE, GO_ON)
    expect(text).to.include('Nothing to clean up.').and.to.include('and 5 more').and.not.to.include('--yes')
  })

  it('says what was done, and what failed', () => {
    const text = renderCleanupPlan({...plan(item({what: 'removed'}), item({id: 'i-0d', what: 'failed', why: 'no permission', loses: null, usd_per_month: null})), dry_run: false, unpriced: 0}, TABLE, GO_ON)
    expect(text).to.include('removed  i-0a').and.to.include('FAILED').and.to.include('1 thing removed: $8.00 a month less.').and.not.to.include(GO_ON)
  })

  it('is a line for each thing as text, and lets nothing reach the terminal raw', () => {
    expect(renderCleanupPlan(plan(item(), left), TEXT, GO_ON).split('\n')[0]?.split('\t')).to.deep.equal(['would-remove', 'i-0a', 'instance', 'old', 'aws', 'us-east-1', '8', 'stopped for 21 days'])
    const hostile = {name: HOSTILE, why: HOSTILE, loses: HOSTILE, next: [HOSTILE], id: HOSTILE}
    for (const env of [TABLE, TEXT]) expect(renderCleanupPlan(plan(item(hostile), {...refused, ...hostile}, {...left, ...hostile}), env, HOSTILE)).not.to.match(RAW_CONTROL)
  })
})

const stopItem = (over: Partial<StopAllItem> = {}): StopAllItem => ({
  id: 'i-0a', name: null, platform: 'aws', region: 'us-east-1', project: 'mnist', owner: 'ada', usd_per_hour: 1.006, what: 'stopped', why: null, saved: ['checkpoints/epoch_3.pt'], next: [], ...over,
})

describe('renderStopAll', () => {
  it('says what was stopped and saved, what runs on, and how to go on with it', () => {
    const failed = stopItem({id: 'i-0b', what: 'failed', why: 'no good checkpoint was saved', saved: [], next: ['runctl aws stop i-0b --force']})
    const text = renderStopAll([stopItem(), failed], {...TABLE, width: 120}, GO_ON)
    expect(text).to.include('stopped  i-0a').and.to.include('checkpoints/epoch_3.pt').and.to.include('    runctl aws stop i-0b --force')
    expect(text).to.include('1 instance stopped: $1.006/h less; their disks go on costing; 1 left as they are.').and.not.to.include(GO_ON)
    expect(renderStopAll([stopItem({what: 'would-stop', usd_per_hour: null})], TABLE, GO_ON)).to.include('unknown').and.to.include(`To do it: ${GO_ON}`)
    expect(renderStopAll([], TABLE, GO_ON)).to.equal('Nothing runs.')
  })

  it('lets nothing reach the terminal raw', () => {
    for (const env of [TABLE, TEXT]) expect(renderStopAll([stopItem({id: HOSTILE, name: HOSTILE, why: HOSTILE, saved: [HOSTILE], next: [HOSTILE], project: HOSTILE})], env, HOSTILE)).not.to.match(RAW_CONTROL)
  })
})

const insight = (over: Partial<Insight> = {}): Insight => ({
  kind: 'idle', id: 'i-0a', name: null, platform: 'aws', region: 'us-east-1', project: 'mnist', owner: 'ada', finding: 'no run for 1 h 30 min', usd_per_month: 734.38, at_risk_usd: null, command: 'runctl aws stop i-0a', ...over,
})

describe('renderInsights', () => {
  it('is a paragraph each, with dollars and the command whole, and the sum', () => {
    const insights = [insight(), insight({kind: 'unsynced', usd_per_month: null, at_risk_usd: 0.5, finding: 'x'.repeat(70) + ' rest', command: `runctl ${'y'.repeat(90)}`}), insight({kind: 'oversized', id: 'i-0b', usd_per_month: null, command: null})]
    expect(renderInsights(insights, TABLE).split('\n')).to.deep.equal([
      'Idle: i-0a (us-east-1, ada): $734.38 a month',
      '  no run for 1 h 30 min',
      '  runctl aws stop i-0a',
      '',
      'Only one copy: i-0a (us-east-1, ada): $0.50 at stake',
      `  ${'x'.repeat(70)} rest`,
      `  runctl ${'y'.repeat(90)}`,
      '',
      'Larger than needed: i-0b (us-east-1, ada): saving unknown',
      '  no run for 1 h 30 min',
      '',
      '3 findings; together $734.38 a month less; what 1 finding would save is unknown.',
      'Of one thing only its largest saving is counted.',
    ])
    expect(renderInsights([], TABLE)).to.match(/^Nothing was found/)
  })

  it('lets nothing reach the terminal raw', () => {
    for (const env of [TABLE, TEXT]) expect(renderInsights([insight({id: HOSTILE, name: HOSTILE, finding: HOSTILE, command: HOSTILE, owner: HOSTILE})], env)).not.to.match(RAW_CONTROL)
  })
})
