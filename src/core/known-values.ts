/** What a completion may offer, taken from what the platforms and the agents tell. */
import type {RunStatus} from '../agent/protocol.js'
import type {Checkpoint} from '../model/checkpoint.js'
import {TAGS, type Instance} from '../model/instance.js'
import type {KnownCheckpoint, KnownInstance, KnownRun, KnownValues} from '../model/known-values.js'
import {RUN_ID_PATTERN} from '../model/run.js'
import {readCheckpointTag} from './list-resources.js'

/** Something that was seen of a platform. */
export interface SeenValues {
  readonly instances: readonly KnownInstance[]
  readonly runs: readonly KnownRun[]
  readonly checkpoints: readonly KnownCheckpoint[]
}

/** An instance, and what its tags say of its last run and checkpoint. */
export function seenOfInstance({createdAt, id, instanceType, name, state, tags}: Instance): SeenValues {
  const run = tags[TAGS.lastRun] ?? ''
  const project = tags[TAGS.project] ?? null
  const checkpoint = readCheckpointTag(tags[TAGS.lastCheckpoint])
  return {
    instances: [{id, name, state, type: instanceType, project, createdAt}],
    runs: RUN_ID_PATTERN.test(run) ? [{id: run, instance: id, state: null, script: null, project}] : [],
    checkpoints: checkpoint ? [{path: checkpoint.path, instance: id, run: null, state: null, step: checkpoint.step}] : [],
  }
}

export const seenOfRuns = (instance: string, runs: readonly RunStatus[]): SeenValues => ({
  instances: [],
  runs: runs.map(({project, run_id, script, state}) => ({id: run_id, instance, state, script, project})),
  checkpoints: [],
})

export const seenOfCheckpoints = (instance: string, checkpoints: readonly Checkpoint[]): SeenValues => ({
  instances: [],
  runs: [],
  // The agent tells the oldest first.
  checkpoints: checkpoints.map(({path, run_id, state, step}) => ({path, instance, run: run_id, state, step})).toReversed(),
})

/** Each thing once, as it was seen last: a command that watches for hours sees the same ones again and again. */
export class SeenSoFar {
  readonly #instances = new Map<string, KnownInstance>()
  readonly #runs = new Map<string, KnownRun>()
  readonly #checkpoints = new Map<string, KnownCheckpoint>()

  add({checkpoints, instances, runs}: SeenValues): void {
    for (const one of instances) this.#instances.set(one.id, one)
    for (const one of runs) this.#runs.set(one.id, filledFrom(one, this.#runs.get(one.id)))
    for (const one of checkpoints) this.#checkpoints.set(keyOfCheckpoint(one), filledFrom(one, this.#checkpoints.get(keyOfCheckpoint(one))))
  }

  get all(): SeenValues {
    return {instances: [...this.#instances.values()], runs: [...this.#runs.values()], checkpoints: [...this.#checkpoints.values()]}
  }
}

const keyOfCheckpoint = ({instance, path}: KnownCheckpoint): string => `${instance} ${path}`

/** What was seen goes before what was known of the same; what is terminated goes, with all that was on it. */
export function withSeen(known: KnownValues, seen: SeenValues): KnownValues {
  const states = new Map([...known.instances, ...seen.instances].map(({id, state}) => [id, state]))
  const isThere = (id: string): boolean => !['terminated', 'shutting-down'].includes(states.get(id) ?? 'running')
  return {
    ...known,
    instances: merged(known.instances, seen.instances, ({id}) => id).filter(({id}) => isThere(id)).toSorted(byNewest(({createdAt}) => createdAt ?? '')),
    runs: merged(known.runs, seen.runs, ({id}) => id).filter(({instance}) => isThere(instance)).toSorted(byNewest(({id}) => id)),
    checkpoints: merged(known.checkpoints, seen.checkpoints, keyOfCheckpoint).filter(({instance}) => isThere(instance)),
  }
}

/** All instances of the platform were seen: no other is there any more, nor what was on it. */
export function withAllSeen(known: KnownValues, seen: SeenValues): KnownValues {
  const ids = new Set(seen.instances.map(({id}) => id))
  const onThose = <T extends {readonly instance: string}>(list: readonly T[]): readonly T[] => list.filter(({instance}) => ids.has(instance))
  return withSeen({...known, instances: [], runs: onThose(known.runs), checkpoints: onThose(known.checkpoints)}, seen)
}

/** Those seen come first. A value that says less of a thing (from a tag) takes nothing away from what is known of it. */
function merged<T extends object>(known: readonly T[], seen: readonly T[], keyOf: (one: T) => string): readonly T[] {
  const all = new Map<string, T>()
  for (const one of [...seen, ...known]) {
    const key = keyOf(one)
    const newer = all.get(key)
    all.set(key, newer ? filledFrom(newer, one) : one)
  }
  return [...all.values()]
}

/** The newer one, and what it does not tell from the older. */
const filledFrom = <T extends object>(newer: T, older: T | undefined): T => ({...newer, ...older, ...Object.fromEntries(Object.entries(newer).filter(([, value]) => value !== null))})

const byNewest = <T>(timeOf: (one: T) => string) => (a: T, b: T): number => (timeOf(a) < timeOf(b) ? 1 : timeOf(a) > timeOf(b) ? -1 : 0)
