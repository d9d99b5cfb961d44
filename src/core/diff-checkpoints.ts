import type {Checkpoint} from '../model/checkpoint.js'
import type {CheckpointXray, TensorInfo} from '../model/checkpoint-xray.js'
import {inspectCheckpoint, type CheckpointAddress, type CheckpointInfo, type InspectDeps} from './inspect-checkpoint.js'
import {step, type Progress} from './progress.js'

type Described = Pick<Checkpoint, 'epoch' | 'format' | 'metrics' | 'path' | 'run_id' | 'sha256' | 'size_bytes' | 'state' | 'step'>
type Form = Pick<TensorInfo, 'dtype' | 'shape'>

/** How two checkpoints differ; also the JSON form of `checkpoint diff`. */
export interface CheckpointDiff {
  readonly a: Described
  readonly b: Described
  /** Whether all their bytes are the same; null where one's digest is not known. */
  readonly identical: boolean | null
  /** Facts that differ: `step`, `epoch`, `format`, `size_bytes`, `metrics.loss`. */
  readonly facts: readonly {readonly name: string; readonly a: number | string | null; readonly b: number | string | null}[]
  /** null where the tables of one could not be read. */
  readonly tensors: TensorDiff | null
}

export interface TensorDiff {
  readonly only_a: readonly (Form & {readonly name: string})[]
  readonly only_b: readonly (Form & {readonly name: string})[]
  /** In both, with another dtype or shape. */
  readonly other_form: readonly {readonly name: string; readonly a: Form; readonly b: Form}[]
  /** In both, of the same form, with other bytes. */
  readonly other_content: readonly string[]
  readonly same: number
  /** In both, of the same form; whether the bytes are the same is known only when they are read (`--full`). */
  readonly unknown: readonly string[]
  /** Tensors that did not fit into an answer of an instance, and were not compared. */
  readonly not_compared: number
}

export interface DiffDeps extends InspectDeps {
  readonly progress: Progress
}

export interface DiffInput {
  readonly a: CheckpointAddress
  readonly b: CheckpointAddress
  /** Read every byte of both. */
  readonly full: boolean
}

const MOST_TENSORS = 100_000

/** Compares what is in two checkpoints, wherever each is. */
export async function diffCheckpoints({a, b, full}: DiffInput, deps: DiffDeps): Promise<CheckpointDiff> {
  const look = async (address: CheckpointAddress): Promise<CheckpointInfo> => (await inspectCheckpoint(address, {full, maxTensors: MOST_TENSORS}, deps)).info
  const [infoA, infoB] = await step(deps.progress, 'diff', full ? 'Read both' : 'Read the tables of both', () => Promise.all([look(a), look(b)]))
  const identical = infoA.sha256 === null || infoB.sha256 === null ? null : infoA.sha256 === infoB.sha256
  return {
    a: described(infoA),
    b: described(infoB),
    identical,
    facts: differingFacts(infoA, infoB),
    tensors: infoA.xray && infoB.xray ? diffTensors(infoA.xray, infoB.xray, identical === true) : null,
  }
}

const described = ({epoch, format, metrics, path, run_id, sha256, size_bytes, state, step: at}: Checkpoint): Described =>
  ({path, state, format, size_bytes, sha256, step: at, epoch, metrics, run_id})

function differingFacts(a: Checkpoint, b: Checkpoint): CheckpointDiff['facts'] {
  const names = [...new Set([...Object.keys(a.metrics), ...Object.keys(b.metrics)])].sort()
  const facts = [
    ...(['state', 'format', 'step', 'epoch', 'size_bytes'] as const).map(name => ({name, a: a[name], b: b[name]})),
    ...names.map(name => ({name: `metrics.${name}`, a: a.metrics[name] ?? null, b: b.metrics[name] ?? null})),
  ]
  return facts.filter(fact => fact.a !== fact.b)
}

export function diffTensors(a: CheckpointXray, b: CheckpointXray, identical: boolean): TensorDiff {
  // A name behind which there are tensors that were left out may or may not be there.
  const lastOf = (xray: CheckpointXray): string | null => (xray.tensors_left_out > 0 ? xray.tensors.at(-1)?.name ?? '' : null)
  const bounds = [lastOf(a), lastOf(b)].filter(name => name !== null).sort(byCodePoint)
  const isCompared = ({name}: TensorInfo): boolean => bounds[0] === undefined || byCodePoint(name, bounds[0]) <= 0
  const inA = new Map(a.tensors.filter(isCompared).map(tensor => [tensor.name, tensor]))
  const inB = new Map(b.tensors.filter(isCompared).map(tensor => [tensor.name, tensor]))
  const both = [...inA.values()].flatMap(tensor => {
    const other = inB.get(tensor.name)
    return other === undefined ? [] : [{name: tensor.name, a: tensor, b: other}]
  })
  const sameForm = both.filter(pair => isSameForm(pair.a, pair.b))
  const verdicts = sameForm.map(pair => ({name: pair.name, same: identical || isSameContent(pair.a.digest, pair.b.digest)}))
  const named = (same: boolean | null): readonly string[] => verdicts.filter(one => one.same === same).map(({name}) => name)
  return {
    only_a: [...inA.values()].filter(({name}) => !inB.has(name)).map(withForm),
    only_b: [...inB.values()].filter(({name}) => !inA.has(name)).map(withForm),
    other_form: both.filter(pair => !isSameForm(pair.a, pair.b)).map(pair => ({name: pair.name, a: formOf(pair.a), b: formOf(pair.b)})),
    other_content: named(false),
    same: named(true).length,
    unknown: named(null),
    not_compared: Math.max(a.tensor_count - inA.size, b.tensor_count - inB.size),
  }
}

/** null where it cannot be told: digests of two kinds say nothing of each other. */
function isSameContent(a: string | null, b: string | null): boolean | null {
  if (a === null || b === null) return null
  if (a === b) return true
  return a.split(':')[0] === b.split(':')[0] ? false : null
}

/** As Python sorts text, which is how the agent does. */
const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
const isSameForm = (a: TensorInfo, b: TensorInfo): boolean => a.dtype === b.dtype && a.shape.join() === b.shape.join()
const formOf = ({dtype, shape}: TensorInfo): Form => ({dtype, shape})
const withForm = (tensor: TensorInfo): Form & {readonly name: string} => ({name: tensor.name, ...formOf(tensor)})
