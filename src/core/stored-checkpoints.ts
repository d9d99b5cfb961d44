/**
 * The checkpoints in an object store. What is there is read from the names of the objects, a thousand a call; what they are from one run.json
 * a run, and from those manifests alone that are newer than it.
 */
import type {Checkpoint, StoredCheckpoint} from '../model/checkpoint.js'
import {isRunctlError} from '../model/errors.js'
import {RUN_ID_PATTERN} from '../model/run.js'
import type {ObjectInfo, ObjectStore} from '../providers/provider.js'
import {asManifest} from './checkpoint-manifest.js'
import {layOut, MANIFEST_SUFFIX, runOfUri, stepAndEpochOfName, TAG_INFIX, type StoredEntry} from './stored-layout.js'
import {readRunRecord, type StoredRun} from './stored-record.js'
import {mapConcurrently} from './sync/map-concurrently.js'

export interface StoredListing {
  /** Oldest first. */
  readonly checkpoints: readonly Checkpoint[]
  /** Those with a manifest that was read: what a run can resume from, in the same order. */
  readonly stored: readonly StoredCheckpoint[]
  /** What is misshapen or was left out, a sentence each. Data: escape before display. */
  readonly warnings: readonly string[]
}

export interface StoreDeps {
  readonly store: ObjectStore
  readonly signal: AbortSignal
}

/** As many manifests are read in one listing; of a run that goes on, run.json has all but those of the last minute. */
const MOST_MANIFESTS = 200
const AT_ONCE = 16
/** A record that is larger is none of ours. */
const MOST_BYTES = 32 << 20
/** The state of what has no manifest below a run's prefix. */
export const UNFINISHED = 'being uploaded, or what is left of an upload: it has no manifest'

/** Everything below an address, a run's, a project's or any other. What only begins with the same characters is not below it. */
export async function listStoredBelow(uri: string, deps: StoreDeps): Promise<StoredListing> {
  const plain = uri.replace(/\/+$/, '')
  const isBucket = /^[a-z][a-z0-9+.-]*:\/\/[^/]+$/i.test(plain)
  const objects: ObjectInfo[] = []
  for await (const object of deps.store.list(isBucket || uri.endsWith('/') ? `${plain}/` : plain, {signal: deps.signal})) {
    const next = object.uri.slice(plain.length)
    if (next === '' || next.startsWith('/') || next === MANIFEST_SUFFIX || next.startsWith(TAG_INFIX)) objects.push(object)
  }
  const parent = plain.slice(0, plain.lastIndexOf('/') + 1)
  return assemble(objects, objects.some(object => object.uri.startsWith(`${plain}/`)) || isBucket ? `${plain}/` : parent, deps)
}

/** What lies below one run's `output_uri`. */
export async function listStoredRun(prefix: string, deps: StoreDeps): Promise<StoredListing> {
  return listStoredBelow(`${prefix.replace(/\/+$/, '')}/checkpoints/`, deps)
}

/** The prefixes of the runs of a project below an output, newest first. */
export async function storedRunPrefixes(output: string, project: string, {signal, store}: StoreDeps): Promise<readonly string[]> {
  const root = `${output.replace(/\/+$/, '')}/${project}/`
  const names = new Set<string>()
  if (store.folders) for await (const folder of store.folders(root, {signal})) names.add(folder.slice(root.length).replace(/\/$/, ''))
  else for await (const {uri} of store.list(root, {signal})) names.add(uri.slice(root.length).split('/')[0] ?? '')
  return [...names].filter(name => RUN_ID_PATTERN.test(name)).toSorted().toReversed().map(name => `${root}${name}/`)
}

/** What run.json of a run says, with the time when it was written; null where there is none, or it is misshapen. */
export async function readStoredRun(prefix: string, {signal, store}: StoreDeps): Promise<(StoredRun & {readonly writtenAt: string}) | null> {
  const run = runOfUri(prefix)
  if (!run) return null
  // The time first: a record that is renewed in between is then taken for older than it is, and more manifests are read.
  const info = await store.head(`${run.prefix}run.json`, {signal})
  if (info === null) return null
  const record = await readJson(info, {signal, store})
  const read = record === undefined ? null : readRunRecord(record, run.prefix, run.id)
  return read && {...read, writtenAt: info.modifiedAt}
}

async function assemble(objects: readonly ObjectInfo[], base: string, deps: StoreDeps): Promise<StoredListing> {
  const {entries, runs} = layOut(objects, base)
  const withManifest = new Set(entries.flatMap(({manifest, run}) => (manifest && run ? [run.prefix] : [])))
  const records = new Map((await mapConcurrently(runs.filter(({prefix}) => withManifest.has(prefix)), AT_ONCE, async ({prefix}) =>
    [prefix, await readStoredRun(prefix, deps)] as const)))
  const known = new Map<string, StoredCheckpoint>()
  const unread: (StoredEntry & {readonly manifest: ObjectInfo})[] = []
  for (const entry of entries) {
    const {manifest} = entry
    if (manifest === null) continue
    const record = entry.run && records.get(entry.run.prefix)
    const stored = record?.checkpoints.get(entry.uri)
    // Written again in the same second, for all that can be told.
    if (record && stored && manifest.modifiedAt < record.writtenAt) known.set(entry.uri, stored)
    else unread.push({...entry, manifest})
  }
  const newest = unread.sort((a, b) => (a.manifest.modifiedAt < b.manifest.modifiedAt ? 1 : -1))
  const warnings: string[] = []
  const misshapen = new Map<string, string>()
  await mapConcurrently(newest.slice(0, MOST_MANIFESTS), AT_ONCE, async entry => {
    const read = asManifest(entry.uri, await readJson(entry.manifest, deps))
    if (typeof read !== 'string') {
      const {files: _, ...stored} = read
      known.set(entry.uri, stored)
    } else {
      misshapen.set(entry.uri, read)
      warnings.push(`${entry.manifest.uri} is passed over: ${read}`)
    }
  })
  const left = newest.length - MOST_MANIFESTS
  if (left > 0) warnings.push(`${left} older manifests were not read: what they describe is listed as unverified`)
  const both = entries.map(entry => judge(entry, known.get(entry.uri) ?? null, misshapen.get(entry.uri))).toSorted((a, b) => byAge(a.checkpoint, b.checkpoint))
  return {checkpoints: both.map(({checkpoint}) => checkpoint), stored: both.flatMap(({stored}) => stored ?? []), warnings}
}

/** undefined where it is gone, too large or no JSON. */
async function readJson({sizeBytes, uri}: ObjectInfo, {signal, store}: StoreDeps): Promise<unknown> {
  if (sizeBytes > MOST_BYTES) return undefined
  try {
    return JSON.parse(Buffer.from(await store.get(uri, {signal})).toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError || (isRunctlError(error) && error.code === 'not_found')) return undefined
    throw error
  }
}

interface Judged {
  readonly checkpoint: Checkpoint
  readonly stored: StoredCheckpoint | null
}

function judge(entry: StoredEntry, stored: StoredCheckpoint | null, misshapen: string | undefined): Judged {
  const {below, manifest, modifiedAt, run, sizeBytes, tags, uri} = entry
  if (stored) {
    const broken = contradiction(entry, stored)
    const checkpoint = {...asCheckpoint(stored), tags}
    return broken === null ? {checkpoint, stored} : {checkpoint: {...checkpoint, state: 'partial', state_detail: broken}, stored: null}
  }
  const name = below.split('/').at(-1) ?? below
  const [state, detail] = manifest !== null
    ? (['unverified', misshapen === undefined ? 'its manifest was not read' : `its manifest says nothing: ${misshapen}`] as const)
    : run === null ? (['unverified', 'it has no manifest: nothing is known but its name and size'] as const) : (['partial', UNFINISHED] as const)
  const checkpoint: Checkpoint = {
    // As it most often is on the instance; its manifest would say.
    path: run === null ? below : `checkpoints/${below}`, state, state_detail: detail, format: null, size_bytes: sizeBytes, sha256: null, ...stepAndEpochOfName(name), metrics: {},
    modified_at: modifiedAt ?? manifest?.modifiedAt ?? '', run_id: run?.id ?? null, attempt: null, tags, places: [{...placeOf(uri), verified_at: null}],
  }
  return {checkpoint, stored: null}
}

/** What the objects themselves say against the manifest; null where nothing. */
function contradiction({manifest, modifiedAt, sizeBytes}: StoredEntry, stored: StoredCheckpoint): string | null {
  if (modifiedAt === null) return 'its manifest is there, its content is not'
  // A folder that was written again may still hold files of before: an instance deletes nothing.
  if (sizeBytes < stored.size_bytes || (stored.kind === 'file' && sizeBytes > stored.size_bytes)) return `${sizeBytes} bytes are there of ${stored.size_bytes}`
  if (manifest && modifiedAt > manifest.modifiedAt) return 'it was written again after its manifest: that upload is not finished'
  return null
}

export function asCheckpoint({kind: _, uri, verified_at, ...facts}: StoredCheckpoint): Checkpoint {
  return {...facts, state_detail: null, tags: [], places: [{...placeOf(uri), verified_at}]}
}

function placeOf(uri: string): {readonly kind: 's3'; readonly where: string; readonly path: string} {
  const [, where = '', path = ''] = /^[^:]+:\/\/([^/]*)\/?(.*)$/s.exec(uri) ?? []
  return {kind: 's3', where, path}
}

export const byAge = (a: Checkpoint, b: Checkpoint): number => (a.modified_at < b.modified_at ? -1 : a.modified_at > b.modified_at ? 1 : a.path < b.path ? -1 : 1)
