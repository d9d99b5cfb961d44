import {RunctlError} from '../model/errors.js'

/** What the agent writes behind a checkpoint in the store, last of all; `null` for what an older one does not say. */
export interface CheckpointManifest {
  readonly kind: 'file' | 'folder'
  readonly path: string | null
  readonly sha256: string
  readonly size_bytes: number
  readonly step: number | null
  readonly epoch: number | null
  readonly metrics: Readonly<Record<string, number>>
  readonly modified_at: string | null
  readonly run_id: string | null
  readonly attempt: number | null
  readonly verified_at: string | null
  /** Of a folder. */
  readonly files: readonly {readonly path: string; readonly size: number; readonly sha256: string}[]
}

/** It lies in a bucket that others may write to: taken for nothing that it is not. Throws `verification_failed`. */
export function readManifest(bytes: Uint8Array, uri: string): CheckpointManifest {
  const value = parsed(bytes)
  const files = Array.isArray(value?.['files']) ? value['files'].map(asFile) : []
  const {sha256} = value ?? {}
  if (value === null || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256) || files.includes(null)) {
    throw new RunctlError('verification_failed', `${uri}.manifest.json is not the manifest of a checkpoint`, {details: {uri}})
  }
  const known = files.filter(file => file !== null)
  return {
    kind: value['kind'] === 'file' || value['kind'] === 'folder' ? value['kind'] : known.length > 0 ? 'folder' : 'file',
    path: text(value['path']),
    sha256,
    size_bytes: number(value['size_bytes']) ?? known.reduce((sum, {size}) => sum + size, 0),
    step: number(value['step']),
    epoch: number(value['epoch']),
    metrics: Object.fromEntries(Object.entries(asRecord(value['metrics']) ?? {}).filter((entry): entry is [string, number] => number(entry[1]) !== null)),
    modified_at: text(value['modified_at']),
    run_id: text(value['run_id']),
    attempt: number(value['attempt']),
    verified_at: text(value['verified_at']),
    files: known,
  }
}

function asFile(value: unknown): CheckpointManifest['files'][number] | null {
  const file = asRecord(value)
  const path = text(file?.['path'])
  const size = number(file?.['size'])
  const sha256 = text(file?.['sha256'])
  const isBelow = path !== null && path.split('/').every(part => part !== '' && part !== '.' && part !== '..')
  return path !== null && isBelow && size !== null && size >= 0 && sha256 !== null ? {path, size, sha256} : null
}

function parsed(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    return asRecord(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch {
    return null
  }
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Readonly<Record<string, unknown>> : null
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)
