import {hostname} from 'node:os'
import path from 'node:path'

import type {Checkpoint} from '../model/checkpoint.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {pullFiles} from './sync/pull-files.js'
import type {PullReport} from './sync/reports.js'

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'progress' | 'signal'>

/** Of the project, on this machine: where checkpoints are brought before their instance is terminated. Never sent back with the code. */
export const PULL_FOLDER = 'runctl-checkpoints'

export interface PullCheckpointsInput {
  readonly instanceId: string
  /** Absolute, on the instance. */
  readonly checkpointDir: string
  /** A folder on this machine, absolute. */
  readonly destination: string
}

export interface PulledCheckpoints {
  readonly destination: string
  readonly files_copied: number
  readonly bytes_copied: number
  /** Complete checkpoints that are now known to be here too. */
  readonly checkpoints_recorded: number
}

/** Copies a checkpoint folder to this machine, verified, and has the instance remember that these are no longer the only copies. */
export async function pullCheckpoints(input: PullCheckpointsInput, deps: Deps): Promise<PulledCheckpoints> {
  const known = await knownCheckpoints(input.instanceId, deps)
  const report = await pull({source: input.checkpointDir, destination: input.destination, instanceId: input.instanceId, cwd: '/'}, known, deps)
  const {bytes_copied, destination, files_copied} = report
  return {destination, files_copied, bytes_copied, checkpoints_recorded: await recordCopies(report, known, input.instanceId, deps)}
}

export interface PullPathInput {
  readonly instanceId: string
  readonly source: string
  /** null: the same name in `cwd`. */
  readonly destination: string | null
  readonly cwd: string
}

/** Copies any file or folder. What of it is a checkpoint is remembered as copied. */
export async function pullPath(input: PullPathInput, deps: Deps): Promise<PullReport> {
  const known = await knownCheckpoints(input.instanceId, deps)
  const report = await pull(input, known, deps)
  await recordCopies(report, known, input.instanceId, deps)
  return report
}

interface KnownCheckpoint {
  readonly checkpoint: Checkpoint
  /** Absolute, on the instance. */
  readonly remote: string
}

/** The complete checkpoints of the newest run's project. Their digests are known before anything is copied. */
async function knownCheckpoints(instanceId: string, {agent, signal}: Deps): Promise<readonly KnownCheckpoint[]> {
  const {runs} = await agent(instanceId).call('status', {all: true, limit: 1}, {signal})
  if (runs.length === 0) return []
  const {checkpoints, project_dir} = await agent(instanceId).call('checkpoints', {}, {signal})
  return checkpoints
    .filter(({state}) => state === 'complete')
    .map(checkpoint => ({checkpoint, remote: path.posix.resolve(project_dir ?? '/', checkpoint.path)}))
}

function pull({cwd, destination, instanceId, source}: PullPathInput, known: readonly KnownCheckpoint[], deps: Deps): Promise<PullReport> {
  // What is here already is then compared by content, so that an earlier copy counts as verified too.
  const knownSha256 = new Map(known.flatMap(({checkpoint: {sha256}, remote}) => {
    const below = path.posix.relative(source, remote)
    return sha256 === null || !path.posix.isAbsolute(source) || below.startsWith('..') ? [] : [[below || path.posix.basename(remote), sha256] as const]
  }))
  return step(
    deps.progress, 'pull', `Copy ${source} to this machine`, () => pullFiles({source, destination, cwd, knownSha256}, {agent: deps.agent(instanceId), signal: deps.signal}),
    report => `${report.files_copied} of ${report.files.length} files copied`,
  )
}

async function recordCopies(report: PullReport, known: readonly KnownCheckpoint[], instanceId: string, deps: Deps): Promise<number> {
  const verified_at = deps.clock.now().toISOString()
  const copies = known.flatMap(({checkpoint, remote}) => {
    const local = localCopy(checkpoint, remote, report)
    if (local === null || checkpoint.sha256 === null) return []
    return [{path: checkpoint.path, sha256: checkpoint.sha256, place: {kind: 'client' as const, where: hostname(), path: local, verified_at}}]
  })
  if (copies.length === 0) return 0
  return (await deps.agent(instanceId).call('record-copy', {copies}, {signal: deps.signal})).recorded
}

/** Where the checkpoint is on this machine now; null if not all of it was copied and verified. */
function localCopy(checkpoint: Checkpoint, remote: string, report: PullReport): string | null {
  const file = report.files.find(({remote_path}) => remote_path === remote)
  if (file) return file.sha256 === checkpoint.sha256 ? file.local_path : null
  const parts = report.files.filter(({remote_path}) => remote_path.startsWith(`${remote}/`))
  const [first] = parts
  const isWhole = first !== undefined && parts.every(({sha256}) => sha256 !== null) && parts.reduce((sum, part) => sum + part.size_bytes, 0) === checkpoint.size_bytes
  return isWhole ? first.local_path.slice(0, first.local_path.length - (first.remote_path.length - remote.length)) : null
}
