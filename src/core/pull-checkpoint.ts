import path from 'node:path'

import type {CheckpointsRequest} from '../agent/checkpoint-protocol.js'
import type {Checkpoint} from '../model/checkpoint.js'
import {isRunctlError, RunctlError, type ErrorCode} from '../model/errors.js'
import {PULL_FOLDER} from '../model/pull-folder.js'
import type {CheckpointOrigin} from './checkpoint-origin.js'
import {findRunningInstance} from './find-instance.js'
import {findRun} from './list-runs.js'
import {pickByName} from './pick-by-name.js'
import type {PlatformDeps} from './platform-deps.js'
import {localCopy, pull} from './pull-checkpoints.js'
import {pullStored} from './pull-stored.js'
import {readCheckpoints} from './read-checkpoints.js'
import type {StoreHints} from './store-roots.js'
import type {PullReport} from './sync/reports.js'

export interface CheckpointPullInput extends StoreHints {
  readonly origin: Exclude<CheckpointOrigin, {readonly kind: 'folder'}>
  /** `latest`: the newest good one; `all`: every complete one; else the path of one, or its end. */
  readonly wanted: string
  /** On this machine; null: below `runctl-checkpoints/` in `cwd`. */
  readonly destination: string | null
  readonly cwd: string
}

/** A checkpoint that is on this machine now, whole. */
export interface PulledCheckpoint {
  /** A URI, or the absolute path on the instance. */
  readonly from: string
  /** Absolute. */
  readonly local_path: string
  readonly path: string
  readonly run_id: string | null
  readonly step: number | null
  readonly epoch: number | null
  /** Of what is here, compared with the source; null where that could not tell. */
  readonly sha256: string | null
  readonly size_bytes: number
  /** `unchanged`: it was here already. */
  readonly what: 'copied' | 'unchanged'
}

/** Also its JSON form. */
export interface CheckpointPullResult {
  readonly checkpoints: readonly PulledCheckpoint[]
  /** That came with this command. */
  readonly bytes_copied: number
  /** That an earlier one, which was cut off, had brought here. */
  readonly bytes_resumed: number
}

const ELSEWHERE: readonly ErrorCode[] = ['not_found', 'unreachable', 'verification_failed']

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'progress' | 'provider' | 'signal'>

/** Copies checkpoints to this machine, verified: from the instance where that runs, else from the store. */
export async function pullCheckpoint(input: CheckpointPullInput, platforms: readonly Deps[]): Promise<CheckpointPullResult> {
  const {origin} = input
  switch (origin.kind) {
    case 'instance': {
      const [deps] = platforms
      if (!deps) throw new Error('the platform of the instance is missing')
      await findRunningInstance(origin.instanceId, deps)
      return fromInstance(origin.instanceId, origin.project === null ? {} : {project: origin.project}, input, deps)
    }
    case 'run': {
      const found = await findRun(origin.runId, platforms).catch((error: unknown) => {
        if (!isRunctlError(error) || error.code === 'bad_input') throw error
        return error
      })
      if (isRunctlError(found)) return pullStored(input, platforms, found)
      const {deps, run} = found
      try {
        return await fromInstance(run.instance_id, {run_id: run.run_id}, input, deps)
      } catch (error) {
        // No longer on the disk, or no longer good there; where the run has stored it, it still is.
        if (run.output_uri === null || !isRunctlError(error) || !ELSEWHERE.includes(error.code)) throw error
        return pullStored({...input, origin: {kind: 'store', uri: run.output_uri}}, platforms, error)
      }
    }
    case 'project':
    case 'store':
      return pullStored(input, platforms, null)
  }
}

async function fromInstance(instanceId: string, request: Pick<CheckpointsRequest, 'project' | 'run_id'>, input: CheckpointPullInput, deps: Deps): Promise<CheckpointPullResult> {
  const {checkpoints, dir, latest_good, latest_good_skipped, project_dir} = await readCheckpoints(deps.agent(instanceId), request, deps.signal)
  if (input.wanted === 'latest') for (const {path: name, why} of latest_good_skipped) deps.progress.emit({type: 'warning', message: `${name} is passed over: ${why}`})
  const chosen = choose(checkpoints, latest_good, input.wanted, instanceId)
  const known = chosen.map(checkpoint => ({checkpoint, remote: path.posix.resolve(project_dir ?? dir, checkpoint.path)}))
  const [first] = known
  if (!first) return {checkpoints: [], bytes_copied: 0, bytes_resumed: 0}
  const ownFolder = path.join(PULL_FOLDER, instanceId, path.posix.basename(project_dir ?? dir))
  const isAll = input.wanted === 'all'
  const source = isAll ? dir : first.remote
  const destination = input.destination ?? path.join(ownFolder, isAll ? '' : path.posix.relative(dir, first.remote))
  const report = await pull({cwd: input.cwd, destination, instanceId, source}, known, deps)
  const pulled = known.map(({checkpoint, remote}) => pulledFrom(checkpoint, remote, report))
  for (const {path: name, sha256} of pulled) if (sha256 === null) deps.progress.emit({type: 'warning', message: `${name} was written anew while it was copied: what is here is not what was listed`})
  return {checkpoints: pulled, bytes_copied: report.bytes_copied, bytes_resumed: 0}
}

function choose(checkpoints: readonly Checkpoint[], latestGood: Checkpoint | null, wanted: string, instanceId: string): readonly Checkpoint[] {
  if (wanted === 'all') return checkpoints.filter(({state}) => state === 'complete')
  if (wanted !== 'latest') return [pickByName(checkpoints, wanted, one => one.path)]
  if (latestGood) return [latestGood]
  throw new RunctlError('verification_failed', `no checkpoint on ${instanceId} is good`, {next: [`runctl checkpoint list --instance-id ${instanceId}`]})
}

function pulledFrom(checkpoint: Checkpoint, remote: string, report: PullReport): PulledCheckpoint {
  const files = report.files.filter(({remote_path}) => remote_path === remote || remote_path.startsWith(`${remote}/`))
  const local = localCopy(checkpoint, remote, report)
  const {epoch, path: name, run_id, sha256, size_bytes, step} = checkpoint
  return {
    from: remote, local_path: local ?? report.destination, path: name, run_id, step, epoch, sha256: local === null ? null : sha256, size_bytes,
    what: files.some(({what}) => what === 'copied') ? 'copied' : 'unchanged',
  }
}
