import {hostname} from 'node:os'

import type {CheckpointsRequest, RemoveCheckpointsRequest} from '../agent/checkpoint-protocol.js'
import type {RunStatus} from '../agent/protocol.js'
import type {Checkpoint} from '../model/checkpoint.js'
import type {RunTrace} from '../model/retention.js'
import type {ObjectStore} from '../providers/provider.js'
import {readManifest} from './stored-manifest.js'
import type {CleanupCandidate, CleanupPlace, RemovalReport} from './cleanup-checkpoints.js'
import type {LocalAgent} from './local-agent-port.js'
import type {PlatformDeps} from './platform-deps.js'
import {readCheckpoints} from './read-checkpoints.js'
import {readRuns} from './read-runs.js'
import type {AgentPort} from './sync/agent-port.js'
import {mapConcurrently} from './sync/map-concurrently.js'

const MOST_RUNS = 1000
const REMOVED_A_CALL = 200
const READS_AT_ONCE = 16
/** Of a path and its digest, in JSON. */
const BYTES_A_CHECKPOINT = 5000

export interface DiskCleanupInput {
  readonly instanceId: string
  readonly request: Pick<CheckpointsRequest, 'project' | 'run_id'>
  /** A copy whose verified twin is in the store now is not held by a tag, nor by an ended run that resumed from it. */
  readonly countsOnStore: boolean
}

/** What is on the disk of a running instance. */
export async function cleanupPlaceOnInstance({countsOnStore, instanceId, request}: DiskCleanupInput, deps: Pick<PlatformDeps, 'agent' | 'provider' | 'signal'>): Promise<CleanupPlace> {
  const agent = deps.agent(instanceId)
  const {checkpoints, dir, project_dir} = await readCheckpoints(agent, request, deps.signal)
  const runs = (await readRuns(agent, MOST_RUNS, deps.signal)).filter(run => project_dir === null || run.project_dir === project_dir)
  const {store} = deps.provider
  const spare = countsOnStore && store ? await storedNow(checkpoints, store, deps.signal) : new Set<Checkpoint>()
  return {
    kind: 'instance', where: instanceId, dir,
    checkpoints: checkpoints.map(checkpoint => candidate(checkpoint, spare.has(checkpoint))),
    runs: runs.map(traceOf),
    price: {usdPerGbMonth: 0, source: 'disk'},
    notes: ['a disk costs the same however full it is'],
    remove: async chosen => removeByAgent(agent, request, chosen, deps.signal),
  }
}

/** What is in a folder of this machine. */
export async function cleanupPlaceHere(dir: string, callAgent: LocalAgent): Promise<CleanupPlace> {
  const answer = await callAgent('checkpoints', {dir})
  return {
    kind: 'client', where: hostname(), dir: answer.dir,
    checkpoints: answer.checkpoints.map(checkpoint => candidate(checkpoint, false)),
    runs: [],
    price: {usdPerGbMonth: 0, source: 'local'},
    notes: [],
    remove: async chosen => byId(await callAgent('remove-checkpoints', {dir, remove: chosen.flatMap(named)})),
  }
}

async function removeByAgent(agent: AgentPort, request: DiskCleanupInput['request'], chosen: readonly CleanupCandidate[], signal: AbortSignal): Promise<RemovalReport> {
  const report: {removed: RemovalReport['removed'][number][]; kept: RemovalReport['kept'][number][]} = {removed: [], kept: []}
  const most = Math.max(1, Math.min(REMOVED_A_CALL, Math.floor(Math.min(agent.maxInputBytes, agent.maxOutputBytes) / BYTES_A_CHECKPOINT)))
  for (let at = 0; at < chosen.length; at += most) {
    const answer = byId(await agent.call('remove-checkpoints', {...request, remove: chosen.slice(at, at + most).flatMap(named)}, {signal}))
    report.removed.push(...answer.removed)
    report.kept.push(...answer.kept)
  }
  return report
}

/** The agent's word of today may be old: the store is asked. */
async function storedNow(checkpoints: readonly Checkpoint[], store: ObjectStore, signal: AbortSignal): Promise<ReadonlySet<Checkpoint>> {
  const found = await mapConcurrently(checkpoints, READS_AT_ONCE, async checkpoint => {
    const uris = checkpoint.places.flatMap(({kind, path, where}) => (kind === 's3' ? [`${store.scheme}://${where}/${path}`] : []))
    const manifests = await Promise.all(uris.map(async uri => readManifest(uri, store, {signal})))
    return manifests.some(manifest => manifest?.state === 'complete' && manifest.sha256 === checkpoint.sha256) ? [checkpoint] : []
  })
  return new Set(found.flat())
}

const candidate = (checkpoint: Checkpoint, spare: boolean): CleanupCandidate => ({...checkpoint, id: checkpoint.path, spare})

const named = ({path, sha256}: CleanupCandidate): RemoveCheckpointsRequest['remove'] => (sha256 === null ? [] : [{path, sha256}])

const byId = ({kept, removed}: {readonly removed: readonly {readonly path: string; readonly freed_bytes: number}[]; readonly kept: readonly {readonly path: string; readonly why: string}[]}): RemovalReport => ({
  removed: removed.map(({freed_bytes, path}) => ({id: path, freed_bytes})),
  kept: kept.map(({path, why}) => ({id: path, why})),
})

const traceOf = ({parent_run_id, resume_from, run_id, state}: RunStatus): RunTrace => ({run_id, active: state !== 'stopped', resume_from, parent_run_id})
