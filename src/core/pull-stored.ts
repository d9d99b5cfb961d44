import path from 'node:path'

import type {StoredCheckpoint} from '../model/checkpoint.js'
import {RunctlError, withContext} from '../model/errors.js'
import {PULL_FOLDER} from '../model/pull-folder.js'
import type {ObjectStore} from '../providers/provider.js'
import {placeOf, readManifest, type Manifest} from './stored-manifest.js'
import {fetchCheckpoint, type FetchPlace} from './fetch-checkpoint.js'
import {listStored} from './list-stored.js'
import {pickByName} from './pick-by-name.js'
import type {PlatformDeps} from './platform-deps.js'
import {step, type Progress} from './progress.js'
import type {CheckpointPullInput, CheckpointPullResult, PulledCheckpoint} from './pull-checkpoint.js'
import {noRoot, storeFor, storeRoots} from './store-roots.js'
import {resolvePlace} from './sync/pull-files.js'
import {showBytes, showName} from './sync/show-name.js'

type Deps = Pick<PlatformDeps, 'progress' | 'provider' | 'signal'>

/** How often it is told how far a long one is. */
const TOLD_TIMES = 10
const LONG_BYTES = 64 << 20

/** From a store to this machine. `unfound`: why the run was not asked where it is, thrown where the store has nothing of it either. */
export async function pullStored(input: CheckpointPullInput, platforms: readonly Deps[], unfound: RunctlError | null): Promise<CheckpointPullResult> {
  const found = await findStored(input, platforms, unfound)
  const places = await Promise.all(found.manifests.map(async manifest => placeFor(manifest, input, found.manifests)))
  const result: {checkpoints: PulledCheckpoint[]; bytes_copied: number; bytes_resumed: number} = {checkpoints: [], bytes_copied: 0, bytes_resumed: 0}
  const {progress, signal} = found.deps
  for (const [index, manifest] of found.manifests.entries()) {
    const onBytes = teller(manifest, progress)
    const title = `Copy ${showName(manifest.uri)} to this machine (${showBytes(manifest.size_bytes)})`
    const fetched = await step(progress, `pull ${index}`, title, async () => fetchCheckpoint(manifest, places[index] as FetchPlace, {store: found.store, signal, onBytes}), ({bytes, resumedBytes, what}) =>
      what === 'unchanged' ? 'it was here already' : `${showBytes(bytes)}${resumedBytes > 0 ? `, ${showBytes(resumedBytes)} were here from an earlier try` : ''}, verified`)
    const {epoch, path: name, run_id, sha256, size_bytes, step: steps, uri} = manifest
    result.checkpoints.push({from: uri, local_path: fetched.local, path: name, run_id, step: steps, epoch, sha256, size_bytes, what: fetched.what})
    result.bytes_copied += fetched.bytes
    result.bytes_resumed += fetched.resumedBytes
  }
  return result
}

interface Found<D> {
  readonly deps: D
  readonly store: ObjectStore
  readonly manifests: readonly Manifest[]
}

async function findStored<D extends Deps>(input: CheckpointPullInput, platforms: readonly D[], unfound: RunctlError | null): Promise<Found<D>> {
  const {origin, wanted} = input
  if (origin.kind === 'store') {
    const {deps, store} = storeFor(origin.uri, platforms)
    const exact = await readManifest(origin.uri.replace(/\/+$/, ''), store, {signal: deps.signal})
    if (exact) return {deps, store, manifests: [exact]}
    const manifests = await chosen([origin.uri], null, wanted, deps, store).catch((error: unknown) => {
      throw unfound ?? error
    })
    return {deps, store, manifests}
  }
  const [runId, project] = origin.kind === 'run' ? [origin.runId, null] : origin.kind === 'project' ? [null, origin.project] : [null, null]
  const roots = await storeRoots(input, platforms)
  const [first] = roots
  if (!first) throw unfound ? withContext(unfound, {next: noRoot('it').next}) : noRoot(`the project ${project ?? ''}`)
  const here = roots.filter(({store}) => store === first.store).map(({root}) => (project === null ? `${root}/` : `${root}/${project}/`))
  const manifests = await chosen(here, runId, wanted, first.deps, first.store).catch((error: unknown) => {
    throw unfound ? withContext(error, {next: unfound.next}) : error
  })
  return {deps: first.deps, store: first.store, manifests}
}

async function chosen(prefixes: readonly string[], runId: string | null, wanted: string, {progress, signal}: Deps, store: ObjectStore): Promise<readonly Manifest[]> {
  const lists = await Promise.all(prefixes.map(async prefix => listStored(prefix, store, {signal})))
  const all = [...new Map(lists.flatMap(({checkpoints}) => checkpoints).filter(one => runId === null || one.run_id === runId).map(one => [one.uri, one])).values()]
    .sort((a, b) => Date.parse(a.modified_at) - Date.parse(b.modified_at))
  if (all.length === 0) {
    throw new RunctlError('not_found', `there is no checkpoint ${runId === null ? `below ${prefixes.join(', ')}` : `of ${runId} in the store`}`, {next: ['runctl resources list', 'runctl checkpoint pull --instance-id INSTANCE']})
  }
  const picked = pick(all, wanted, progress)
  const manifests = await Promise.all(picked.map(async ({uri}) => readManifest(uri, store, {signal})))
  const [gone] = picked.filter((_, index) => manifests[index] === null)
  if (gone) throw new RunctlError('not_found', `${gone.uri} went away while it was looked for`, {next: ['run the command again']})
  return manifests as readonly Manifest[]
}

function pick(all: readonly StoredCheckpoint[], wanted: string, progress: Progress): readonly StoredCheckpoint[] {
  if (wanted === 'all') return all.filter(({state}) => state === 'complete')
  if (wanted !== 'latest') return [pickByName(all, wanted, ({uri}) => uri)]
  const good = all.findLast(({state}) => state === 'complete') ?? all.findLast(({state}) => state === 'unverified')
  if (!good) throw new RunctlError('verification_failed', 'no checkpoint there is good', {details: {passed_over: all.map(({uri}) => uri).slice(-5)}})
  for (const {state, uri} of all.slice(all.indexOf(good) + 1)) progress.emit({type: 'warning', message: `${uri} is passed over: it is ${state}`})
  if (good.state !== 'complete') progress.emit({type: 'warning', message: `${good.uri} is of a format that cannot be judged: only its digest is verified`})
  return [good]
}

/** Several of the same name are told apart by their runs. */
async function placeFor({kind, uri}: Manifest, {cwd, destination, wanted}: CheckpointPullInput, all: readonly Manifest[]): Promise<FetchPlace> {
  const {below, project, runId} = placeOf(uri) as {readonly below: string; readonly project: string; readonly runId: string}
  if (destination === null) return {root: path.join(cwd, PULL_FOLDER), relative: `${runId}/${project}/${below}`}
  if (wanted === 'all') return {root: path.resolve(cwd, destination), relative: all.some(({run_id}) => run_id !== runId) ? `${runId}/${below}` : below}
  const place = await resolvePlace({cwd, destination}, path.posix.basename(below), kind === 'file')
  return {root: path.dirname(place), relative: path.basename(place)}
}

/** Of a long one, how far it is. */
function teller({size_bytes, uri}: Manifest, progress: Progress): (bytes: number) => void {
  let done = 0
  let told = 0
  return bytes => {
    done += bytes
    const tenth = Math.floor((done * TOLD_TIMES) / size_bytes)
    if (size_bytes >= LONG_BYTES && tenth > told && tenth < TOLD_TIMES) progress.emit({type: 'note', message: `${showName(uri.split('/').at(-1) ?? uri)}: ${showBytes(done)} of ${showBytes(size_bytes)}`})
    told = Math.max(told, tenth)
  }
}
