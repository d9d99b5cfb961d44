import {expect} from 'chai'

import type {CheckpointDiff} from '../../src/core/diff-checkpoints.js'
import type {VerifiedCheckpoint} from '../../src/core/verify-checkpoints.js'
import {renderCheckpointDiff} from '../../src/ui/checkpoint-diff-text.js'
import {renderCheckpointInfo} from '../../src/ui/checkpoint-info-text.js'
import {renderVerified} from '../../src/ui/verify-text.js'
import {tensor, xrayOf} from '../support/inspect-answers.js'
import {checkpoint, HOSTILE, RAW_CONTROL, TABLE, TEXT} from './samples.js'

const WIDE = {...TABLE, width: 200}

describe('renderCheckpointInfo', () => {
  const xray = xrayOf([tensor('layer.bias', {shape: []}), tensor('layer.weight')], {
    tensor_count: 1234, parameter_count: 7_000_000, dtypes: {F32: 1000, BF16: 6_999_000}, tensor_bytes: 14_000_000_000, has_optimizer: true, tensors_left_out: 1232,
  })

  it('shows what is inside, and the tensors that were asked for', () => {
    const text = renderCheckpointInfo({...checkpoint({metrics: {loss: 0.25, acc: 0.5}}), xray}, 1, TABLE)
    expect(text).to.match(/^Tensors +1,234 \(14 GB\)$/m).and.match(/^Parameters +7,000,000$/m).and.match(/^Dtypes +BF16 6,999,000, F32 1,000$/m)
    expect(text).to.match(/^Optimizer +yes$/m).and.match(/^Metrics +loss 0.25, acc 0.5$/m)
    expect(text).to.match(/^layer\.bias +F32 +scalar +crc32:layer\.bias$/m).and.not.contain('layer.weight')
    expect(renderCheckpointInfo({...checkpoint(), xray}, 2, TEXT)).to.contain('Parameters\t7000000').and.contain('layer.weight\tF32\t2x3\tcrc32:layer.weight')
  })

  it('shows each file of a folder and what was found of it', () => {
    const files = [{path: 'm.safetensors', size_bytes: 5, format: 'safetensors', state: 'partial', state_detail: 'cut off'} as const]
    const text = renderCheckpointInfo({...checkpoint(), xray: xrayOf([], {files, files_left_out: 2, has_optimizer: null})}, 0, TABLE)
    expect(text).to.contain('m.safetensors (5 B, safetensors, cut off)').and.contain('and 2 further files').and.match(/^Optimizer +not known$/m)
  })

  it('says nothing of the inside where it is not known', () => {
    expect(renderCheckpointInfo({...checkpoint(), xray: null}, 5, TABLE)).not.to.match(/Tensors|Optimizer|Metrics/)
  })
})

describe('renderVerified', () => {
  const one: VerifiedCheckpoint = {
    path: 'checkpoints/a.pt', kind: 'instance', where: 'i-1', ok: true, why: null, state: 'complete', state_detail: null, format: 'torch-zip', size_bytes: 1000,
    sha256: 'ab', read: 'bytes', bytes_read: 1000, compared: [{with: 'x', sha256: 'ab', same: true}],
  }

  it('gives each checkpoint a line', () => {
    const bad = {...one, path: 'b.pt', ok: false, state: 'corrupt', why: 'corrupt: torn', read: 'tables', compared: [{with: 'x', sha256: 'ab', same: true}, {with: 'y', sha256: 'cd', same: false}]} as const
    expect(renderVerified([one, bad, {...one, compared: []}], WIDE).split('\n').map(line => line.replaceAll(/ {2,}/g, '  '))).to.deep.equal([
      'PATH  VERDICT  STATE  READ  DIGESTS  WHY',
      'checkpoints/a.pt  good  complete  all, 1 kB  1 agrees  -',
      'b.pt  not good  corrupt  tables, 1 kB  1 of 2 agree  corrupt: torn',
      'checkpoints/a.pt  good  complete  all, 1 kB  none known  -',
    ])
    expect(renderVerified([], TABLE)).to.equal('No checkpoints.')
  })
})

describe('renderCheckpointDiff', () => {
  const side = {path: 'a.pt', state: 'complete', format: 'torch-zip', size_bytes: 1, sha256: 'ab', step: 1, epoch: null, metrics: {}, run_id: null} as const
  const diff: CheckpointDiff = {
    a: side, b: {...side, path: 'b.pt'}, identical: false, facts: [{name: 'step', a: 1, b: null}],
    tensors: {
      only_a: [{name: 'x', dtype: 'F32', shape: [2]}], only_b: [], other_form: [{name: 'y', a: {dtype: 'F32', shape: [2]}, b: {dtype: 'F16', shape: []}}],
      other_content: Array.from({length: 25}, (_, at) => `w${at}`), same: 1, unknown: ['u'], not_compared: 3,
    },
  }

  it('tells what differs, a line each, and counts the rest', () => {
    const text = renderCheckpointDiff(diff, TABLE)
    expect(text).to.match(/^step +1 -> -$/m).and.match(/^Only in A +x F32 2$/m).and.match(/^Other form +y F32 2 -> F16 scalar$/m)
    expect(text).to.contain('and 5 more').and.contain('1 tensor of the same form: --full reads both').and.match(/^Same +1 tensor$/m).and.not.contain('Only in B')
    expect(renderCheckpointDiff(diff, TEXT)).to.contain('Changed\tw24').and.not.contain('more')
  })

  it('says so where tables could not be read', () => {
    expect(renderCheckpointDiff({...diff, identical: null, tensors: null}, TABLE)).to.contain('one of the two has no tables').and.contain('not known to be the same')
  })

  it('prints nothing raw of what a file says of itself', () => {
    const hostile: CheckpointDiff = {
      ...diff, a: {...side, path: HOSTILE}, facts: [{name: `metrics.${HOSTILE}`, a: HOSTILE, b: 1}],
      tensors: diff.tensors && {...diff.tensors, only_a: [{name: HOSTILE, dtype: HOSTILE, shape: []}], other_content: [HOSTILE]},
    }
    const info = {...checkpoint({metrics: {[HOSTILE]: 1}}), xray: xrayOf([tensor(HOSTILE, {dtype: HOSTILE, digest: HOSTILE})], {dtypes: {[HOSTILE]: 1}})}
    for (const env of [TABLE, TEXT]) {
      for (const text of [renderCheckpointDiff(hostile, env), renderCheckpointInfo(info, 5, env)]) expect(text.replaceAll('\n', '').replaceAll('\t', '')).not.to.match(RAW_CONTROL)
    }
  })
})
