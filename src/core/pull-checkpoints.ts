import {hostname} from 'node:os'
import path from 'node:path'

import type {Checkpoint} from '../model/checkpoint.js'
import {PULL_FOLDER} from '../model/pull-folder.js'
import {folderDigest} from './checkpoint-manifest.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {readCheckpoints} from './read-checkpoints.js'
import {transferWords} from './transfer-words.js'
import {pullFiles} from './sync/pull-files.js'
import type {PullReport} from './sync/reports.js'

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'progress' | 'provider' | 'signal'>

export interface PullCheckpointsInput {
  readonly instanceId: string
  /** null: that of the newest run. */
  readonly project: string | null
  /** On this machine; null: below `runctl-checkpoints/` in `cwd`, apart by instance and project: checkpoints often have the same names. */
  readonly destination: string | null
  readonly cwd: string
}

/** Copies a project's checkpoint folder to this machine, verified, and has the instance remember that these are no longer the only copies. */
export async function pullCheckpoints({cwd, destination, instanceId, project}: PullCheckpointsInput, deps: Deps): Promise<PullReport> {
  const known = await knownCheckpoints(instanceId, project, deps)
  const place = destination ?? path.join(PULL_FOLDER, instanceId, known.project)
  return pull({cwd, destination: place, instanceId, source: known.dir}, known.complete, deps)
}

export interface PullPathInput {
  readonly instanceId: string
  readonly source: string
  /** null: the same name in `cwd`. */
  readonly destination: string | null
  readonly cwd: string
}

/** Copies any file or folder. What of it is a checkpoint of the newest run's project is remembered as copied. */
export async function pullPath(input: PullPathInput, deps: Deps): Promise<PullReport> {
  const {runs} = await deps.agent(input.instanceId).call('status', {all: true, limit: 1}, {signal: deps.signal})
  return pull(input, runs.length === 0 ? [] : (await knownCheckpoints(input.instanceId, null, deps)).complete, deps)
}

export interface KnownCheckpoint {
  readonly checkpoint: Checkpoint
  /** Absolute, on the instance. */
  readonly remote: string
}

/** The complete checkpoints of a project. Their digests are known before anything is copied. */
async function knownCheckpoints(instanceId: string, project: string | null, deps: Deps): Promise<{readonly dir: string; readonly project: string; readonly complete: readonly KnownCheckpoint[]}> {
  const request = project === null ? {} : {project}
  const {checkpoints, dir, project_dir} = await readCheckpoints(deps.agent(instanceId), request, deps.signal)
  const complete = checkpoints.filter(({state}) => state === 'complete')
  return {dir, project: path.posix.basename(project_dir ?? dir), complete: complete.map(checkpoint => ({checkpoint, remote: path.posix.resolve(project_dir ?? '/', checkpoint.path)}))}
}

/** Copies, and has the instance remember what of `known` is here now, verified. */
export async function pull({cwd, destination, instanceId, source}: PullPathInput, known: readonly KnownCheckpoint[], deps: Deps): Promise<PullReport> {
  // What is here already is then compared by content, so that an earlier copy counts as verified too.
  const knownSha256 = new Map(known.flatMap(({checkpoint: {sha256}, remote}) => {
    const below = path.posix.relative(source, remote)
    return sha256 === null || !path.posix.isAbsolute(source) || below.startsWith('..') ? [] : [[below || path.posix.basename(remote), sha256] as const]
  }))
  const report = await step(
    deps.progress, 'pull', `Copy ${source} to this machine`, () => pullFiles({source, destination, cwd, knownSha256}, {agent: deps.agent(instanceId), signal: deps.signal, ...transferWords(deps)}),
    ({files, files_copied}) => `${files_copied} of ${files.length} files had to be copied`,
  )
  await recordCopies(report, known, instanceId, deps)
  return report
}

async function recordCopies(report: PullReport, known: readonly KnownCheckpoint[], instanceId: string, deps: Deps): Promise<void> {
  const verified_at = deps.clock.now().toISOString()
  const copies = known.flatMap(({checkpoint, remote}) => {
    const local = localCopy(checkpoint, remote, report)
    if (local === null || checkpoint.sha256 === null) return []
    return [{path: checkpoint.path, sha256: checkpoint.sha256, place: {kind: 'client' as const, where: hostname(), path: local, verified_at}}]
  })
  const agent = deps.agent(instanceId)
  for (const part of inParts(copies, agent.maxInputBytes / 2)) await agent.call('record-copy', {copies: part}, {signal: deps.signal})
}

/** A call takes so many bytes and no more: a long training has checkpoints for several. */
function inParts<T>(items: readonly T[], mostBytes: number): readonly (readonly T[])[] {
  const parts: T[][] = []
  let room = 0
  for (const item of items) {
    const bytes = Buffer.byteLength(JSON.stringify(item)) + 1
    if (parts.length === 0 || bytes > room) {
      parts.push([])
      room = mostBytes
    }
    parts.at(-1)?.push(item)
    room -= bytes
  }
  return parts
}

/** Where the checkpoint is on this machine now; null if not all of it was copied and verified. */
export function localCopy(checkpoint: Checkpoint, remote: string, report: PullReport): string | null {
  const file = report.files.find(({remote_path}) => remote_path === remote)
  if (file) return file.sha256 === checkpoint.sha256 ? file.local_path : null
  const parts = report.files.filter(({remote_path}) => remote_path.startsWith(`${remote}/`))
  const [first] = parts
  const files = parts.flatMap(({remote_path, sha256}) => (sha256 === null ? [] : [{path: remote_path.slice(remote.length + 1), sha256}]))
  const isWhole = first !== undefined && files.length === parts.length && folderDigest(files) === checkpoint.sha256
  return isWhole ? first.local_path.slice(0, first.local_path.length - (first.remote_path.length - remote.length)) : null
}
