import {isRunctlError} from '../model/errors.js'
import type {CallOptions, ObjectStore, Pricing} from '../providers/provider.js'
import {readManifest, type Manifest} from './checkpoint-manifest.js'
import {MANIFEST_SUFFIX, placeOf, TAG_INFIX} from './stored-layout.js'
import type {CleanupCandidate, CleanupPlace, RemovalReport} from './cleanup-checkpoints.js'
import {listStored} from './list-stored.js'
import {mapConcurrently} from './sync/map-concurrently.js'
import {showBytes} from './sync/show-name.js'

const READS_AT_ONCE = 16
/** So much is left without a manifest, at most, by who is killed right between. */
const CHECKPOINTS_AT_ONCE = 100

export interface StoreCleanupInput {
  readonly prefix: string
  /** Only what this run wrote. */
  readonly runId: string | null
}

export interface StoreCleanupDeps extends CallOptions {
  readonly store: ObjectStore
  readonly pricing: Pricing | undefined
}

/** Each project below the prefix is a place of its own. */
export async function cleanupPlacesInStore({prefix, runId}: StoreCleanupInput, deps: StoreCleanupDeps): Promise<readonly CleanupPlace[]> {
  const {pricing, signal, store} = deps
  const options = signal ? {signal} : {}
  const {checkpoints, leftovers, runs, warnings} = await listStored(prefix, store, options)
  const wanted = checkpoints.filter(one => runId === null || one.run_id === runId)
  const price = (await pricing?.storePrice?.(options)) ?? null
  const projects = [...new Set(wanted.map(({uri}) => placeOf(uri)?.projectUri ?? ''))]
  return projects.map((projectUri): CleanupPlace => {
    const left = leftovers.filter(({uri}) => uri.startsWith(projectUri) && (runId === null || placeOf(uri)?.runId === runId))
    const bytes = left.reduce((sum, {size_bytes}) => sum + size_bytes, 0)
    return {
      kind: 's3',
      where: projectUri.split('/')[2] ?? '',
      dir: runId === null ? projectUri : `${projectUri}${runId}/`,
      checkpoints: wanted.filter(({uri}) => uri.startsWith(projectUri)).map((one): CleanupCandidate => ({...one, id: one.uri, spare: false})),
      runs: runs.filter(({uri}) => uri.startsWith(projectUri)),
      price,
      notes: [...(left.length === 0 ? [] : [`${left.length} upload(s) without a manifest, ${showBytes(bytes)}, are no checkpoints: going on, or broken off; left alone`]), ...warnings],
      remove: async chosen => removeStored(chosen, store, options),
    }
  })
}

/**
 * The manifest first: from then on there is no checkpoint, only what is left of one. Whoever is killed in between leaves no manifest whose
 * objects are gone.
 */
export async function removeStored(chosen: readonly CleanupCandidate[], store: ObjectStore, options: CallOptions): Promise<RemovalReport> {
  const report: {removed: RemovalReport['removed'][number][]; kept: RemovalReport['kept'][number][]} = {removed: [], kept: []}
  for (let at = 0; at < chosen.length; at += CHECKPOINTS_AT_ONCE) {
    options.signal?.throwIfAborted()
    const batch = chosen.slice(at, at + CHECKPOINTS_AT_ONCE)
    const tags = await tagsNow(batch, store, options)
    const looked = await mapConcurrently(batch, READS_AT_ONCE, async one => ({one, found: await lookAgain(one, tags, store, options)}))
    const sure = looked.flatMap(({found}) => (typeof found === 'string' ? [] : [found]))
    for (const {found, one} of looked) if (typeof found === 'string') report.kept.push({id: one.id, why: found})
    await store.delete(sure.map(({uri}) => uri + MANIFEST_SUFFIX), options)
    await store.delete(sure.flatMap(objectsOf), options)
    for (const {size_bytes, uri} of sure) report.removed.push({id: uri, freed_bytes: size_bytes})
  }
  return report
}

/** The tag keys of their runs, by a few lists: one for each checkpoint would be many. */
async function tagsNow(batch: readonly CleanupCandidate[], store: ObjectStore, options: CallOptions): Promise<readonly string[]> {
  const folders = [...new Set(batch.map(({id}) => `${placeOf(id)?.runUri ?? ''}checkpoints/`))]
  const found: string[] = []
  for (const folder of folders) for await (const {uri} of store.list(folder, options)) if (uri.includes(TAG_INFIX)) found.push(uri)
  return found
}

/** The manifest as it is now; in words why it must stay. */
async function lookAgain({id, sha256}: CleanupCandidate, tags: readonly string[], store: ObjectStore, options: CallOptions): Promise<Manifest | string> {
  const tag = tags.find(uri => uri.startsWith(id + TAG_INFIX))
  if (tag !== undefined) return `tagged ${tag.slice(id.length + TAG_INFIX.length)} meanwhile`
  const manifest = await readManifest(id, store, options).catch((error: unknown) => {
    if (isRunctlError(error) && error.code === 'verification_failed') return null
    throw error
  })
  if (manifest === null) return 'its manifest is gone or was damaged meanwhile'
  return manifest.sha256 === sha256 ? manifest : 'it was written anew meanwhile'
}

const objectsOf = ({files, kind, uri}: Manifest): readonly string[] => (kind === 'file' ? [uri] : files.map(file => `${uri}/${file.path}`))
