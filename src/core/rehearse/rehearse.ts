import {readFile} from 'node:fs/promises'
import path from 'node:path'

import {RunctlError} from '../../model/errors.js'
import type {RehearsalStore} from '../../providers/provider.js'
import {checkScript} from '../check-script.js'
import type {PlatformDeps} from '../platform-deps.js'
import {step, type Progress} from '../progress.js'
import {isStoreUri} from '../store-place.js'
import {Attempt} from './attempt.js'
import {Drill, type RehearseInput} from './drill.js'
import {readEndState} from './end-state.js'
import {judgeRehearsal, unfitReference} from './judge-rehearsal.js'
import {planKills} from './plan-kills.js'
import {providerWithStore} from './provider-with-store.js'
import type {EndState, ReferenceRecord} from './rehearsal-record.js'
import {reportKills, reportReference, type RehearsalReport} from './rehearsal-report.js'
import {runRounds, type Rounds} from './run-rounds.js'

/**
 * Trains once without interruption, and then again through kills, each time going on from the newest good checkpoint: whether the script loses work,
 * leaves any out, or ends with something else. All of it on instances of its own, which it removes. A script that fails is a verdict, not an error.
 */
export async function rehearse(input: RehearseInput, deps: PlatformDeps): Promise<RehearsalReport> {
  const {data} = input.train
  if (data !== null && isStoreUri(data)) {
    throw new RunctlError('bad_input', `a rehearsal runs on this machine and fetches nothing from ${data}`, {next: ['download a part of it, and give its folder: --data DIR']})
  }
  const script = await checkScript({...input.train, syncCode: true}, 'runctl checkpoint rehearse')
  const opened = input.kinds.includes('upload') ? await openStore(deps) : null
  const quiet = quietly(deps.progress)
  const drill = new Drill(input, {...deps, progress: quiet.progress, ...(opened ? {provider: providerWithStore(deps.provider, opened.store)} : {})}, opened)
  try {
    const begin = drill.nowMs
    const {record: reference, run} = await step(deps.progress, 'reference', `Run ${script} once without interruption`, () => runReference(drill), ({record: {durationMs, end}}) =>
      `${(durationMs / 1000).toFixed(1)} s, ${end.checkpointCount} checkpoints`)
    quiet.hush()
    const {rounds, outcomes} = unfitReference(reference) ? NO_ROUNDS : await runRounds(planFor(input, reference), reference, drill, deps.progress)
    const judgement = judgeRehearsal({reference, rounds, takesResume: await takesResume(input), exact: input.exact})
    return {
      verdict: judgement.verdict, exact: judgement.exact, script, args: input.train.args, seed: input.seed,
      reference: reportReference(reference, run), kills: reportKills({rounds, outcomes}, reference, judgement),
      problems: judgement.problems, remarks: judgement.remarks, compared: judgement.compared,
      instances_kept: input.keep ? [...drill.instances] : [], duration_s: (drill.nowMs - begin) / 1000,
    }
  } finally {
    await cleanUp(drill, deps.progress)
    await opened?.close()
  }
}

const NO_ROUNDS: Rounds = {rounds: [], outcomes: []}

async function openStore({provider, signal}: PlatformDeps): Promise<RehearsalStore> {
  if (provider.openRehearsalStore) return provider.openRehearsalStore({signal})
  throw new RunctlError('bad_input', `the platform ${provider.name} has no store for a rehearsal`, {next: ['--kinds term,kill,write,instance']})
}

async function runReference(drill: Drill): Promise<{readonly record: ReferenceRecord; readonly run: Attempt['run']}> {
  const instanceId = await drill.createInstance()
  const attempt = await Attempt.start(drill, {instanceId, resume: false, output: null, known: []})
  await attempt.over
  const record = attempt.record(null)
  const end: EndState = attempt.run.state === 'stopped' ? await readEndState(attempt, drill) : {good: null, newest: null, checkpointCount: 0, outputs: new Map()}
  if (!drill.input.keep) await drill.removeInstance(instanceId)
  const endedAt = attempt.run.ended_at === null ? drill.nowMs : Date.parse(attempt.run.ended_at)
  return {record: {attempt: record, end, durationMs: Math.max(0, endedAt - attempt.startedAtMs)}, run: attempt.run}
}

function planFor({kills: count, kinds, seed}: RehearseInput, {attempt, durationMs, end}: ReferenceRecord): ReturnType<typeof planKills> {
  const savedAt = end.newest === null ? attempt.startedAtMs : Date.parse(end.newest.modified_at)
  return planKills({seed, count, kinds, durationMs, lastSaveMs: Math.max(0, savedAt - attempt.startedAtMs)})
}

async function takesResume({train: {args, cwd, script}}: RehearseInput): Promise<boolean> {
  const text = await readFile(path.resolve(cwd, script), 'latin1')
  return /RUNCTL_RESUME_FROM|--resume-from/.test(text) || args.some(word => /^--resume-from\b/.test(word))
}

/** Of the use-cases only warnings are shown, each once, and none after the reference: then the report has them. */
function quietly(progress: Progress): {readonly progress: Progress; hush(): void} {
  const seen = new Set<string>()
  let hushed = false
  return {
    hush: () => void (hushed = true),
    progress: {
      emit(event) {
        if (event.type !== 'warning' || hushed || seen.has(event.message)) return
        seen.add(event.message)
        progress.emit(event)
      },
      pause: () => Promise.resolve(),
    },
  }
}

async function cleanUp(drill: Drill, progress: Progress): Promise<void> {
  for (const id of [...drill.instances]) {
    if (drill.input.keep && !drill.deps.signal.aborted) {
      drill.deps.footprint.forget(id)
      continue
    }
    try {
      await drill.removeInstance(id)
    } catch (error) {
      // The footprint still names it.
      progress.emit({type: 'warning', message: `${id} could not be removed: ${error instanceof Error ? error.message : String(error)}`})
    }
  }
}
