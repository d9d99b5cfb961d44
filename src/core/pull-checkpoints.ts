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
  const report = await pull({source: input.checkpointDir, destination: input.destination, instanceId: input.instanceId, cwd: '/'}, deps)
  const {bytes_copied, destination, files_copied} = report
  return {destination, files_copied, bytes_copied, checkpoints_recorded: await recordCopies(report, input.instanceId, deps)}
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
  const report = await pull(input, deps)
  await recordCopies(report, input.instanceId, deps)
  return report
}

function pull({cwd, destination, instanceId, source}: PullPathInput, deps: Deps): Promise<PullReport> {
  return step(
    deps.progress, 'pull', `Copy ${source} to this machine`, () => pullFiles({source, destination, cwd}, {agent: deps.agent(instanceId), signal: deps.signal}),
    report => `${report.files_copied} of ${report.files.length} files copied`,
  )
}

async function recordCopies(report: PullReport, instanceId: string, deps: Deps): Promise<number> {
  if (report.files.length === 0) return 0
  const agent = deps.agent(instanceId)
  const {runs} = await agent.call('status', {all: true, limit: 1}, {signal: deps.signal})
  if (runs.length === 0) return 0
  const {checkpoints, project_dir} = await agent.call('checkpoints', {}, {signal: deps.signal})
  const verified_at = deps.clock.now().toISOString()
  const copies = checkpoints.flatMap(checkpoint => {
    const local = localCopy(checkpoint, path.posix.resolve(project_dir ?? '/', checkpoint.path), report)
    if (local === null || checkpoint.sha256 === null) return []
    return [{path: checkpoint.path, sha256: checkpoint.sha256, place: {kind: 'client' as const, where: hostname(), path: local, verified_at}}]
  })
  if (copies.length === 0) return 0
  return (await agent.call('record-copy', {copies}, {signal: deps.signal})).recorded
}

/** Where the checkpoint is on this machine now; null if not all of it was copied and verified. */
function localCopy(checkpoint: Checkpoint, remote: string, report: PullReport): string | null {
  if (checkpoint.state !== 'complete') return null
  const file = report.files.find(({remote_path}) => remote_path === remote)
  if (file) return file.sha256 === checkpoint.sha256 ? file.local_path : null
  const parts = report.files.filter(({remote_path}) => remote_path.startsWith(`${remote}/`))
  const [first] = parts
  const isWhole = first !== undefined && parts.every(({sha256}) => sha256 !== null) && parts.reduce((sum, part) => sum + part.size_bytes, 0) === checkpoint.size_bytes
  return isWhole ? first.local_path.slice(0, first.local_path.length - (first.remote_path.length - remote.length)) : null
}
