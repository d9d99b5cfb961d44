import type {CheckpointState} from './checkpoint.js'

/** A tensor as the checkpoint's own tables name it; its content is not loaded. */
export interface TensorInfo {
  /** `layer1.weight`; in a folder behind the file's path: `model-00001-of-00002.safetensors:layer1.weight`. */
  readonly name: string
  /** `F32`, `BF16`, `I64`, …, as safetensors names them. */
  readonly dtype: string
  readonly shape: readonly number[]
  /** Of its bytes, `crc32:…` or `sha256:…`, where the format has it or they were read; else null. Equal only where the content is equal. */
  readonly digest: string | null
}

/** What is inside a checkpoint, from its headers and tables alone: nothing is unpickled and no tensor is loaded. Also its JSON form. */
export interface CheckpointXray {
  readonly tensor_count: number
  readonly parameter_count: number
  /** Parameters by dtype. */
  readonly dtypes: Readonly<Record<string, number>>
  readonly tensor_bytes: number
  /** Whether the state of an optimizer is in it; null where that cannot be told. */
  readonly has_optimizer: boolean | null
  /** By name, as many as were asked for. */
  readonly tensors: readonly TensorInfo[]
  readonly tensors_left_out: number
  /** Of a folder: each file, and what was found of it. Of a file: empty. */
  readonly files: readonly {
    readonly path: string
    readonly size_bytes: number
    readonly format: string | null
    readonly state: CheckpointState
    readonly state_detail: string | null
  }[]
  readonly files_left_out: number
}
