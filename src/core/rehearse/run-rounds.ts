import type {Checkpoint} from '../../model/checkpoint.js'
import {isRunctlError} from '../../model/errors.js'
import {step, type Progress} from '../progress.js'
import {Attempt} from './attempt.js'
import {awaitMoment, momentOf} from './await-moment.js'
import type {Drill} from './drill.js'
import {readEndState} from './end-state.js'
import {carryOut, type Killed} from './kills.js'
import type {PlannedKill} from './plan-kills.js'
import type {AttemptRecord, ReferenceRecord, RoundRecord} from './rehearsal-record.js'

/** What became of a kill that was planned. */
export interface KillOutcome {
  readonly planned: PlannedKill
  /** Where it is in the rounds; null where the script had ended before it, twice. */
  readonly place: {readonly round: number; readonly attempt: number} | null
}

export interface Rounds {
  readonly rounds: readonly RoundRecord[]
  readonly outcomes: readonly KillOutcome[]
}

/** A moment that comes after the end is tried once more, in a round of its own. */
const TRIES = 2

interface Queued {
  readonly planned: PlannedKill
  readonly number: number
  tries: number
}

/** Trains from nothing to the end, through as many of the kills as fit; and again with those that are left. */
export async function runRounds(plan: readonly PlannedKill[], reference: ReferenceRecord, drill: Drill, progress: Progress): Promise<Rounds> {
  const queue: Queued[] = plan.map((planned, at) => ({planned, number: at + 1, tries: 0}))
  const outcomes: KillOutcome[] = []
  const rounds: RoundRecord[] = []
  do {
    const round = await runRound({queue, outcomes, number: rounds.length, total: plan.length, reference, drill, progress})
    rounds.push(round)
    if (round.end === null) break
  } while (queue.length > 0)
  return {rounds, outcomes: [...outcomes, ...queue.map(({planned}) => ({planned, place: null}))]}
}

interface RoundInput {
  readonly queue: Queued[]
  readonly outcomes: KillOutcome[]
  /** From 0. */
  readonly number: number
  readonly total: number
  readonly reference: ReferenceRecord
  readonly drill: Drill
  readonly progress: Progress
}

async function runRound({drill, number, outcomes, progress, queue, reference, total}: RoundInput): Promise<RoundRecord> {
  const output = drill.rehearsalStore && `${drill.rehearsalStore.uri}round-${number + 1}`
  const attempts: AttemptRecord[] = []
  let instanceId = await drill.createInstance()
  let known: readonly Checkpoint[] = []
  for (;;) {
    const attempt = await Attempt.start(drill, {instanceId, output, known, resume: attempts.length > 0})
    const next = queue[0]
    const killed = next && await step(
      progress, `kill-${next.number}`, `Kill ${next.number} of ${total}: ${next.planned.kind}`, () => strike(next.planned, attempt, reference, drill),
      result => result?.record.did ?? 'the script had ended before it',
    )
    if (!next) await step(progress, 'finish', 'Let it run to its end', () => attempt.over)
    if (!killed) {
      await attempt.over
      attempts.push(attempt.record(null))
      if (next && ++next.tries >= TRIES) outcomes.push({planned: queue.shift()?.planned ?? next.planned, place: null})
      const end = attempt.completed ? await readEndState(attempt, drill) : null
      if (!drill.input.keep) await drill.removeInstance(instanceId)
      return {attempts, end}
    }
    outcomes.push({planned: next.planned, place: {round: number, attempt: attempts.length}})
    queue.shift()
    attempts.push(attempt.record(killed.record))
    instanceId = killed.instanceId
    known = killed.listing.checkpoints
  }
}

/** null: it had ended before, or the time for all of the drill is over. */
async function strike(planned: PlannedKill, attempt: Attempt, reference: ReferenceRecord, drill: Drill): Promise<Killed | null> {
  try {
    return (await awaitMoment(momentOf(planned, reference), attempt, drill)) ? await carryOut(planned.kind, attempt, drill) : null
  } catch (error) {
    if (!isRunctlError(error) || error.code !== 'timed_out' || drill.leftMs > 0) throw error
    await attempt.leave()
    return null
  }
}
