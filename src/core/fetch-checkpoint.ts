import {lstat, mkdir, readdir, rename, rm, stat} from 'node:fs/promises'
import path from 'node:path'

import {RunctlError, withContext} from '../model/errors.js'
import {checkFolderDigest, type Manifest} from './stored-manifest.js'
import {fetchObject, requireRoom, type FetchDeps, type FetchedObject, type WantedObject} from './fetch-object.js'
import {hashLocal} from './sync/find-unchanged.js'
import {explainLocalError, LocalDestination} from './sync/local-destination.js'
import {mapConcurrently} from './sync/map-concurrently.js'
import {showName} from './sync/show-name.js'

/** Files this large come one after another, each by several ranges at once; smaller ones side by side. */
const LARGE_BYTES = 8 << 20
const SMALL_AT_ONCE = 6
const SUFFIX = '.runctl-part'

export interface FetchPlace {
  /** A folder here; nothing is written outside it. */
  readonly root: string
  /** Below it, from a name in the store. */
  readonly relative: string
}

export interface FetchedCheckpoint extends FetchedObject {
  /** Absolute. */
  readonly local: string
}

/**
 * Brings a checkpoint from a store here, verified by its manifest. A folder gets its final name when all of it is there. Rejects as
 * {@link fetchObject}, and with `bad_input` where another folder is in its place.
 */
export async function fetchCheckpoint(manifest: Manifest, place: FetchPlace, deps: FetchDeps): Promise<FetchedCheckpoint> {
  const destination = await LocalDestination.open(place.root)
  const local = await destination.resolve(place.relative)
  const {modified_at: modifiedAt, sha256, size_bytes: size, uri} = manifest
  if (manifest.kind === 'folder') return {local, ...(await fetchFolder(manifest, local, deps))}
  if (await lstat(local).then(stats => stats.isDirectory(), () => false)) throw inTheWay(local)
  return {local, ...(await fetchObject({uri, size, sha256, modifiedAt, local}, deps))}
}

async function fetchFolder(manifest: Manifest, local: string, deps: FetchDeps): Promise<FetchedObject> {
  checkFolderDigest(manifest)
  if (await stat(local).then(() => true, () => false)) {
    if (await isWhole(manifest, local, deps.signal)) return {what: 'unchanged', bytes: 0, resumedBytes: 0}
    throw inTheWay(local)
  }
  const building = await openBuilding(manifest, local)
  await requireRoom(building, manifest.size_bytes - (await bytesBelow(building)), deps).catch((error: unknown) => {
    throw withContext(error, {next: ['make room, and run the command again: it goes on where it was']})
  })
  const inside = await LocalDestination.open(building)
  const wanted: WantedObject[] = []
  for (const {path: relative, sha256, size} of manifest.files) {
    wanted.push({uri: `${manifest.uri}/${relative}`, size, sha256, modifiedAt: manifest.modified_at, local: await inside.resolve(relative)})
  }
  const fetchOne = async (one: WantedObject): Promise<FetchedObject & {readonly size: number}> => ({size: one.size, ...(await fetchObject(one, deps))})
  const small = await mapConcurrently(wanted.filter(({size}) => size < LARGE_BYTES), SMALL_AT_ONCE, fetchOne)
  const large = await mapConcurrently(wanted.filter(({size}) => size >= LARGE_BYTES), 1, fetchOne)
  await rename(building, local).catch((error: unknown) => {
    throw explainLocalError(error, local)
  })
  const all = [...small, ...large]
  return {
    what: 'copied',
    bytes: all.reduce((sum, {bytes}) => sum + bytes, 0),
    resumedBytes: all.reduce((sum, one) => sum + (one.what === 'unchanged' ? one.size : one.resumedBytes), 0),
  }
}

/** The folder in which it grows, by the digest that it will have; what is left of another state goes. */
async function openBuilding({sha256}: Manifest, local: string): Promise<string> {
  const [parent, prefix] = [path.dirname(local), `.${path.basename(local)}-`]
  const name = `${prefix}${sha256.slice(0, 12)}${SUFFIX}`
  try {
    for (const other of await readdir(parent)) {
      if (other !== name && other.startsWith(prefix) && /^[0-9a-f]{12}\.runctl-part$/.test(other.slice(prefix.length))) await rm(path.join(parent, other), {recursive: true, force: true})
    }
    await mkdir(path.join(parent, name), {recursive: true})
  } catch (error) {
    throw explainLocalError(error, local)
  }
  return path.join(parent, name)
}

async function isWhole({files}: Manifest, local: string, signal: AbortSignal): Promise<boolean> {
  for (const {path: relative, sha256} of files) if ((await hashLocal(path.join(local, relative), signal)) !== sha256) return false
  return true
}

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, {recursive: true, withFileTypes: true})
  const sizes = await mapConcurrently(entries.filter(entry => entry.isFile()), SMALL_AT_ONCE, async entry => (await stat(path.join(entry.parentPath, entry.name))).size)
  return sizes.reduce((sum, size) => sum + size, 0)
}

function inTheWay(local: string): RunctlError {
  return new RunctlError('bad_input', `${showName(local)} is here and is not this checkpoint; it was left alone`, {next: ['give another destination, or remove it'], details: {path: local}})
}
