import type {InspectAnswer, InspectRequest} from '../../src/agent/checkpoint-protocol.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import type {CheckpointXray, TensorInfo} from '../../src/model/checkpoint-xray.js'
import {checkpoint} from '../ui/samples.js'

export const tensor = (name: string, over: Partial<TensorInfo> = {}): TensorInfo => ({name, dtype: 'F32', shape: [2, 3], digest: `crc32:${name}`, ...over})

export function xrayOf(tensors: readonly TensorInfo[], over: Partial<CheckpointXray> = {}): CheckpointXray {
  const base = {tensor_count: tensors.length, parameter_count: 6 * tensors.length, dtypes: {F32: 6 * tensors.length}, tensor_bytes: 24 * tensors.length}
  return {...base, has_optimizer: false, tensors, tensors_left_out: 0, files: [], files_left_out: 0, ...over}
}

export const answerOf = (over: Partial<Checkpoint> = {}, more: Partial<InspectAnswer> = {}): InspectAnswer =>
  ({checkpoint: checkpoint({places: [], ...over}), xray: null, bytes_read: 100, known_digests: [], ...more})

/** An agent on this machine that answers what it is told to, and keeps what it was asked. */
export function fakeInspector(answer: (request: InspectRequest) => InspectAnswer) {
  const asked: InspectRequest[] = []
  const inspectHere = (request: InspectRequest): Promise<InspectAnswer> => {
    asked.push(request)
    return Promise.resolve(answer(request))
  }
  return {asked, inspectHere}
}
