import type {AttemptRecord, CheckpointFacts, EndState, ReferenceRecord, RoundRecord} from '../../../src/core/rehearse/rehearsal-record.js'
import type {TimedMark} from '../../../src/core/rehearse/log-timeline.js'
import type {KillKind} from '../../../src/core/rehearse/kill-kinds.js'

/** A training of one step a second that logs each `logEvery`-th step and saves each `saveEvery`-th. */
export interface SimulatedScript {
  readonly steps: number
  readonly logEvery: number
  readonly saveEvery: number
  /** Where it begins, given a checkpoint's step: a good one begins there. */
  readonly beginAfter?: (step: number) => number
  /** Saves before it prints. */
  readonly savesFirst?: boolean
}

/** After so many steps of an attempt; `inSave`: after the save of that step, before its line is printed. */
export interface SimulatedKill {
  readonly afterSteps: number
  readonly kind?: KillKind
}

const SECOND = 1000
const iso = (ms: number): string => new Date(ms).toISOString()

export const checkpointAt = (step: number, atMs: number, over: Partial<CheckpointFacts> = {}): CheckpointFacts =>
  ({path: `checkpoints/step_${step}.json`, state: 'complete', step, epoch: null, sha256: `sha-${step}`, modified_at: iso(atMs), ...over})

export const endWith = (good: CheckpointFacts | null, over: Partial<EndState> = {}): EndState =>
  ({good, newest: good, checkpointCount: good ? 1 : 0, outputs: new Map(), ...over})

export const attemptOf = (over: Partial<AttemptRecord> = {}): AttemptRecord => ({
  runId: 'run-20261123-120000-00000001', startedAtMs: 0, marks: [], resumedFrom: null, resumeRefused: null, passedOver: [], sawGood: false,
  end: 'completed', endWords: 'completed', kill: null, ...over,
})

interface Ran {
  readonly marks: readonly TimedMark[]
  readonly saved: CheckpointFacts | null
  readonly endMs: number
}

/** Runs from a step on until the end, or until so many steps are done. */
function run(script: SimulatedScript, fromStep: number, startMs: number, until: number): Ran {
  const marks: TimedMark[] = []
  let saved: CheckpointFacts | null = null
  let now = startMs
  for (let step = fromStep + 1; step <= script.steps && step - fromStep <= until; step++) {
    now += SECOND
    const isKilledHere = step - fromStep === until && step < script.steps
    if (step % script.logEvery === 0 && !(script.savesFirst && isKilledHere)) marks.push({step, epoch: null, atMs: now})
    if (step % script.saveEvery === 0) saved = checkpointAt(step, now)
  }
  return {marks, saved, endMs: now}
}

export function simulateReference(script: SimulatedScript): ReferenceRecord {
  const {endMs, marks, saved} = run(script, 0, 0, Infinity)
  return {attempt: attemptOf({marks}), end: endWith(saved), durationMs: endMs}
}

/** A round through kills, each after so many steps of its attempt, and then to the end. */
export function simulateRound(script: SimulatedScript, kills: readonly SimulatedKill[]): RoundRecord {
  const {beginAfter = step => step} = script
  const attempts: AttemptRecord[] = []
  let newest: CheckpointFacts | null = null
  let now = 0
  for (const kill of [...kills, null]) {
    const isFirst = attempts.length === 0
    const from: CheckpointFacts | null = newest
    const step = from?.step ?? null
    const begin = step === null ? 0 : beginAfter(step)
    const {endMs, marks, saved} = run(script, begin, now, kill?.afterSteps ?? Infinity)
    const over = kill !== null && begin + kill.afterSteps < script.steps
    attempts.push(attemptOf({
      startedAtMs: now, marks, resumedFrom: from, resumeRefused: from === null && !isFirst ? 'none is good' : null, end: over ? 'killed' : 'completed',
      kill: over ? {kind: kill.kind ?? 'kill', atMs: endMs, did: 'SIGKILL', newest: saved ?? newest, saveTook_s: null, savedOnRequest: null, overwrote: null} : null,
    }))
    newest = saved ?? newest
    now = endMs + SECOND
    if (!over) break
  }
  return {attempts, end: endWith(newest)}
}
