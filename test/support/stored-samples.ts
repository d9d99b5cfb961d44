import type {StoredCheckpoint} from '../../src/model/checkpoint.js'
import type {RunStatus} from '../../src/agent/protocol.js'
import {run} from '../ui/samples.js'
import type {TimedStore} from './timed-store.js'

export const RUN_A = 'run-20261123-100000-aaaaaaaa'
export const RUN_B = 'run-20261124-100000-bbbbbbbb'
export const OUT = 's3://bucket/out'
export const prefixOf = (runId: string, project = 'mnist'): string => `${OUT}/${project}/${runId}/`

/** As the agent writes it. */
export function manifest(runId: string, name: string, over: Record<string, unknown> = {}): Record<string, unknown> {
  const step = Number(/\d+/.exec(name)?.[0] ?? 0)
  return {
    version: 1, kind: 'file', path: `checkpoints/${name}`, state: 'complete', format: 'torch-zip', sha256: digest(runId + name), size_bytes: 4, step, epoch: null,
    metrics: {loss: 0.5}, modified_at: `2026-11-23T11:00:${String(step % 60).padStart(2, '0')}Z`, run_id: runId, attempt: 1, verified_at: '2026-11-23T11:30:00Z', files: [], ...over,
  }
}

export const digest = (text: string): string => Buffer.from(text).toString('hex').padEnd(64, '0').slice(-64)

/** A checkpoint with its manifest, the manifest last. */
export function layCheckpoint(store: TimedStore, runId: string, name: string, over: Record<string, unknown> = {}): void {
  const uri = `${prefixOf(runId)}checkpoints/${name}`
  store.lay(uri, Buffer.from('data'))
  store.lay(`${uri}.manifest.json`, manifest(runId, name, over))
}

export function layRunRecord(store: TimedStore, runId: string, names: readonly string[], {instanceId = 'mem-1', ...over}: Partial<RunStatus> & {readonly instanceId?: string} = {}): void {
  const checkpoints = names.map(name => ({...manifest(runId, name), uri: `${prefixOf(runId)}checkpoints/${name}`}))
  const status = run({run_id: runId, project: 'mnist', state: 'stopped', reason: 'completed', output_uri: prefixOf(runId), ...over})
  store.lay(`${prefixOf(runId)}run.json`, {run: status, checkpoints, outputs: [], complete: true, log: {}, written_at: '', instance_id: instanceId})
}

export const stored = (runId: string, name: string, over: Partial<StoredCheckpoint> = {}): StoredCheckpoint => {
  const {files: _, version: __, ...facts} = manifest(runId, name)
  return {...(facts as unknown as StoredCheckpoint), uri: `${prefixOf(runId)}checkpoints/${name}`, ...over}
}
