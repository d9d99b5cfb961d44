import fc from 'fast-check'
import {expect} from 'chai'

import {judgeRehearsal, type JudgeInput, type Judgement} from '../../../src/core/rehearse/judge-rehearsal.js'
import type {AttemptRecord, KillRecord, RoundRecord} from '../../../src/core/rehearse/rehearsal-record.js'
import {attemptOf, checkpointAt, endWith, simulateReference, simulateRound, type SimulatedScript} from './simulated-drill.js'

const SCRIPT: SimulatedScript = {steps: 30, logEvery: 1, saveEvery: 5}
const judge = (rounds: readonly RoundRecord[], over: Partial<JudgeInput> = {}): Judgement =>
  judgeRehearsal({reference: simulateReference(SCRIPT), rounds, takesResume: true, exact: false, ...over})
const codes = ({problems}: Judgement): readonly string[] => problems.map(({code}) => code)
const good = simulateRound(SCRIPT, [{afterSteps: 7}, {afterSteps: 9}])

function withAttempt(at: number, over: Partial<AttemptRecord>, round = good): RoundRecord {
  return {...round, attempts: round.attempts.map((attempt, index) => (index === at ? {...attempt, ...over} : attempt))}
}
const withKill = (at: number, over: Partial<KillRecord>, round = good): RoundRecord => withAttempt(at, {kill: {...round.attempts[at]!.kill!, ...over}}, round)

describe('the verdict on a rehearsal', () => {
  const scripts = fc.record({steps: fc.integer({min: 5, max: 60}), logEvery: fc.integer({min: 1, max: 4}), saveEvery: fc.integer({min: 1, max: 8}), savesFirst: fc.boolean()})
    .filter(({logEvery, saveEvery, steps}) => saveEvery <= steps && logEvery <= steps)
    // It saves at the end, as it should.
    .map(script => ({...script, steps: script.steps - (script.steps % (script.saveEvery * script.logEvery)) || script.saveEvery * script.logEvery}))
  const kills = fc.array(fc.record({afterSteps: fc.integer({min: 1, max: 40})}), {minLength: 1, maxLength: 8})

  it('is PASS for a training that goes on where its checkpoint stands, wherever it is killed', () => {
    fc.assert(fc.property(scripts, kills, (script, at) => {
      const round = simulateRound(script, at)
      fc.pre(round.attempts.some(({kill}) => kill !== null))
      const found = judge([round], {reference: simulateReference(script)})
      expect(codes(found)).to.deep.equal([])
      expect([found.verdict, found.exact]).to.deep.equal(['PASS', true])
    }))
  })

  it('is never PASS where a value of the reference was neither logged nor in a checkpoint that was gone on from', () => {
    fc.assert(fc.property(scripts, kills, fc.nat(), (script, at, chance) => {
      const reference = simulateReference(script)
      const round = simulateRound(script, at)
      const resumed = new Set(round.attempts.map(({resumedFrom}) => resumedFrom?.step))
      const values = reference.attempt.marks.map(({step}) => step).filter(step => !resumed.has(step))
      fc.pre(values.length > 0 && round.attempts.some(({kill}) => kill !== null))
      const left = values[chance % values.length]
      const attempts = round.attempts.map(attempt => ({...attempt, marks: attempt.marks.filter(({step}) => step !== left)}))
      expect(judge([{...round, attempts}], {reference}).verdict).to.equal('FAIL')
    }))
  })

  it('is never PASS for one that leaves a step out each time it goes on', () => {
    fc.assert(fc.property(kills, at => {
      const round = simulateRound({...SCRIPT, beginAfter: step => step + 1}, at)
      fc.pre(round.attempts.some(({resumedFrom}) => resumedFrom !== null && resumedFrom.step !== SCRIPT.steps))
      expect(judge([round]).verdict).to.equal('FAIL')
    }))
  })

  it('is never PASS for one whose checkpoints say a step more than was done', () => {
    const ahead = (round: RoundRecord): RoundRecord => ({
      attempts: round.attempts.map(attempt => ({...attempt, resumedFrom: attempt.resumedFrom && {...attempt.resumedFrom, step: attempt.resumedFrom.step! + 1}})),
      end: endWith(checkpointAt(31, 0)),
    })
    const reference = {...simulateReference(SCRIPT), end: endWith(checkpointAt(31, 0))}
    const round = ahead(simulateRound({...SCRIPT, beginAfter: step => step + 1}, [{afterSteps: 5}]))
    expect(codes(judge([round], {reference}))).to.deep.equal(['skipped'])
  })

  it('is never PASS for one that begins before its checkpoint', () => {
    fc.assert(fc.property(kills, fc.integer({min: 1, max: 5}), (at, back) => {
      const round = simulateRound({...SCRIPT, beginAfter: step => step - back - 1}, at)
      fc.pre(round.attempts.some(({resumedFrom}) => resumedFrom !== null))
      expect(codes(judge([round]))).to.include('restarts')
    }))
  })

  it('tells one that begins anew from one that never reads what it is given', () => {
    const round = simulateRound({...SCRIPT, beginAfter: () => 0}, [{afterSteps: 12}])
    expect(judge([round]).problems[0]).to.deep.include({code: 'restarts', message: 'given checkpoints/step_10.json (step 10), the script began at step 1'})
    expect(codes(judge([round], {takesResume: false}))).to.deep.equal(['ignores_resume'])
  })

  it('does not take a line that says where it goes on for a step done again', () => {
    const at = good.attempts[1]!
    const announced = withAttempt(1, {marks: [{step: 5, epoch: null, atMs: at.startedAtMs}, ...at.marks]})
    expect(judge([announced]).verdict).to.equal('PASS')
  })

  it('knows by the log where a checkpoint stands that does not say so', () => {
    const nameless = {...good.attempts[1]!.resumedFrom!, step: null}
    expect(judge([withAttempt(1, {resumedFrom: nameless})]).verdict).to.equal('PASS')
    const anew = simulateRound({...SCRIPT, beginAfter: () => 0}, [{afterSteps: 12}])
    expect(codes(judge([withAttempt(1, {resumedFrom: {...anew.attempts[1]!.resumedFrom!, step: null}}, anew)]))).to.deep.equal(['restarts'])
  })

  it('lets steps that are logged by time differ, but not leave a hole', () => {
    const by = (...steps: readonly number[]) => steps.map(step => ({step, epoch: null, atMs: step * 1000}))
    const reference = {attempt: attemptOf({marks: by(3, 11, 17, 26, 30)}), end: endWith(checkpointAt(30, 30_000)), durationMs: 30_000}
    const round = (...rest: readonly number[]): RoundRecord => ({
      attempts: [{...good.attempts[0]!, marks: by(4, 9)}, attemptOf({startedAtMs: 10_000, resumedFrom: checkpointAt(5, 5000), marks: by(...rest)})],
      end: endWith(checkpointAt(30, 30_000)),
    })
    expect(judge([round(6, 14, 21, 29)], {reference}).verdict).to.equal('PASS')
    expect(codes(judge([round(29, 30)], {reference}))).to.deep.equal(['skipped'])
  })

  it('counts in epochs where steps begin anew with each', () => {
    const marks = [1, 2, 3].flatMap(epoch => [1, 2].map(step => ({step, epoch, atMs: epoch * 1000})))
    const reference = {attempt: attemptOf({marks}), end: endWith(checkpointAt(0, 0, {step: null, epoch: 3})), durationMs: 3000}
    expect(judge([good], {reference}).units).to.deep.equal(['epoch'])
  })

  it('cannot tell where nothing in the log says how far it is', () => {
    const silent = {...simulateReference(SCRIPT), attempt: attemptOf()}
    expect(codes(judge([good], {reference: silent}))).to.deep.equal(['cannot_tell'])
  })

  it('says of a script that fails, never saves, or saves nothing whole, that no drill is of use', () => {
    const reference = simulateReference(SCRIPT)
    const partial = checkpointAt(5, 0, {state: 'partial'})
    expect(codes(judge([], {reference: {...reference, attempt: attemptOf({end: 'failed', endWords: 'failed (exit 3)'})}}))).to.deep.equal(['script_fails'])
    expect(codes(judge([], {reference: {...reference, attempt: attemptOf({end: 'unfinished'})}}))).to.deep.equal(['unfinished'])
    expect(codes(judge([], {reference: {...reference, end: endWith(null)}}))).to.deep.equal(['no_checkpoints'])
    expect(codes(judge([], {reference: {...reference, end: endWith(null, {newest: partial, checkpointCount: 1})}}))).to.deep.equal(['none_verifies'])
  })

  it('tells one that writes over its only checkpoint', () => {
    const refused = {resumedFrom: null, resumeRefused: 'there is no good checkpoint'}
    const round = withKill(0, {overwrote: 'checkpoints/last.json'}, withAttempt(1, refused))
    expect(judge([round]).problems.map(({code, message}) => [code, message.includes('checkpoints/last.json')])).to.deep.equal([['overwritten', true]])
    expect(codes(judge([withAttempt(0, {sawGood: true}, withAttempt(1, refused))]))).to.deep.equal(['overwritten'])
  })

  it('only remarks on a first kill before there was any good checkpoint', () => {
    const found = judge([simulateRound(SCRIPT, [{afterSteps: 3}])])
    expect([found.verdict, found.remarks]).to.deep.equal(['PASS', ['after a kill there was no good checkpoint yet, and it began from nothing']])
  })

  it('only remarks on a half-written newest checkpoint that was passed over', () => {
    const found = judge([withAttempt(1, {passedOver: [{path: 'checkpoints/step_10.json', why: 'partial: cut off'}]})])
    expect(found.verdict).to.equal('PASS')
    expect(found.remarks.join()).to.match(/not written atomically: checkpoints\/step_10\.json \(partial: cut off\)/)
  })

  it('fails where the end is not the one of the reference', () => {
    expect(codes(judge([{...good, end: endWith(checkpointAt(25, 0))}]))).to.deep.equal(['last_checkpoint'])
    expect(codes(judge([{...good, end: endWith(null)}]))).to.deep.equal(['last_checkpoint'])
    expect(codes(judge([{...good, end: endWith(checkpointAt(30, 0), {newest: checkpointAt(31, 1, {state: 'corrupt'})})}]))).to.deep.equal(['last_checkpoint'])
  })

  it('fails where a resumed run fails by itself, or does not come to its end', () => {
    expect(codes(judge([{...withAttempt(2, {end: 'failed', endWords: 'failed (exit 2)'}), end: null}]))).to.deep.equal(['cannot_resume'])
    expect(codes(judge([{...withAttempt(2, {end: 'unfinished'}), end: null}]))).to.deep.equal(['unfinished'])
    expect(codes(judge([{...good, end: null}]))).to.deep.equal(['unfinished'])
    expect(codes(judge([simulateRound(SCRIPT, [])]))).to.deep.equal(['nothing_killed'])
  })

  it('reports other bytes at the end, and fails for them only if that is asked for', () => {
    const other = {...good, end: endWith(checkpointAt(30, 0, {sha256: 'other'}), {outputs: new Map([['a', '1']])})}
    const found = judge([other])
    expect([found.verdict, found.exact, found.compared[0]!.checkpoint!.same, found.compared[0]!.outputs]).to.deep.equal(['PASS', false, false, [{path: 'a', same: false}]])
    expect(codes(judge([other], {exact: true}))).to.deep.equal(['not_exact'])
    expect(judge([good], {exact: true}).verdict).to.equal('PASS')
  })

  it('remarks on one that does not save when it is asked', () => {
    expect(judge([withKill(0, {kind: 'term', savedOnRequest: false})]).remarks.join()).to.match(/saved nothing new \(1 of 1 times\)/)
  })
})
