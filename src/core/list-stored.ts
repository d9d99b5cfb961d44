import type {Checkpoint} from '../model/checkpoint.js'
import type {RunTrace} from '../model/retention.js'
import type {CallOptions, ObjectStore} from '../providers/provider.js'
import {listStoredBelow, readStoredRun, storedRunPrefixes, UNFINISHED} from './stored-checkpoints.js'
import {placeOf} from './stored-layout.js'
import {mapConcurrently} from './sync/map-concurrently.js'

const READS_AT_ONCE = 16

export interface ListedCheckpoint extends Checkpoint {
  readonly uri: string
  readonly run_id: string
}

export interface TracedRun extends RunTrace {
  readonly project: string
  /** `s3://bucket/prefix/PROJECT/RUN-ID/` */
  readonly uri: string
}

export interface StoreListing {
  /** Those with a manifest below the prefix, oldest first. */
  readonly checkpoints: readonly ListedCheckpoint[]
  /** All runs of the projects that they are of, also those outside the prefix: one may have resumed from what is below it. */
  readonly runs: readonly TracedRun[]
  /** At the place of checkpoints, without a manifest: an upload goes on, or broke off. */
  readonly leftovers: readonly ListedCheckpoint[]
  /** What is misshapen, a sentence each. */
  readonly warnings: readonly string[]
}

/** What runs stored below a prefix, and what is known of these runs. Objects that no run wrote are left out. */
export async function listStored(prefix: string, store: ObjectStore, options: CallOptions): Promise<StoreListing> {
  const deps = {store, signal: options.signal ?? new AbortController().signal}
  const {checkpoints, warnings} = await listStoredBelow(prefix.endsWith('/') ? prefix : `${prefix}/`, deps)
  const listed = checkpoints.flatMap(checkpoint => {
    const [place] = checkpoint.places
    const uri = `${store.scheme}://${place?.where ?? ''}/${place?.path ?? ''}`
    const run_id = placeOf(uri)?.runId
    return run_id === undefined ? [] : [{...checkpoint, uri, run_id}]
  })
  const isLeft = ({state_detail}: ListedCheckpoint): boolean => state_detail === UNFINISHED
  const projects = new Map(listed.flatMap(({uri}) => {
    const place = placeOf(uri)
    return place ? [[place.projectUri, place.project] as const] : []
  }))
  const runs = await Promise.all([...projects].map(async ([projectUri, project]) => tracesOf(projectUri, project, deps)))
  return {checkpoints: listed.filter(one => !isLeft(one)), leftovers: listed.filter(isLeft), runs: runs.flat(), warnings}
}

/** A run without a record, or with one that is not complete, may still write. */
async function tracesOf(projectUri: string, project: string, deps: {readonly store: ObjectStore; readonly signal: AbortSignal}): Promise<readonly TracedRun[]> {
  const output = projectUri.slice(0, -project.length - 1)
  return mapConcurrently([...await storedRunPrefixes(output, project, deps)], READS_AT_ONCE, async (uri): Promise<TracedRun> => {
    const record = await readStoredRun(uri, deps)
    return {
      run_id: placeOf(uri)?.runId ?? '', project, uri, active: record?.complete !== true,
      resume_from: record?.resumeFrom ?? null, parent_run_id: record?.parentRunId ?? null,
    }
  })
}
