import path from 'node:path'

import {saveRuns} from '../save-runs.js'
import {startInstance} from '../start-instance.js'
import {quoteForShell} from '../../model/quote-for-shell.js'
import type {CheckpointsAnswer} from '../../agent/checkpoint-protocol.js'
import type {Attempt} from './attempt.js'
import {listAll, type Deed} from './deed.js'
import type {Drill} from './drill.js'
import {killWhileUploading} from './kill-while-uploading.js'
import type {KillKind} from './kill-kinds.js'
import {factsOf, type KillRecord} from './rehearsal-record.js'
import {WRITE_WATCHER, type WriteWatched} from './write-watcher.js'

/** What became of it, and where to go on. */
export interface Killed {
  readonly record: KillRecord
  /** Another one where the instance was lost. */
  readonly instanceId: string
  readonly listing: CheckpointsAnswer
}

/** null: the run was over before it could be done. */
type Kill = (attempt: Attempt, drill: Drill) => Promise<Deed | null>

const KILLS: Readonly<Record<KillKind, Kill>> = {term: stopIt, kill: killIt, write: killWhileWriting, upload: killWhileUploading, instance: cutPower}

/** Does it, and looks at what there is then; null where the run had ended by itself before. */
export async function carryOut(kind: KillKind, attempt: Attempt, drill: Drill): Promise<Killed | null> {
  const before = drill.nowMs
  const deed = await KILLS[kind](attempt, drill)
  if (!deed) return null
  const instanceId = deed.instanceId ?? attempt.instanceId
  const listing = deed.listing ?? (await listAll(attempt, drill))
  const newest = listing.checkpoints.at(-1)
  const {atMs = before, did, overwrote = null, saveTook_s = null, savedOnRequest = null} = deed
  return {instanceId, listing, record: {kind, atMs, did, newest: newest ? factsOf(newest) : null, saveTook_s, savedOnRequest, overwrote}}
}

/** As `stop` does: it is asked to save, and where it does not, it is ended by force. */
async function stopIt(attempt: Attempt, drill: Drill): Promise<Deed | null> {
  const agent = drill.deps.agent(attempt.instanceId)
  const ask = (force: boolean) => saveRuns(
    {requestId: drill.newKey(), runId: attempt.run.run_id, graceSeconds: drill.input.graceMs / 1000, force, reason: 'user'}, agent, drill.deps.signal,
  )
  const asked = (await ask(false)).reports[0]
  if (!asked || asked.ended === 'before') return null
  const last = asked.ok ? asked : (await ask(true)).reports[0] ?? asked
  await attempt.over
  if (attempt.completed && !asked.saved_on_request) return null
  const how = last.ended === 'forced' ? `ended by force (${last.killed} killed)` : 'it left by itself'
  return {did: `asked to stop: ${how}${asked.ok ? '' : `; ${asked.why ?? 'nothing good was saved'}`}`, saveTook_s: asked.took_s, savedOnRequest: asked.saved_on_request}
}

async function killIt(attempt: Attempt, drill: Drill): Promise<Deed | null> {
  const {deps} = drill
  const {pid} = attempt.run
  if (pid === null) return null
  const {exitCode} = await deps.provider.shell.run(attempt.instanceId, {script: `kill -s KILL -- -${pid}`, timeoutMs: 30_000, signal: deps.signal})
  await attempt.over
  return exitCode !== 0 || attempt.completed ? null : {did: 'SIGKILL to its process group'}
}

async function killWhileWriting(attempt: Attempt, drill: Drill): Promise<Deed | null> {
  const {deps} = drill
  const {checkpoint_dir, pid, project_dir} = attempt.run
  if (pid === null) return null
  const limitMs = drill.leftMs
  const script = `exec python3 - ${pid} ${quoteForShell(checkpoint_dir)} ${limitMs / 1000}`
  const {stdout} = await deps.provider.shell.run(attempt.instanceId, {script, stdin: Buffer.from(WRITE_WATCHER), timeoutMs: limitMs + 10_000, signal: deps.signal})
  const watched = JSON.parse(Buffer.from(stdout).toString('utf8') || '{}') as Partial<WriteWatched>
  if (watched.killed !== true || typeof watched.file !== 'string') {
    drill.checkTime()
    return null
  }
  const atMs = drill.nowMs
  await attempt.over
  const file = path.posix.relative(project_dir, watched.file)
  const when = watched.middle === false ? 'just after it had written' : 'while it was writing'
  return {did: `SIGKILL ${when} ${file}`, atMs, overwrote: watched.overwrote === true ? file : null}
}

/** Nothing on it is asked, and its agent is gone as well as the script. */
async function cutPower(attempt: Attempt, drill: Drill): Promise<Deed | null> {
  const {deps} = drill
  const id = attempt.instanceId
  const atMs = drill.nowMs
  await deps.provider.stopInstance(id, {signal: deps.signal})
  await attempt.over
  await startInstance({instanceId: id, wait: true, timeoutMs: drill.leftMs}, deps)
  await attempt.catchUp()
  return attempt.completed ? null : {did: 'the instance was stopped without a word, and started again', atMs}
}
