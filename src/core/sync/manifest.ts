import {createHash} from 'node:crypto'

import type {SyncEntry, SyncRequest} from '../../agent/protocol.js'
import type {HashedEntry} from './hash-files.js'

/** A wanted state: what is where, in the order of the paths' UTF-8 bytes, and its name. */
export interface Manifest {
  readonly entries: readonly SyncEntry[]
  /** SHA-256 (hex) over the entries in canonical form. */
  readonly tree: string
}

export type Delta = NonNullable<SyncRequest['delta']>

/** How the files of two states differ, as a person would say it. */
export interface Changes {
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
}

export function makeManifest(files: readonly HashedEntry[]): Manifest {
  return manifestOf(files.map((file): SyncEntry =>
    file.kind === 'file'
      ? {path: file.path, kind: 'file', mode: file.mode, size: file.size, sha256: file.sha256}
      : {path: file.path, kind: 'symlink', mode: file.mode, size: file.size, target: file.target ?? ''}))
}

export function manifestOf(entries: readonly SyncEntry[]): Manifest {
  const sorted = sortByBytes(entries)
  const hash = createHash('sha256')
  // NUL cannot be in a path, so the form is unambiguous whatever the names are.
  for (const {path, kind, mode, size, sha256, target} of sorted) hash.update([path, kind, mode, size, sha256 ?? target, ''].join('\0'))
  return {entries: sorted, tree: hash.digest('hex')}
}

/** What turns the entries of `base` into those of `wanted`. */
export function deltaBetween(base: readonly SyncEntry[], wanted: readonly SyncEntry[]): Delta {
  const before = new Map(base.map(entry => [entry.path, entry]))
  const after = new Set(wanted.map(entry => entry.path))
  return {
    set: wanted.filter(entry => !isSame(before.get(entry.path), entry)),
    remove: base.filter(entry => !after.has(entry.path)).map(entry => entry.path),
  }
}

export function changesBetween(base: readonly SyncEntry[], wanted: readonly SyncEntry[]): Changes {
  const before = new Set(base.map(entry => entry.path))
  const {set, remove} = deltaBetween(base, wanted)
  return {
    added: set.filter(entry => !before.has(entry.path)).map(entry => entry.path),
    changed: set.filter(entry => before.has(entry.path)).map(entry => entry.path),
    removed: remove,
  }
}

function isSame(a: SyncEntry | undefined, b: SyncEntry): boolean {
  return a !== undefined && a.kind === b.kind && a.mode === b.mode && a.size === b.size && a.sha256 === b.sha256 && a.target === b.target
}

/** As the agent sorts too: UTF-16 order differs for characters beyond the basic plane. */
function sortByBytes(entries: readonly SyncEntry[]): SyncEntry[] {
  return entries
    .map(entry => ({entry, key: Buffer.from(entry.path)}))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({entry}) => entry)
}
