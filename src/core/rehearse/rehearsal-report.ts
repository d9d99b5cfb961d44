import type {RunStatus} from '../../agent/protocol.js'
import type {EndComparison} from './compare-ends.js'
import {lossOf} from './coverage.js'
import type {Judgement} from './judge-rehearsal.js'
import type {KillKind} from './kill-kinds.js'
import {lastOf, valuesOf, type Unit} from './progress-unit.js'
import type {Problem} from './rehearsal-problems.js'
import {factsOf, type CheckpointFacts, type ReferenceRecord} from './rehearsal-record.js'
import type {Rounds} from './run-rounds.js'

/** One kill, and what it cost. */
export interface KillReport {
  readonly kind: KillKind
  /** From 1; null where it did not come to it. */
  readonly round: number | null
  readonly run_id: string | null
  /** What was done: `SIGKILL while it was writing checkpoints/last.pt`. Data of the script's may be in it: escape before display. */
  readonly did: string | null
  /** From the start of the run that it hit, in seconds. */
  readonly at_s: number | null
  /** What the log had said last. */
  readonly at_step: number | null
  readonly at_epoch: number | null
  /** On the disk just after, whatever its state. */
  readonly newest_checkpoint: CheckpointFacts | null
  /** What the next run went on from; null: it began from nothing. */
  readonly resumed_from: CheckpointFacts | null
  /** Newer ones that were no good. */
  readonly passed_over: readonly {readonly path: string; readonly why: string}[]
  /** What the next three are counted in. */
  readonly unit: Unit | null
  /** Logged before and again after. */
  readonly repeated: number | null
  readonly skipped: number | null
  /** Work since the checkpoint that it went on from. */
  readonly lost: number | null
  readonly lost_s: number | null
  /** How long the save took that was asked for. */
  readonly save_took_s: number | null
}

export interface ReferenceReport {
  readonly run_id: string
  readonly duration_s: number
  /** How many different values the log has. */
  readonly steps_logged: number
  readonly last_step: number | null
  readonly epochs_logged: number
  readonly last_epoch: number | null
  readonly checkpoint_count: number
  readonly last_checkpoint: CheckpointFacts | null
}

export interface RehearsalReport {
  readonly verdict: 'FAIL' | 'PASS'
  /** The result is that of the uninterrupted run byte for byte. */
  readonly exact: boolean
  readonly script: string
  readonly args: readonly string[]
  readonly seed: number
  readonly reference: ReferenceReport
  /** In the order in which they came; those that did not come last. */
  readonly kills: readonly KillReport[]
  readonly problems: readonly Problem[]
  readonly remarks: readonly string[]
  /** The end of each round beside that of the reference. */
  readonly compared: readonly EndComparison[]
  /** Left there with --keep. */
  readonly instances_kept: readonly string[]
  readonly duration_s: number
}

export function reportKills({outcomes, rounds}: Rounds, reference: ReferenceRecord, {units}: Judgement): readonly KillReport[] {
  return outcomes.toSorted((a, b) => Number(a.place === null) - Number(b.place === null)).map(({place, planned}): KillReport => {
    const round = place && rounds[place.round]
    const [killed, next] = round ? [round.attempts[place.attempt], round.attempts[place.attempt + 1]] : []
    const kill = killed?.kill
    if (!round || !kill) return {...NOTHING, kind: planned.kind}
    // Of what was ended at once, a line that was seen later was there before.
    const before = kill.kind === 'term' ? killed.marks.filter(({atMs}) => atMs <= kill.atMs) : killed.marks
    return {
      kind: planned.kind,
      round: place.round + 1,
      run_id: killed.runId,
      did: kill.did,
      at_s: Math.max(0, (kill.atMs - killed.startedAtMs) / 1000),
      at_step: lastOf(before, 'step'),
      at_epoch: lastOf(before, 'epoch'),
      newest_checkpoint: kill.newest,
      resumed_from: next?.resumedFrom ?? null,
      passed_over: next?.passedOver ?? [],
      ...lossOf(reference, round, place.attempt, units[0] ?? null),
      save_took_s: kill.saveTook_s,
    }
  })
}

const NOTHING: Omit<KillReport, 'kind'> = {
  round: null, run_id: null, did: null, at_s: null, at_step: null, at_epoch: null, newest_checkpoint: null, resumed_from: null, passed_over: [],
  unit: null, repeated: null, skipped: null, lost: null, lost_s: null, save_took_s: null,
}

export function reportReference({attempt, durationMs, end}: ReferenceRecord, run: RunStatus): ReferenceReport {
  const {marks} = attempt
  return {
    run_id: run.run_id,
    duration_s: durationMs / 1000,
    steps_logged: new Set(valuesOf(marks, 'step')).size,
    last_step: lastOf(marks, 'step'),
    epochs_logged: new Set(valuesOf(marks, 'epoch')).size,
    last_epoch: lastOf(marks, 'epoch'),
    checkpoint_count: end.checkpointCount,
    last_checkpoint: end.good && factsOf(end.good),
  }
}
