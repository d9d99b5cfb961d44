import type {CheckpointInfo} from '../core/inspect-checkpoint.js'
import type {CheckpointXray, TensorInfo} from '../model/checkpoint-xray.js'
import {formatBytes} from './bytes.js'
import {checkpointPairs} from './checkpoint-text.js'
import {plural} from './plural.js'
import {renderRecord, type Pair} from './record.js'
import type {RenderEnv} from './render-env.js'
import {shownBytes} from './shown-values.js'
import {renderTable} from './table.js'

/** One checkpoint and what is inside; of its tensors the first `tensors`. */
export function renderCheckpointInfo({xray, ...checkpoint}: CheckpointInfo, tensors: number, env: RenderEnv): string {
  const record = renderRecord([...checkpointPairs(checkpoint, env), ...(xray ? xrayPairs(xray, env) : [])], env)
  const shown = xray?.tensors.slice(0, tensors) ?? []
  return shown.length === 0 ? record : `${record}\n\n${renderTensors(shown, env)}`
}

function xrayPairs(xray: CheckpointXray, env: RenderEnv): readonly Pair[] {
  const exact = env.format === 'text'
  const count = (value: number): string => (exact ? String(value) : value.toLocaleString('en-US'))
  const dtypes = Object.entries(xray.dtypes).toSorted(([, a], [, b]) => b - a).map(([dtype, parameters]) => `${dtype} ${count(parameters)}`)
  const files = xray.files.map(file => `${file.path} (${[shownBytes(file.size_bytes, env), file.format, file.state_detail ?? file.state].filter(Boolean).join(', ')})`)
  const more = xray.files_left_out > 0 ? [`and ${plural(xray.files_left_out, 'further file')}`] : []
  return [
    ['Tensors', exact ? count(xray.tensor_count) : `${count(xray.tensor_count)} (${formatBytes(xray.tensor_bytes)})`],
    ['Parameters', count(xray.parameter_count)],
    ['Dtypes', dtypes.join(', ')],
    ['Optimizer', xray.has_optimizer === null ? 'not known' : xray.has_optimizer ? 'yes' : 'no'],
    ['Files', files.length === 0 ? undefined : [...files, ...more]],
  ]
}

function renderTensors(tensors: readonly TensorInfo[], env: RenderEnv): string {
  return renderTable<TensorInfo>(
    [
      {header: 'TENSOR', value: ({name}) => name, minWidth: 20, cut: 'start'},
      {header: 'DTYPE', value: ({dtype}) => dtype},
      {header: 'SHAPE', value: ({shape}) => shapeWords(shape)},
      {header: 'DIGEST', value: ({digest}) => digest, priority: 1, minWidth: 14},
    ],
    tensors, env, '',
  )
}

/** `4096x4096`; `scalar`. */
export const shapeWords = (shape: readonly number[]): string => (shape.length === 0 ? 'scalar' : shape.join('x'))
