import {setMaxListeners} from 'node:events'
import {lstat, statfs} from 'node:fs/promises'
import path from 'node:path'

import {isRunctlError, RunctlError, withContext, type ErrorCode} from '../model/errors.js'
import type {ObjectStore} from '../providers/provider.js'
import {hashLocal} from './sync/find-unchanged.js'
import {PartFile} from './sync/part-file.js'
import {showBytes, showName} from './sync/show-name.js'

/** So many ranges of so many bytes are in memory at most. */
const RANGE_BYTES = 8 << 20
const RANGES_AHEAD = 6
/** A smaller file comes again sooner than its part is looked for. */
const RESUMED_FROM_BYTES = 1 << 20

const ADVICE: Partial<Readonly<Record<ErrorCode, readonly string[]>>> = {
  bad_input: ['make room, and run the command again: it goes on where it was', 'or give a destination on another disk'],
  not_found: ['it was removed meanwhile: pull another checkpoint'],
  platform_failed: ['run the command again: it goes on where it was'],
}

export interface FetchDeps {
  readonly store: ObjectStore
  readonly signal: AbortSignal
  /** Told as bytes get here. */
  readonly onBytes?: (bytes: number) => void
  /** Bytes that the disk of a folder still takes. */
  readonly freeBytes?: (folder: string) => Promise<number>
}

export interface WantedObject {
  readonly uri: string
  readonly size: number
  readonly sha256: string
  /** ISO 8601; the file gets this time. */
  readonly modifiedAt: string
  /** Absolute; its folder exists. */
  readonly local: string
}

export interface FetchedObject {
  readonly what: 'copied' | 'unchanged'
  readonly bytes: number
  /** Of an earlier try; they did not come again. */
  readonly resumedBytes: number
}

/**
 * Brings one object here, by several ranges at once, into a part beside its final name, and renames it when its digest is right. A part that
 * is here is gone on with. Rejects with `verification_failed` where the content is another one, `not_found`, `bad_input` for a full disk.
 */
export async function fetchObject(wanted: WantedObject, deps: FetchDeps): Promise<FetchedObject> {
  if (await isHere(wanted, deps.signal)) return {what: 'unchanged', bytes: 0, resumedBytes: 0}
  const first = await fetchOnce(wanted, deps)
  if (first.isRight) return {what: 'copied', bytes: first.bytes, resumedBytes: first.resumedBytes}
  // What was here may have been damaged: once more, all of it.
  const second = first.resumedBytes > 0 ? await fetchOnce(wanted, deps) : null
  if (second?.isRight) return {what: 'copied', bytes: first.bytes + second.bytes, resumedBytes: 0}
  throw new RunctlError('verification_failed', `${showName(wanted.uri)} has not the content that its manifest names: it was changed meanwhile, or is damaged there; nothing of it is in place here`, {
    next: ['run the command again; if it fails again, pull another checkpoint'],
    details: {uri: wanted.uri, sha256: wanted.sha256},
  })
}

async function isHere({local, sha256, size}: WantedObject, signal: AbortSignal): Promise<boolean> {
  const isOfSize = await lstat(local).then(stats => stats.isFile() && stats.size === size, () => false)
  return isOfSize && (await hashLocal(local, signal)) === sha256
}

async function fetchOnce(wanted: WantedObject, deps: FetchDeps): Promise<{readonly isRight: boolean; readonly bytes: number; readonly resumedBytes: number}> {
  const {local, modifiedAt, sha256, size, uri} = wanted
  const mtime_ns = String(BigInt(Date.parse(modifiedAt)) * 1_000_000n)
  const part = await PartFile.open(local, {path: `${uri}#${sha256}`, size, mtime_ns, mode: 0o644}, size >= RESUMED_FROM_BYTES)
  const resumedBytes = part.offset
  deps.onBytes?.(resumedBytes)
  try {
    await requireRoom(path.dirname(local), size - resumedBytes, deps)
    for await (const bytes of rangesOf(uri, resumedBytes, size, deps)) {
      await part.write(bytes)
      deps.onBytes?.(bytes.length)
    }
    const isRight = await part.finish(part.offset === size ? sha256 : null)
    return {isRight, bytes: size - resumedBytes, resumedBytes}
  } catch (error) {
    await part.leave()
    throw withContext(error, {next: isRunctlError(error) ? (ADVICE[error.code] ?? []) : []})
  }
}

/** In their order, the next ones on their way meanwhile. An object that ends too soon ends them. */
async function* rangesOf(uri: string, from: number, size: number, {signal, store}: FetchDeps): AsyncIterable<Uint8Array> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  // Every range listens, which Node takes for a leak.
  setMaxListeners(0, either)
  const ahead: {readonly length: number; readonly bytes: Promise<Uint8Array>}[] = []
  let next = from
  try {
    while (next < size || ahead.length > 0) {
      for (; next < size && ahead.length < RANGES_AHEAD; next += RANGE_BYTES) {
        const last = Math.min(next + RANGE_BYTES, size) - 1
        const bytes = store.get(uri, {range: [next, last], signal: either})
        // Awaited in its turn; until then its failure is nobody's surprise.
        bytes.catch(() => undefined)
        ahead.push({length: last - next + 1, bytes})
      }
      const {bytes, length} = ahead.shift() as (typeof ahead)[number]
      const arrived = await bytes
      yield arrived
      if (arrived.length < length) return
    }
  } finally {
    stop.abort(new Error('no longer wanted'))
    await Promise.allSettled(ahead.map(({bytes}) => bytes))
  }
}

/** Asked before: a disk that is filled to the last byte hurts others too. */
export async function requireRoom(folder: string, bytes: number, {freeBytes = freeOnDisk}: Pick<FetchDeps, 'freeBytes'>): Promise<void> {
  const free = await freeBytes(folder)
  if (bytes <= free) return
  throw new RunctlError('bad_input', `the disk of ${showName(folder)} has room for ${showBytes(free)}, and ${showBytes(bytes)} are to come`, {details: {folder, free_bytes: free, needed_bytes: bytes}})
}

async function freeOnDisk(folder: string): Promise<number> {
  const {bavail, bsize} = await statfs(folder)
  return bavail * bsize
}
