import type {StoredCheckpoint} from '../model/checkpoint.js'
import {isRunctlError} from '../model/errors.js'
import type {RunTrace} from '../model/retention.js'
import type {CallOptions, ObjectInfo, ObjectStore} from '../providers/provider.js'
import {MANIFEST_SUFFIX, placeOf, readManifest, TAG_INFIX, TAG_NAME, type Manifest} from './stored-manifest.js'
import {mapConcurrently} from './sync/map-concurrently.js'

const READS_AT_ONCE = 16

export interface ListedCheckpoint extends StoredCheckpoint {
  readonly tags: readonly string[]
}

export interface StoredRun extends RunTrace {
  readonly project: string
  /** `s3://bucket/prefix/PROJECT/RUN-ID/` */
  readonly uri: string
}

export interface StoreListing {
  /** Below the prefix, oldest first. */
  readonly checkpoints: readonly ListedCheckpoint[]
  /** All runs of the projects that they are of, also those outside the prefix: one may have resumed from what is below it. */
  readonly runs: readonly StoredRun[]
  /** Objects at the place of checkpoints that no manifest names: of an upload that goes on, or that broke off. */
  readonly leftovers: readonly ObjectInfo[]
}

/** What is stored below a prefix, by its manifests. */
export async function listStored(prefix: string, store: ObjectStore, options: CallOptions): Promise<StoreListing> {
  const folder = prefix.endsWith('/') ? prefix : `${prefix}/`
  const objects = await collect(folder, store, options)
  const projects = new Set(objects.flatMap(({uri}) => placeOf(uri)?.projectUri ?? []))
  const others = await Promise.all([...projects].filter(project => !project.startsWith(folder)).map(async project => collect(project, store, options)))
  const runs = await readRuns([objects, ...others].flat(), store, options)

  const uris = objects.flatMap(({uri}) => (uri.endsWith(MANIFEST_SUFFIX) && placeOf(uri)?.below ? [uri.slice(0, -MANIFEST_SUFFIX.length)] : []))
  const manifests = (await mapConcurrently(uris, READS_AT_ONCE, async uri => readManifest(uri, store, options))).filter(one => one !== null)
  const tags = tagsOf(objects, new Set(manifests.map(({uri}) => uri)))
  const named = new Set(manifests.flatMap(({files, kind, uri}) => (kind === 'file' ? [uri] : files.map(file => `${uri}/${file.path}`))))
  const byUri = new Map(objects.map(object => [object.uri, object]))
  const checkpoints = manifests.map((manifest): ListedCheckpoint => {
    const {files: _, ...checkpoint} = manifest
    return {...checkpoint, state: agrees(manifest, byUri) ? checkpoint.state : 'partial', tags: tags.get(checkpoint.uri) ?? []}
  })
  return {
    checkpoints: checkpoints.toSorted((a, b) => Date.parse(a.modified_at) - Date.parse(b.modified_at) || (a.uri < b.uri ? -1 : 1)),
    runs,
    leftovers: objects.filter(({uri}) => placeOf(uri)?.below && !named.has(uri) && !uri.endsWith(MANIFEST_SUFFIX) && !isTagOf(uri, tags)),
  }
}

/** Whether all that a manifest names is there, of its size, and was not written again after it. */
function agrees({files, kind, size_bytes, uri}: Manifest, objects: ReadonlyMap<string, ObjectInfo>): boolean {
  const told = objects.get(uri + MANIFEST_SUFFIX)?.modifiedAt ?? ''
  const named = kind === 'file' ? [{uri, size: size_bytes}] : files.map(file => ({uri: `${uri}/${file.path}`, size: file.size}))
  return named.every(one => {
    const object = objects.get(one.uri)
    return object !== undefined && object.sizeBytes === one.size && object.modifiedAt <= told
  })
}

async function collect(prefix: string, store: ObjectStore, options: CallOptions): Promise<readonly ObjectInfo[]> {
  const objects: ObjectInfo[] = []
  for await (const object of store.list(prefix, options)) objects.push(object)
  return objects
}

/** `<uri>.tag.<name>` of a checkpoint that is there; a name may have dots, and so may a file. */
function tagsOf(objects: readonly ObjectInfo[], checkpoints: ReadonlySet<string>): Map<string, string[]> {
  const tags = new Map<string, string[]>()
  for (const {uri} of objects) {
    for (let at = uri.indexOf(TAG_INFIX); at !== -1; at = uri.indexOf(TAG_INFIX, at + 1)) {
      const [of, name] = [uri.slice(0, at), uri.slice(at + TAG_INFIX.length)]
      if (checkpoints.has(of) && TAG_NAME.test(name)) tags.set(of, [...(tags.get(of) ?? []), name])
    }
  }
  return tags
}

const isTagOf = (uri: string, tags: ReadonlyMap<string, readonly string[]>): boolean =>
  uri.includes(TAG_INFIX) && [...tags].some(([of, names]) => names.some(name => uri === of + TAG_INFIX + name))

/** A run without a record, or with one that is not complete, may still write. */
async function readRuns(objects: readonly ObjectInfo[], store: ObjectStore, options: CallOptions): Promise<readonly StoredRun[]> {
  const places = new Map(objects.flatMap(({uri}) => {
    const place = placeOf(uri)
    return place ? [[place.runUri, place] as const] : []
  }))
  return mapConcurrently([...places.values()], READS_AT_ONCE, async ({project, runId, runUri}): Promise<StoredRun> => {
    const record = await readRecord(`${runUri}run.json`, store, options)
    const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
    return {
      run_id: runId, project, uri: runUri, active: record?.complete !== true,
      resume_from: text(record?.run?.['resume_from']), parent_run_id: text(record?.run?.['parent_run_id']),
    }
  })
}

interface RunRecord {
  readonly complete?: unknown
  readonly run?: Readonly<Record<string, unknown>> | null
}

async function readRecord(uri: string, store: ObjectStore, options: CallOptions): Promise<RunRecord | null> {
  try {
    return JSON.parse(Buffer.from(await store.get(uri, options)).toString('utf8')) as RunRecord | null
  } catch (error) {
    if (error instanceof SyntaxError || (isRunctlError(error) && error.code === 'not_found')) return null
    throw error
  }
}
