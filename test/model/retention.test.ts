import {expect} from 'chai'
import fc from 'fast-check'

import {judgeRetention, parseMetric, type RetentionCandidate, type RetentionPolicy, type RunTrace} from '../../src/model/retention.js'

const NONE: RetentionPolicy = {keepLast: null, keepBest: null, metric: null, keepEvery: null}
const RUN = 'run-20261123-195501-3f9a07c1'

const at = (minute: number): string => new Date(Date.UTC(2026, 10, 23, 12, minute)).toISOString()
const one = (number: number, over: Partial<RetentionCandidate> = {}): RetentionCandidate =>
  ({path: `checkpoints/epoch_${number}.pt`, state: 'complete', step: number * 10, epoch: number, metrics: {}, modified_at: at(number), run_id: RUN, tags: [], spare: false, ...over})
const trace = (over: Partial<RunTrace> = {}): RunTrace => ({run_id: RUN, active: false, resume_from: null, parent_run_id: null, ...over})

const verdicts = (checkpoints: readonly RetentionCandidate[], policy: Partial<RetentionPolicy>, runs: readonly RunTrace[] = []): Record<string, readonly string[]> =>
  Object.fromEntries(judgeRetention(checkpoints, runs, {...NONE, ...policy}).map(({checkpoint, reasons}) => [checkpoint.path.replace('checkpoints/', ''), reasons]))
const kept = (...args: Parameters<typeof verdicts>): readonly string[] => Object.entries(verdicts(...args)).flatMap(([path, reasons]) => (reasons.length > 0 ? [path] : []))

describe('what a clean-up keeps', () => {
  const five = [1, 2, 3, 4, 5].map(number => one(number))

  it('is the newest ones, by time and not by name', () => {
    const shuffled = [one(1, {modified_at: at(9)}), ...five.slice(1)]
    expect(kept(shuffled, {keepLast: 2})).to.deep.equal(['epoch_1.pt', 'epoch_5.pt'])
  })

  it('is the best ones by a metric, the newer of equals, none without it', () => {
    const scored = five.map((checkpoint, index) => ({...checkpoint, metrics: index === 4 ? {} : {eval_loss: [0.5, 0.3, 0.3, 0.9][index] ?? 0}}))
    expect(kept(scored, {keepBest: 1, metric: parseMetric('eval_loss')})).to.deep.equal(['epoch_3.pt', 'epoch_5.pt'])
    expect(kept(scored, {keepBest: 1, metric: parseMetric('eval_loss:max')})).to.deep.equal(['epoch_4.pt', 'epoch_5.pt'])
  })

  it('is those whose step, else epoch, is a multiple', () => {
    expect(kept([...five, one(6, {step: null}), one(7)], {keepEvery: 20})).to.deep.equal(['epoch_2.pt', 'epoch_4.pt', 'epoch_7.pt'])
    expect(kept(five.map(checkpoint => ({...checkpoint, step: null})), {keepEvery: 3})).to.deep.equal(['epoch_3.pt', 'epoch_5.pt'])
    expect(kept([one(0), ...five], {keepEvery: 100})).to.deep.equal(['epoch_0.pt', 'epoch_5.pt'])
  })

  it('is always the newest complete one, and all that is not complete, whatever is newer', () => {
    const listed = [...five, one(6, {state: 'corrupt'}), one(7, {state: 'partial'}), one(8, {state: 'unverified'})]
    expect(verdicts(listed, {keepEvery: 1000})).to.deep.include({
      'epoch_4.pt': [], 'epoch_5.pt': ['newest complete'], 'epoch_6.pt': ['corrupt: only complete ones are removed'],
    })
    expect(kept(listed, {keepEvery: 1000})).to.have.length(4)
  })

  it('says every reason', () => {
    const listed = [...five.slice(0, 4), one(5, {tags: ['gold', 'v1'], metrics: {acc: 1}})]
    expect(verdicts(listed, {keepLast: 2, keepBest: 1, metric: parseMetric('acc'), keepEvery: 5})['epoch_5.pt']).to.deep.equal([
      'newest complete', 'among the last 2', 'among the best 1 by acc', 'step 50 is a multiple of 5', 'tagged gold', 'tagged v1',
    ])
  })

  it('is what any run resumed from, of the run that wrote it', () => {
    const resumed = trace({run_id: 'run-20261124-000000-00000001', resume_from: 'checkpoints/epoch_2.pt', parent_run_id: RUN})
    expect(kept(five, {keepLast: 1}, [resumed])).to.deep.equal(['epoch_2.pt', 'epoch_5.pt'])
    expect(kept(five, {keepLast: 1}, [{...resumed, parent_run_id: 'run-20261101-000000-00000009'}])).to.deep.equal(['epoch_5.pt'])
    expect(kept(five.map(checkpoint => ({...checkpoint, run_id: null})), {keepLast: 1}, [resumed])).to.deep.equal(['epoch_2.pt', 'epoch_5.pt'])
    expect(kept(five, {keepLast: 1}, [{...resumed, resume_from: '.runctl-resume/epoch_3.pt'}])).to.deep.equal(['epoch_3.pt', 'epoch_5.pt'])
  })

  it('is what an active run may write again: names without a number', () => {
    const best = one(2, {path: 'checkpoints/best.pt'})
    expect(kept([best, ...five.slice(2)], {keepLast: 1}, [trace({active: true})])).to.deep.equal(['best.pt', 'epoch_5.pt'])
    expect(kept([best, ...five.slice(2)], {keepLast: 1}, [trace()])).to.deep.equal(['epoch_5.pt'])
  })

  it('is not a copy that a tag or an ended run would hold where another verified copy is counted on', () => {
    const spare = [one(1, {tags: ['gold'], spare: true}), one(2, {spare: true}), one(3, {spare: true})]
    const resumed = trace({run_id: 'run-20261124-000000-00000001', resume_from: 'checkpoints/epoch_2.pt', parent_run_id: RUN})
    expect(kept(spare, {keepLast: 1}, [resumed])).to.deep.equal(['epoch_3.pt'])
    expect(kept(spare, {keepLast: 1}, [{...resumed, active: true}])).to.deep.equal(['epoch_2.pt', 'epoch_3.pt'])
  })
})

describe('the better end of a metric', () => {
  it('is told by its name, unless it is given', () => {
    expect(['loss', 'eval_loss', 'perplexity'].map(name => parseMetric(name).mode)).to.deep.equal(['min', 'min', 'min'])
    expect(['accuracy', 'val_auc', 'F1', 'bleu', 'mAP', 'score', 'precision', 'recall'].map(name => parseMetric(name).mode)).to.deep.equal(Array(8).fill('max'))
    expect(parseMetric('acc:min')).to.deep.equal({name: 'acc', mode: 'min'})
    expect(parseMetric('ns:loss')).to.deep.equal({name: 'ns:loss', mode: 'min'})
  })
})

describe('whatever the checkpoints, the runs and the policy, a clean-up', () => {
  const runIds = [RUN, 'run-20261124-000000-00000001', 'run-20261125-000000-00000002']
  const names = Array.from({length: 12}, (_, index) => (index < 9 ? `checkpoints/epoch_${index}.pt` : `checkpoints/${['best', 'last', 'final'][index - 9] ?? ''}.pt`))
  const figure = fc.option(fc.double({min: -3, max: 3}), {nil: null})
  const checkpoints = fc.uniqueArray(fc.record({
    path: fc.constantFrom(...names),
    state: fc.constantFrom('complete', 'complete', 'complete', 'partial', 'corrupt', 'unverified'),
    step: fc.option(fc.integer({min: 0, max: 60}), {nil: null}),
    epoch: fc.option(fc.integer({min: 0, max: 20}), {nil: null}),
    metrics: figure.map(value => (value === null ? {} : {loss: value})),
    modified_at: fc.integer({min: 0, max: 8}).map(at),
    run_id: fc.option(fc.constantFrom(...runIds), {nil: null}),
    tags: fc.subarray(['gold', 'v1']),
    spare: fc.constant(false),
  }) as fc.Arbitrary<RetentionCandidate>, {selector: ({path}) => path, maxLength: 12})
  const runs = fc.array(fc.record({
    run_id: fc.constantFrom(...runIds), active: fc.boolean(),
    resume_from: fc.option(fc.constantFrom(...names), {nil: null}), parent_run_id: fc.option(fc.constantFrom(...runIds), {nil: null}),
  }), {maxLength: 4})
  const count = fc.option(fc.integer({min: 1, max: 6}), {nil: null})
  const policies = fc.record({keepLast: count, keepBest: count, metric: fc.constant(parseMetric('loss')), keepEvery: count})
  const keptOf = (...args: Parameters<typeof judgeRetention>): readonly RetentionCandidate[] =>
    judgeRetention(...args).filter(({reasons}) => reasons.length > 0).map(({checkpoint}) => checkpoint)

  it('never removes what is protected', () => {
    fc.assert(fc.property(checkpoints, runs, policies, (listed, traces, policy) => {
      const held = new Set(keptOf(listed, traces, policy))
      const newest = Math.max(...listed.filter(({state}) => state === 'complete').map(({modified_at}) => Date.parse(modified_at)))
      if (newest > -Infinity) expect([...held].some(({modified_at, state}) => state === 'complete' && Date.parse(modified_at) === newest)).to.equal(true)
      for (const checkpoint of listed) {
        const isParent = traces.some(({parent_run_id: parent, resume_from}) => resume_from === checkpoint.path && (parent === null || checkpoint.run_id === null || parent === checkpoint.run_id))
        const isWritten = traces.some(({active, run_id}) => active && run_id === checkpoint.run_id) && /(best|last|final)\.pt$/.test(checkpoint.path)
        if (checkpoint.state !== 'complete' || checkpoint.tags.length > 0 || isParent || isWritten) expect(held.has(checkpoint), checkpoint.path).to.equal(true)
      }
    }))
  })

  it('finds nothing more to remove when it is run again', () => {
    fc.assert(fc.property(checkpoints, runs, policies, (listed, traces, policy) => {
      const once = keptOf(listed, traces, policy)
      expect(keptOf(once, traces, policy)).to.deep.equal(once)
    }))
  })

  it('keeps no less where more are to be kept', () => {
    fc.assert(fc.property(checkpoints, runs, policies, fc.integer({min: 0, max: 6}), (listed, traces, policy, more) => {
      const wider = {...policy, keepLast: (policy.keepLast ?? 0) + more, keepBest: (policy.keepBest ?? 0) + more}
      expect(keptOf(listed, traces, wider)).to.include.members([...keptOf(listed, traces, policy)])
    }))
  })

  it('keeps exactly the newest so many of plain ones', () => {
    fc.assert(fc.property(fc.integer({min: 1, max: 20}), fc.integer({min: 1, max: 25}), (length, keepLast) => {
      const plain = Array.from({length}, (_, index) => one(index))
      expect(keptOf(plain, [], {...NONE, keepLast})).to.have.length(Math.min(length, keepLast))
    }))
  })
})
