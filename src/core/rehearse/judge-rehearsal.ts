import {compareEnds, type EndComparison} from './compare-ends.js'
import {missingOf, resumeAlarm, wasSavedUnlogged} from './coverage.js'
import {unitsOf, type Unit} from './progress-unit.js'
import {advise, type Problem} from './rehearsal-problems.js'
import type {AttemptRecord, ReferenceRecord, RoundRecord} from './rehearsal-record.js'

export interface JudgeInput {
  readonly reference: ReferenceRecord
  readonly rounds: readonly RoundRecord[]
  /** The script's text names RUNCTL_RESUME_FROM or the argument with the path. */
  readonly takesResume: boolean
  /** What is not byte for byte the same as the reference is a failure. */
  readonly exact: boolean
}

export interface Judgement {
  readonly verdict: 'FAIL' | 'PASS'
  /** Every round left the same last checkpoint as the reference, or the same outputs, byte for byte. */
  readonly exact: boolean
  readonly problems: readonly Problem[]
  readonly remarks: readonly string[]
  readonly units: readonly Unit[]
  readonly compared: readonly EndComparison[]
}

/** The verdict, from what was seen alone. */
export function judgeRehearsal(input: JudgeInput): Judgement {
  const {reference, rounds} = input
  const units = unitsOf(reference.attempt.marks)
  const unfit = unfitReference(reference)
  if (unfit) return {verdict: 'FAIL', exact: false, problems: [unfit], remarks: [], units, compared: []}
  const compared = rounds.flatMap(({end}) => (end ? [compareEnds(reference.end, end)] : []))
  const exact = compared.length > 0 && compared.length === rounds.length && compared.every(one => one.exact)
  const kills = rounds.flatMap(({attempts}) => attempts.flatMap(({kill}) => kill ?? []))
  const found = onceEach([
    ...(kills.length === 0 ? [advise('nothing_killed')] : []),
    ...(units.length === 0 ? [advise('cannot_tell')] : []),
    ...rounds.flatMap(round => [...attemptProblems(round, units, input), ...missing(round, units, input), ...endProblems(round, input)]),
    ...(input.exact && !exact ? [advise('not_exact')] : []),
  ])
  const problems = found.length === 0 && rounds.some(({end}) => end === null) ? [advise('unfinished', 'the training did not come to its end')] : found
  return {verdict: problems.length === 0 ? 'PASS' : 'FAIL', exact, problems, remarks: remarksOn(input, units), units, compared}
}

/** What makes a drill pointless. */
export function unfitReference({attempt, end}: ReferenceRecord): Problem | null {
  if (attempt.end === 'unfinished') return advise('unfinished', 'the reference run, without any interruption, did not end in time')
  if (attempt.end !== 'completed') return advise('script_fails', `without any interruption the script ${attempt.endWords}`)
  if (end.checkpointCount === 0) return advise('no_checkpoints')
  if (end.good === null) return advise('none_verifies', `of its ${end.checkpointCount} checkpoint(s) none verifies; the newest, ${end.newest?.path}, is ${end.newest?.state}`)
  return null
}

function attemptProblems({attempts}: RoundRecord, units: readonly Unit[], {takesResume}: JudgeInput): readonly Problem[] {
  return attempts.flatMap((attempt, at): readonly Problem[] => {
    const killed = attempts[at - 1]
    if (attempt.resumeRefused !== null && killed && hadGood(killed)) {
      const what = killed.kill?.overwrote ?? killed.kill?.newest?.path ?? 'its only checkpoint'
      return [advise('overwritten', `${killed.kill?.did}: there had been a good checkpoint, and then there was none: ${what} is written over in its place`)]
    }
    const alarm = resumeAlarm(attempts, at, units)
    const from = attempt.resumedFrom
    if (alarm && from) {
      const said = `given ${from.path} (${alarm.unit} ${alarm.position}), the script began at ${alarm.unit} ${alarm.first}`
      return [advise(takesResume ? 'restarts' : 'ignores_resume', said)]
    }
    if (attempt.end === 'failed') {
      return from === null ? [advise('script_fails', `started from nothing, the script ${attempt.endWords}`)] : [advise('cannot_resume', `given ${from.path}, the script ${attempt.endWords}`)]
    }
    return attempt.end === 'unfinished' ? [advise('unfinished', `${attempt.runId} did not end in time`)] : []
  })
}

const hadGood = ({kill, resumedFrom, sawGood}: AttemptRecord): boolean => resumedFrom !== null || sawGood || (kill?.overwrote ?? null) !== null

/** Only of what came to its end: of the others it is said already that they did not. */
function missing(round: RoundRecord, units: readonly Unit[], {reference}: JudgeInput): readonly Problem[] {
  if (round.end === null) return []
  return units.flatMap(unit => {
    const lacking = missingOf(reference, round, unit)
    if (lacking.length === 0) return []
    const some = lacking.slice(0, 5).join(', ')
    return [advise('skipped', `${unit} ${some}${lacking.length > 5 ? `, … (${lacking.length} in all)` : ''} of the reference was not done: left out when it went on`)]
  })
}

function endProblems({end}: RoundRecord, {reference}: JudgeInput): readonly Problem[] {
  if (end === null) return []
  const [wanted, got] = [reference.end.good, end.good]
  if (got === null) return [advise('last_checkpoint', `at the end none of its ${end.checkpointCount} checkpoint(s) verifies`)]
  if (end.newest && end.newest.path !== got.path && end.newest.state !== 'unverified') {
    return [advise('last_checkpoint', `the last checkpoint, ${end.newest.path}, is ${end.newest.state}`)]
  }
  return (['step', 'epoch'] as const).flatMap(unit => (wanted === null || wanted[unit] === null || wanted[unit] === got[unit] ? [] : [
    advise('last_checkpoint', `the last checkpoint is at ${unit} ${got[unit] ?? '?'}, the reference's at ${unit} ${wanted[unit]}`),
  ])).slice(0, 1)
}

function remarksOn({reference, rounds, takesResume}: JudgeInput, units: readonly Unit[]): readonly string[] {
  const attempts = rounds.flatMap(round => round.attempts)
  const halfWritten = [...new Set(attempts.flatMap(({passedOver}) => passedOver.map(({path, why}) => `${path} (${why})`)))]
  const refused = attempts.filter(({kill}) => kill?.savedOnRequest === false).length
  const unlogged = rounds.some(round => units.some(unit => wasSavedUnlogged(reference, round.attempts, unit)))
  return [
    ...(halfWritten.length > 0 ? [`checkpoints are not written atomically: ${halfWritten.slice(0, 3).join('; ')} was passed over, and the one before taken; write to a name that ends in .tmp, then rename`] : []),
    ...(reference.end.good?.state === 'unverified' ? ['the checkpoints are of a format that cannot be verified: that they are whole is not known'] : []),
    ...(refused > 0 ? [`asked to stop, the script saved nothing new (${refused} of ${attempts.filter(({kill}) => typeof kill?.savedOnRequest === 'boolean').length} times): save when RUNCTL_STOP_FILE appears or SIGTERM comes`] : []),
    ...(unlogged ? ['a step was saved and the script killed before it was logged: it counts as done'] : []),
    ...(attempts.some(({resumeRefused}) => resumeRefused !== null) ? ['after a kill there was no good checkpoint yet, and it began from nothing'] : []),
    ...(!takesResume ? ['the script names neither RUNCTL_RESUME_FROM nor --resume-from: it must find its checkpoints by itself'] : []),
  ]
}

const onceEach = (problems: readonly Problem[]): readonly Problem[] =>
  problems.filter(({code, message}, at) => problems.findIndex(other => other.code === code && (other.message === message || code === 'restarts' || code === 'ignores_resume')) === at)
