import {createHash} from 'node:crypto'

import type {StoredCheckpoint} from '../model/checkpoint.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import type {CallOptions, ObjectStore} from '../providers/provider.js'
import {MANIFEST_SUFFIX, runOfUri} from './stored-layout.js'
import {asObject, isPlainPath, isWhole, readStored} from './stored-record.js'

export interface ManifestFile {
  /** Below the folder; plain: no `..`, nothing absolute. */
  readonly path: string
  readonly size: number
  readonly sha256: string
}

/** What a manifest says, checked: everything in a store is data that anyone may have written. */
export interface Manifest extends StoredCheckpoint {
  /** Of a folder; empty for a file. */
  readonly files: readonly ManifestFile[]
}

/** The manifest of the checkpoint at this URI; null where there is none. Rejects with `verification_failed` for something else in its place. */
export async function readManifest(uri: string, store: ObjectStore, options: CallOptions): Promise<Manifest | null> {
  const bytes = await store.get(uri + MANIFEST_SUFFIX, options).catch((error: unknown) => {
    if (isRunctlError(error) && error.code === 'not_found') return null
    throw error
  })
  if (bytes === null) return null
  const manifest = asManifest(uri, parseJson(bytes))
  if (typeof manifest !== 'string') return manifest
  throw new RunctlError('verification_failed', `${uri}${MANIFEST_SUFFIX} is not the manifest of a checkpoint: ${manifest}`, {details: {uri}})
}

/** The manifest, or why it is none. `value`: what its JSON says, whatever it is. */
export function asManifest(uri: string, value: unknown): Manifest | string {
  const told = asObject(value)
  if (told === null) return 'it is no JSON object'
  if (told['version'] !== 1) return 'it is not of version 1'
  const run = runOfUri(uri)
  const below = run?.rest.startsWith('checkpoints/') ? run.rest.slice('checkpoints/'.length) : uri.slice(uri.lastIndexOf('/') + 1)
  const stored = readStored(told, {uri, below, runId: run?.id ?? null})
  if (typeof stored === 'string') return stored
  const listed = Array.isArray(told['files']) ? told['files'].map(readFile) : []
  const files = listed.filter(file => file !== null)
  if (files.length !== listed.length || (stored.kind === 'folder') !== (files.length > 0)) return 'its files are none'
  return {...stored, files}
}

/** Rejects with `verification_failed` where the digest of a folder is not that of its files. */
export function checkFolderDigest({files, kind, sha256, uri}: Manifest): void {
  if (kind === 'file') return
  if (folderDigest(files) === sha256) return
  throw new RunctlError('verification_failed', `the manifest of ${uri} contradicts itself: its digest is not that of its files`, {details: {uri}})
}

/** The digest of a folder, as the agent forms it: over the lines `<sha256>  <path>`, one a file, in the order of the paths' bytes. */
export function folderDigest(files: readonly {readonly path: string; readonly sha256: string}[]): string {
  const sorted = files.map(file => ({file, bytes: Buffer.from(file.path)})).sort((a, b) => Buffer.compare(a.bytes, b.bytes))
  return createHash('sha256').update(sorted.map(({file}) => `${file.sha256}  ${file.path}\n`).join('')).digest('hex')
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return null
  }
}

function readFile(value: unknown): ManifestFile | null {
  const {path, sha256, size} = asObject(value) ?? {}
  return typeof path === 'string' && isPlainPath(path) && isWhole(size) && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) ? {path, size, sha256} : null
}
