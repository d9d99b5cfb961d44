import {createHash} from 'node:crypto'

import type {StoredCheckpoint} from '../model/checkpoint.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import {RUN_ID_PATTERN} from '../model/run.js'
import type {CallOptions, ObjectStore} from '../providers/provider.js'

export const MANIFEST_SUFFIX = '.manifest.json'
export const TAG_INFIX = '.tag.'
/** Names that a person gives a checkpoint: they become the end of a key. */
export const TAG_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

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

/** Where a key of runctl's stands: `s3://bucket/prefix/PROJECT/RUN-ID/checkpoints/BELOW`. */
export interface StoredPlace {
  /** `s3://bucket/prefix/PROJECT/` */
  readonly projectUri: string
  readonly project: string
  readonly runId: string
  /** `s3://bucket/prefix/PROJECT/RUN-ID/` */
  readonly runUri: string
  /** The path below `checkpoints/`; null for anything else of the run. */
  readonly below: string | null
}

/** null where the URI is not below a run's prefix. */
export function placeOf(uri: string): StoredPlace | null {
  const [, projectUri, project, runId = '', rest = ''] = /^(s3:\/\/[^/]+\/(?:.*?\/)??([^/]+)\/)(run-\d{8}-\d{6}-[0-9a-f]{4,8})\/(.*)$/s.exec(uri) ?? []
  if (projectUri === undefined || project === undefined || !RUN_ID_PATTERN.test(runId)) return null
  return {projectUri, project, runId, runUri: `${projectUri}${runId}/`, below: rest.startsWith('checkpoints/') ? rest.slice('checkpoints/'.length) : null}
}

/** The manifest of the checkpoint at this URI; null where there is none, or what is there is none that could be trusted. */
export async function readManifest(uri: string, store: ObjectStore, options: CallOptions): Promise<Manifest | null> {
  try {
    return parseManifest(uri, await store.get(uri + MANIFEST_SUFFIX, options))
  } catch (error) {
    if (isRunctlError(error) && error.code === 'not_found') return null
    throw error
  }
}

export function parseManifest(uri: string, bytes: Uint8Array): Manifest | null {
  const place = placeOf(uri)
  const told = parseJson(bytes)
  if (place === null || place.below === null || told === null || told.version !== 1 || told.run_id !== place.runId) return null
  const {attempt, epoch, files, format, kind, metrics, modified_at, path, sha256, size_bytes, state, step, verified_at} = told
  if (kind !== 'file' && kind !== 'folder') return null
  if (!isDigest(sha256) || !isSize(size_bytes) || typeof path !== 'string' || !isTime(modified_at) || !isTime(verified_at)) return null
  if (state !== 'complete' && state !== 'unverified' && state !== 'corrupt' && state !== 'partial') return null
  const listed = Array.isArray(files) ? files.map(readFile) : []
  const whole = listed.filter(file => file !== null)
  if (whole.length !== listed.length || (kind === 'folder') !== (listed.length > 0)) return null
  return {
    uri, path, kind, state, sha256, size_bytes, modified_at, verified_at, run_id: place.runId, files: whole,
    format: typeof format === 'string' ? format : null,
    step: asNumber(step), epoch: asNumber(epoch), attempt: asNumber(attempt),
    metrics: Object.fromEntries(Object.entries(asRecord(metrics)).filter((entry): entry is [string, number] => asNumber(entry[1]) !== null)),
  }
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

/** A relative path that stays where it is put. */
export const isPlainPath = (path: string): boolean =>
  path !== '' && path.split('/').every(part => part !== '' && part !== '.' && part !== '..') && !path.includes('\0')

type Told = Readonly<Record<string, unknown>>

function parseJson(bytes: Uint8Array): Told | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Told) : null
  } catch {
    return null
  }
}

function readFile(value: unknown): ManifestFile | null {
  const {path, sha256, size} = asRecord(value)
  return typeof path === 'string' && isPlainPath(path) && isSize(size) && isDigest(sha256) ? {path, size, sha256} : null
}

const asRecord = (value: unknown): Told => (typeof value === 'object' && value !== null ? (value as Told) : {})
const isDigest = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isTime = (value: unknown): value is string => typeof value === 'string' && value.length < 64 && !Number.isNaN(Date.parse(value))
const asNumber = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)
