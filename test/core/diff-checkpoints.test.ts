import {expect} from 'chai'

import {diffCheckpoints, diffTensors} from '../../src/core/diff-checkpoints.js'
import type {InspectAnswer} from '../../src/agent/checkpoint-protocol.js'
import {answerOf, fakeInspector, tensor, xrayOf} from '../support/inspect-answers.js'
import {RecordedProgress} from '../support/recorded-progress.js'

describe('diffCheckpoints', () => {
  async function diff(a: InspectAnswer, b: InspectAnswer, full = false) {
    const {asked, inspectHere} = fakeInspector(({path}) => (path === '/a' ? a : b))
    const deps = {inspectHere, progress: new RecordedProgress(), signal: new AbortController().signal}
    return {asked, value: await diffCheckpoints({a: {kind: 'here', path: '/a'}, b: {kind: 'here', path: '/b'}, full}, deps)}
  }

  it('tells the facts that differ, and no others', async () => {
    const {asked, value} = await diff(answerOf({step: 1, metrics: {loss: 0.5, acc: 1}, sha256: 'a'}), answerOf({step: 2, metrics: {loss: 0.5, f1: 0.1}, sha256: 'b'}), true)
    expect(value.facts).to.deep.equal([
      {name: 'step', a: 1, b: 2}, {name: 'metrics.acc', a: 1, b: null}, {name: 'metrics.f1', a: null, b: 0.1},
    ])
    expect(value).to.deep.include({identical: false, tensors: null})
    expect(asked.every(({full}) => full)).to.equal(true)
  })

  it('knows of identical files that every tensor is the same, without a digest of each', async () => {
    const xray = xrayOf([tensor('w', {digest: null})])
    const {value} = await diff(answerOf({sha256: 'a'}, {xray}), answerOf({sha256: 'a'}, {xray}))
    expect(value.identical).to.equal(true)
    expect(value.tensors).to.deep.include({same: 1, unknown: []})
    expect((await diff(answerOf({sha256: null}), answerOf({sha256: 'a'}))).value.identical).to.equal(null)
  })
})

describe('diffTensors', () => {
  it('tells tensors apart by name, form and content', () => {
    const a = xrayOf([tensor('gone'), tensor('grown'), tensor('half', {dtype: 'F16'}), tensor('moved', {digest: 'crc32:1'}), tensor('same'), tensor('unread', {digest: null})])
    const b = xrayOf([tensor('grown', {shape: [3, 3]}), tensor('half'), tensor('moved', {digest: 'crc32:2'}), tensor('new'), tensor('same'), tensor('unread')])
    expect(diffTensors(a, b, false)).to.deep.equal({
      only_a: [{name: 'gone', dtype: 'F32', shape: [2, 3]}],
      only_b: [{name: 'new', dtype: 'F32', shape: [2, 3]}],
      other_form: [
        {name: 'grown', a: {dtype: 'F32', shape: [2, 3]}, b: {dtype: 'F32', shape: [3, 3]}},
        {name: 'half', a: {dtype: 'F16', shape: [2, 3]}, b: {dtype: 'F32', shape: [2, 3]}},
      ],
      other_content: ['moved'], same: 1, unknown: ['unread'], not_compared: 0,
    })
  })

  it('says nothing of digests of two kinds', () => {
    expect(diffTensors(xrayOf([tensor('w', {digest: 'crc32:1'})]), xrayOf([tensor('w', {digest: 'sha256:1'})]), false)).to.deep.include({unknown: ['w'], other_content: []})
  })

  it('takes no tensor for missing that was only left out', () => {
    const cut = xrayOf([tensor('a'), tensor('b')], {tensor_count: 4, tensors_left_out: 2})
    const whole = xrayOf([tensor('a'), tensor('b'), tensor('c'), tensor('d')])
    expect(diffTensors(cut, whole, false)).to.deep.include({only_a: [], only_b: [], same: 2, not_compared: 2})
  })
})
