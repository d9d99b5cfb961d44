import type {BigIntStats} from 'node:fs'
import {lstat, readlink} from 'node:fs/promises'
import path from 'node:path'

import {decodeName} from './decode-name.js'

/** A file or link that is to be sent, as it was when it was looked at. */
export interface ProjectFile {
  /** Relative to the root, `/` between parts. */
  readonly path: string
  readonly absolutePath: string
  readonly kind: 'file' | 'symlink'
  /** Files: 0o644 or 0o755. Links: 0o777. */
  readonly mode: number
  /** Bytes; of a link those of its target. */
  readonly size: number
  /** What tells one state of the file from another without reading it: size, times in nanoseconds, inode. */
  readonly stamp: string
  readonly mtimeMs: number
  /** Links: the target as it is written in the link. */
  readonly target?: string
}

export interface SkippedFile {
  readonly path: string
  readonly why: string
}

/** null where there is nothing (any more), or a folder. */
export async function readProjectFile(root: string, relative: string): Promise<ProjectFile | SkippedFile | null> {
  const absolutePath = path.join(root, relative)
  let stats: BigIntStats
  try {
    stats = await lstat(absolutePath, {bigint: true})
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? null : {path: relative, why: `it cannot be looked at (${code})`}
  }
  if (stats.isDirectory()) return null
  if (stats.isSymbolicLink()) return readLink(relative, absolutePath, stats)
  if (!stats.isFile()) return {path: relative, why: 'it is neither a file nor a link (a socket, pipe or device)'}
  const mode = Number(stats.mode) & 0o100 ? 0o755 : 0o644
  return {path: relative, absolutePath, kind: 'file', mode, size: Number(stats.size), stamp: stampOf(stats), mtimeMs: Number(stats.mtimeMs)}
}

async function readLink(relative: string, absolutePath: string, stats: BigIntStats): Promise<ProjectFile | SkippedFile> {
  const {name: target, isValid} = decodeName(await readlink(absolutePath, {encoding: 'buffer'}))
  if (!isValid) return {path: relative, why: 'the target of the link is not UTF-8'}
  const size = Buffer.byteLength(target)
  return {path: relative, absolutePath, kind: 'symlink', mode: 0o777, size, stamp: stampOf(stats), mtimeMs: Number(stats.mtimeMs), target}
}

/** The change time is in it for tools that set the modification time back. */
export function stampOf(stats: BigIntStats): string {
  return `${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}:${stats.ino}`
}
