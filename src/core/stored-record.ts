/** Manifests and run.json lie where others can write too: what is not of their shape is told, and never believed. */
import type {RunStatus} from '../agent/protocol.js'
import type {CheckpointState, StoredCheckpoint} from '../model/checkpoint.js'
import {RUN_ID_PATTERN} from '../model/run.js'

/** Where an entry was found: what it says of itself must agree with that. */
export interface FoundAt {
  readonly uri: string
  /** Its path below the run's checkpoint folder, or below the prefix that was asked about. */
  readonly below: string
  /** Of the run below whose prefix it lies; null elsewhere. */
  readonly runId: string | null
}

/** What a run's run.json says. */
export interface StoredRun {
  /** `s3://bucket/prefix/PROJECT/RUN-ID/` */
  readonly prefix: string
  readonly facts: RunFacts
  readonly instanceId: string | null
  /** Whether it has ended and all of it is there. */
  readonly complete: boolean
  /** What it resumed from, and the run that wrote that. */
  readonly resumeFrom: string | null
  readonly parentRunId: string | null
  /** By the end of their URI: whatever the record says, nothing outside the run's own prefix. */
  readonly checkpoints: ReadonlyMap<string, StoredCheckpoint>
}

/** The part of a run's status with which it can be begun again. */
export type RunFacts = Pick<RunStatus, 'args' | 'checkpoint_dir' | 'name' | 'output_dir' | 'output_uri' | 'project' | 'project_dir' | 'run_id' | 'script' | 'state'>

const STATES: readonly CheckpointState[] = ['complete', 'corrupt', 'partial', 'unverified']
const MOST_METRICS = 50

/** The entry, or why it is none. */
export function readStored(value: unknown, place: FoundAt): StoredCheckpoint | string {
  const entry = asObject(value)
  if (entry === null) return 'it is no object'
  const {kind, modified_at, path, run_id, sha256, size_bytes, state, verified_at} = entry
  if (kind !== 'file' && kind !== 'folder') return 'its kind is neither file nor folder'
  if (typeof path !== 'string' || !isPlacePath(path)) return 'its path leads elsewhere'
  if (path !== place.below && !path.endsWith(`/${place.below}`)) return 'its path is not that of the object'
  if (!STATES.includes(state as CheckpointState)) return 'its state is unknown'
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return 'its sha256 is no digest'
  if (!isWhole(size_bytes)) return 'its size is no size'
  if (typeof run_id !== 'string' || !RUN_ID_PATTERN.test(run_id) || (place.runId !== null && run_id !== place.runId)) return 'it belongs to another run'
  if (!isTime(modified_at) || !isTime(verified_at)) return 'its times are none'
  return {
    uri: place.uri,
    path,
    kind,
    state: state as CheckpointState,
    format: typeof entry['format'] === 'string' ? entry['format'].slice(0, 100) : null,
    sha256,
    size_bytes,
    step: isWhole(entry['step']) ? entry['step'] : null,
    epoch: isWhole(entry['epoch']) ? entry['epoch'] : null,
    metrics: readMetrics(entry['metrics']),
    modified_at,
    run_id,
    attempt: isWhole(entry['attempt']) ? entry['attempt'] : null,
    verified_at,
  }
}

/** null where it is no record of this run. */
export function readRunRecord(value: unknown, prefix: string, runId: string): StoredRun | null {
  const record = asObject(value)
  const run = asObject(record?.['run'])
  if (record === null || run === null) return null
  const facts = readRunFacts(run)
  if (facts === null || facts.run_id !== runId) return null
  const checkpoints = new Map<string, StoredCheckpoint>()
  for (const one of Array.isArray(record['checkpoints']) ? (record['checkpoints'] as readonly unknown[]) : []) {
    const uri = asObject(one)?.['uri']
    const start = `${prefix}checkpoints/`
    if (typeof uri !== 'string' || !uri.startsWith(start)) continue
    const entry = readStored(one, {uri, below: uri.slice(start.length), runId})
    if (typeof entry !== 'string') checkpoints.set(uri, entry)
  }
  return {
    prefix, facts, checkpoints, instanceId: asText(record['instance_id']), complete: record['complete'] === true,
    resumeFrom: asText(run['resume_from']), parentRunId: asText(run['parent_run_id']),
  }
}

function readRunFacts(run: Readonly<Record<string, unknown>>): RunFacts | null {
  const {args, state} = run
  const [run_id, project, script, project_dir, checkpoint_dir, output_dir] = ['run_id', 'project', 'script', 'project_dir', 'checkpoint_dir', 'output_dir'].map(name => asText(run[name]))
  if (!run_id || !project || !script || !project_dir || !checkpoint_dir || !output_dir) return null
  if (!Array.isArray(args) || !args.every(one => typeof one === 'string')) return null
  return {
    run_id, project, script, project_dir, checkpoint_dir, output_dir,
    args,
    name: asText(run['name']),
    output_uri: asText(run['output_uri']),
    state: state === 'preparing' || state === 'running' || state === 'stopping' ? state : 'stopped',
  }
}

function readMetrics(value: unknown): Readonly<Record<string, number>> {
  const pairs = Object.entries(asObject(value) ?? {}).filter((pair): pair is [string, number] => Number.isFinite(pair[1]))
  return Object.fromEntries(pairs.slice(0, MOST_METRICS))
}

/** A folder of checkpoints may be anywhere on the instance, but no path climbs out of where it begins. */
const isPlacePath = (path: string): boolean => isPlainPath(path.replace(/^\//, ''))
/** A relative path that stays where it is put. */
export const isPlainPath = (path: string): boolean =>
  path !== '' && !path.includes('\0') && path.split('/').every(part => part !== '' && part !== '.' && part !== '..')
export const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isTime = (value: unknown): value is string => typeof value === 'string' && value.length <= 40 && !Number.isNaN(Date.parse(value))
const asText = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

export function asObject(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : null
}
