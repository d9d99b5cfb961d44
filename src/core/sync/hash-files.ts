import {createHash} from 'node:crypto'
import {constants} from 'node:fs'
import {open, type FileHandle} from 'node:fs/promises'

import {RunctlError} from '../../model/errors.js'
import {cachePath, readCache, writeCache} from './cache-file.js'
import {FileChangedError} from './file-changed.js'
import {mapConcurrently} from './map-concurrently.js'
import {stampOf, type ProjectFile} from './project-file.js'
import {showName} from './show-name.js'

export interface HashDeps {
  readonly cacheDir: string
  readonly now: () => Date
  readonly signal?: AbortSignal
}

/** A file with the SHA-256 (hex) of its content; size, mode and stamp are those of the bytes that were hashed. */
export interface HashedFile extends ProjectFile {
  readonly kind: 'file'
  readonly sha256: string
}

/** A link has no content of its own. */
export type HashedEntry = HashedFile | (ProjectFile & {readonly kind: 'symlink'})

/** A file that changed so shortly before it was read may change again without a trace in its times. */
const RACY_MS = 2000
const BLOCK_BYTES = 256 * 1024

/**
 * Hashes what changed since the last time; `fresh` are paths that are read whatever the cache says. `root` names the cache.
 * FileChangedError where a file does not hold still.
 */
export async function hashFiles(
  root: string,
  files: readonly ProjectFile[],
  deps: HashDeps,
  fresh: ReadonlySet<string> = new Set(),
): Promise<HashedEntry[]> {
  const cacheFile = cachePath(deps.cacheDir, 'digests', root)
  const known = asDigests(await readCache(cacheFile))
  const digests: Record<string, [stamp: string, sha256: string]> = {}
  let isNew = false
  const hashed = await mapConcurrently(files, 16, async (file): Promise<HashedEntry> => {
    if (file.kind === 'symlink') return {...file, kind: 'symlink'}
    const found = fresh.has(file.path) ? undefined : known.get(file.path)
    if (found?.[0] === file.stamp) {
      digests[file.path] = found
      return {...file, kind: 'file', sha256: found[1]}
    }
    deps.signal?.throwIfAborted()
    const readAtMs = deps.now().getTime()
    const result = await hashFile(file, deps.signal)
    if (readAtMs - result.mtimeMs >= RACY_MS) digests[file.path] = [result.stamp, result.sha256]
    isNew = true
    return result
  })
  if (isNew || known.size !== Object.keys(digests).length) await writeCache(cacheFile, {version: 1, digests})
  return hashed
}

async function hashFile(file: ProjectFile, signal: AbortSignal | undefined): Promise<HashedFile> {
  const handle = await openFile(file)
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      const before = await handle.stat({bigint: true})
      const sha256 = await hashHandle(handle, signal)
      const after = await handle.stat({bigint: true})
      if (stampOf(before) === stampOf(after)) {
        const mode = Number(after.mode) & 0o100 ? 0o755 : 0o644
        return {...file, kind: 'file', mode, size: Number(after.size), stamp: stampOf(after), mtimeMs: Number(after.mtimeMs), sha256}
      }
    }
  } finally {
    await handle.close()
  }
  throw new FileChangedError(file.path)
}

/** Never follows a link. FileChangedError where the file has gone or become a link, `bad_input` where it cannot be read. */
export async function openFile(file: {readonly path: string; readonly absolutePath: string}): Promise<FileHandle> {
  try {
    return await open(file.absolutePath, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ELOOP') throw new FileChangedError(file.path)
    throw new RunctlError('bad_input', `${showName(file.path)} cannot be read (${code})`, {
      next: [`add a line ${showName(file.path)} to .runctlignore, or change its permissions`],
      details: {path: file.path},
      cause: error,
    })
  }
}

/** SHA-256 (hex) of the whole file, block by block. */
export async function hashHandle(handle: FileHandle, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  const size = Number((await handle.stat()).size)
  const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, Math.max(size, 1)))
  for (let position = 0; ; ) {
    signal?.throwIfAborted()
    const {bytesRead} = await handle.read(block, 0, block.length, position)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(block.subarray(0, bytesRead))
    position += bytesRead
  }
}

function asDigests(value: unknown): Map<string, [string, string]> {
  const known = new Map<string, [string, string]>()
  const digests = typeof value === 'object' && value !== null && 'digests' in value ? value.digests : null
  if (typeof digests !== 'object' || digests === null) return known
  for (const [path, entry] of Object.entries(digests as Record<string, unknown>)) {
    if (Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'string' && /^[0-9a-f]{64}$/.test(entry[1])) {
      known.set(path, [entry[0], entry[1]])
    }
  }
  return known
}
