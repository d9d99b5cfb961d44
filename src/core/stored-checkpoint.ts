import {RunctlError} from '../model/errors.js'
import type {ObjectInfo, ObjectStore} from '../providers/provider.js'
import {readManifest, type Manifest} from './checkpoint-manifest.js'
import {MANIFEST_SUFFIX} from './stored-layout.js'

const MAX_FILES = 10_000

/** A checkpoint in a store: the objects of which it is made, and what its manifest says. */
export interface StoredFiles {
  readonly uri: string
  readonly kind: 'file' | 'folder'
  /** Of a file one entry with the path `''`. */
  readonly files: readonly (ObjectInfo & {readonly path: string})[]
  readonly modifiedAt: string
  readonly manifest: Manifest | null
  /** Files that the manifest names and that are not there, or have another size. */
  readonly lacking: readonly string[]
}

type Reach = {readonly store: ObjectStore; readonly signal: AbortSignal}

/** Finds the objects of one checkpoint, a file or a folder. Rejects with `not_found`. */
export async function findStoredCheckpoint(given: string, {signal, store}: Reach): Promise<StoredFiles> {
  const uri = given.replace(/\/+$/, '')
  const [manifest, head] = await Promise.all([readManifest(uri, store, {signal}), given === uri ? store.head(uri, {signal}) : null])
  if (head !== null && manifest?.kind !== 'folder') {
    const lacking = manifest !== null && manifest.size_bytes !== head.sizeBytes ? [`it has ${head.sizeBytes} bytes, its manifest says ${manifest.size_bytes}`] : []
    return {uri, kind: 'file', files: [{...head, path: ''}], modifiedAt: manifest?.modified_at ?? head.modifiedAt, manifest, lacking}
  }
  const files = await filesBelow(`${uri}/`, {store, signal})
  if (files.length === 0) {
    const what = manifest === null ? `there is no checkpoint ${uri}` : `of ${uri} there is nothing but its manifest`
    throw new RunctlError('not_found', what, {next: ['runctl checkpoint list --help'], details: {uri}})
  }
  const newest = files.reduce((last, one) => (one.modifiedAt > last ? one.modifiedAt : last), '')
  if (manifest === null) return {uri, kind: 'folder', files, modifiedAt: newest, manifest, lacking: []}
  const sizes = new Map(files.map(one => [one.path, one.sizeBytes]))
  const lacking = manifest.files.flatMap(({path, size}) => {
    const there = sizes.get(path)
    return there === size ? [] : [there === undefined ? `${path} is not there` : `${path} has ${there} bytes, the manifest says ${size}`]
  })
  // What is there besides, of an older state say, is no part of it.
  const named = new Set(manifest.files.map(({path}) => path))
  return {uri, kind: 'folder', files: files.filter(({path}) => named.has(path)), modifiedAt: manifest.modified_at, manifest, lacking}
}

/** Whether the URI is that of an object, or has a manifest. */
export async function isStoredCheckpoint(given: string, {signal, store}: Reach): Promise<boolean> {
  const uri = given.replace(/\/+$/, '')
  return (given === uri && (await store.head(uri, {signal})) !== null) || (await store.head(uri + MANIFEST_SUFFIX, {signal})) !== null
}

/** The URIs of the checkpoints below a prefix, by their manifests. */
export async function storedBelow(prefix: string, {signal, store}: Reach): Promise<readonly string[]> {
  const found: string[] = []
  for await (const {uri} of store.list(prefix.endsWith('/') ? prefix : `${prefix}/`, {signal})) {
    if (uri.endsWith(MANIFEST_SUFFIX)) found.push(uri.slice(0, -MANIFEST_SUFFIX.length))
  }
  return found
}

async function filesBelow(prefix: string, {signal, store}: Reach): Promise<StoredFiles['files']> {
  const files: StoredFiles['files'][number][] = []
  for await (const one of store.list(prefix, {signal})) {
    const path = one.uri.slice(prefix.length)
    if (path === '' || path.endsWith('/')) continue
    if (files.length === MAX_FILES) throw new RunctlError('bad_input', `${prefix} has more than ${MAX_FILES} files: it is no checkpoint`)
    files.push({...one, path})
  }
  return files
}
