import type {CheckpointDiff, TensorDiff} from '../core/diff-checkpoints.js'
import type {TensorInfo} from '../model/checkpoint-xray.js'
import {shapeWords} from './checkpoint-info-text.js'
import {escapeLine} from './escape-control.js'
import {plural} from './plural.js'
import {renderRecord, type Pair} from './record.js'
import type {RenderEnv} from './render-env.js'
import {shownFigure} from './shown-values.js'

/** In a table so many of each kind are named. */
const MOST_NAMED = 20

/** How two checkpoints differ, in lines. */
export function renderCheckpointDiff(diff: CheckpointDiff, env: RenderEnv): string {
  const {a, b, facts, identical, tensors} = diff
  return renderRecord(
    [
      ['A', a.path],
      ['B', b.path],
      ['Bytes', identical === null ? 'not known to be the same' : identical ? 'the same' : 'not the same'],
      // The name of a metric is from the file, and labels are not escaped.
      ...facts.map(({name, ...fact}): Pair => [escapeLine(name), `${value(fact.a, env)} -> ${value(fact.b, env)}`]),
      ...(tensors === null ? [['Tensors', 'not compared: one of the two has no tables that can be read'] as const] : tensorPairs(tensors, env)),
    ],
    env,
  )
}

function tensorPairs(tensors: TensorDiff, env: RenderEnv): readonly Pair[] {
  const named = (lines: readonly string[]): readonly string[] | undefined => {
    if (lines.length === 0) return undefined
    const shown = env.format === 'text' ? lines : lines.slice(0, MOST_NAMED)
    return shown.length === lines.length ? shown : [...shown, `and ${lines.length - shown.length} more`]
  }
  const form = ({dtype, shape}: Pick<TensorInfo, 'dtype' | 'shape'>): string => `${dtype} ${shapeWords(shape)}`
  return [
    ['Only in A', named(tensors.only_a.map(one => `${one.name} ${form(one)}`))],
    ['Only in B', named(tensors.only_b.map(one => `${one.name} ${form(one)}`))],
    ['Other form', named(tensors.other_form.map(one => `${one.name} ${form(one.a)} -> ${form(one.b)}`))],
    ['Changed', named(tensors.other_content)],
    ['Same', plural(tensors.same, 'tensor')],
    ['Not known', tensors.unknown.length === 0 ? undefined : `${plural(tensors.unknown.length, 'tensor')} of the same form: --full reads both`],
    ['Not compared', tensors.not_compared === 0 ? undefined : plural(tensors.not_compared, 'tensor')],
  ]
}

const value = (fact: number | string | null, env: RenderEnv): string => (fact === null ? '-' : typeof fact === 'number' ? shownFigure(fact, env) : fact)
