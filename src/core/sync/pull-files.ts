import {stat, utimes} from 'node:fs/promises'
import path from 'node:path'

import {RunctlError} from '../../model/errors.js'
import {findUnchanged, type LocalCopy} from './find-unchanged.js'
import {listRemote, type RemoteEntry, type RemoteListing} from './list-remote.js'
import {LocalDestination} from './local-destination.js'
import type {SkippedFile} from './project-file.js'
import {pullLinks} from './pull-links.js'
import {readRemote, type ReadDeps} from './read-remote.js'
import type {PulledFile, PullReport} from './reports.js'
import {showName, showNames} from './show-name.js'

export interface PullInput {
  /** A file or folder on the instance: absolute, or relative to the home folder. */
  readonly source: string
  /**
   * On this machine, relative to `cwd` or absolute; null: the base name of the source, in `cwd`. It is the new name, but with a slash
   * at its end (or as `.` or `..`) the folder to put the source into; a file also goes into a folder that exists.
   */
  readonly destination: string | null
  readonly cwd: string
  /** SHA-256 by path below the source (of a file: its base name), where the caller knows them: they are what is here compared by. */
  readonly knownSha256?: ReadonlyMap<string, string>
}

/**
 * Copies a file, or all that is in a folder, and verifies each digest. Files that are here already are kept as they are; a big file
 * that was cut off goes on where it ended. Removes nothing. Rejects with `not_found` where there is no such source, `bad_input` for a
 * name or a link that would lead out of the destination, `verification_failed` where a file does not hold still: all others are in
 * place then.
 */
export async function pullFiles(input: PullInput, deps: ReadDeps): Promise<PullReport> {
  const {agent, signal} = deps
  const listing = await listRemote(input.source, agent, signal)
  const isSingle = listing.kind === 'file'
  const base = path.posix.basename(listing.base)
  const place = await resolvePlace(input, base, isSingle)
  const destination = await LocalDestination.open(isSingle ? path.dirname(place) : place)
  const {files, links, skipped} = sortOut(listing, isSingle ? path.basename(place) : null)
  const copies: LocalCopy[] = []
  for (const entry of files) copies.push({entry, local: await destination.resolve(entry.path)})

  const known = new Map([...(input.knownSha256 ?? [])].map(([name, sha256]) => [isSingle ? path.basename(place) : name, sha256]))
  const {unchanged, rounds} = await findUnchanged(copies, listing.base, isSingle, known, agent, signal)
  for (const {entry, local} of copies) if (unchanged.get(entry.path)) await setTime(local, entry)
  const wanted = copies.filter(({entry}) => !unchanged.has(entry.path))
  const first = await readRemote(wanted, listing.base, isSingle, deps)
  const again = await readAgain(first.changed, input, isSingle, deps)
  const linked = await pullLinks(links, destination)
  skipped.push(...again.gone, ...linked.skipped)
  if (again.changed.length > 0) throw keepChanging(again.changed, listing.base)

  const copied = new Map([...first.copied, ...again.copied])
  const kept = copies.filter(({entry}) => copied.has(entry.path) || unchanged.has(entry.path))
  return {
    source: listing.base,
    destination: isSingle ? path.join(destination.root, path.basename(place)) : destination.root,
    files: kept.map(({entry, local}): PulledFile => ({
      path: isSingle ? base : entry.path,
      remote_path: isSingle ? listing.base : path.posix.join(listing.base, entry.path),
      local_path: local,
      size_bytes: again.sizes.get(entry.path) ?? entry.size,
      sha256: copied.get(entry.path) ?? unchanged.get(entry.path) ?? null,
      what: copied.has(entry.path) ? 'copied' : 'unchanged',
    })),
    files_copied: copied.size,
    bytes_copied: first.bytes + again.bytes,
    links: linked.made,
    skipped,
    rounds: listing.rounds + rounds + first.rounds + again.rounds,
  }
}

/** Where a source of the name `base` is put: as `destination` of {@link PullInput} says. */
export async function resolvePlace({destination, cwd}: Pick<PullInput, 'cwd' | 'destination'>, base: string, isSingle: boolean): Promise<string> {
  if (base === '' && !destination) throw new RunctlError('bad_input', 'the whole file system is too much to pull')
  const given = path.resolve(cwd, destination ?? base)
  const isInto = destination !== null && (/[/\\]$/.test(destination) || ['.', '..'].includes(path.basename(destination)))
  if (isInto) return path.join(given, base)
  const isFolder = isSingle && (await stat(given).then(stats => stats.isDirectory(), () => false))
  return isFolder ? path.join(given, base) : given
}

/** `name`: what the one file is called here. */
function sortOut(listing: RemoteListing, name: string | null): {files: RemoteEntry[]; links: RemoteEntry[]; skipped: SkippedFile[]} {
  const skipped = [...listing.skipped]
  const entries = listing.entries.map(entry => (name === null ? entry : {...entry, path: name}))
  const valid = entries.filter(entry => {
    const isValid = !/\p{Surrogate}/u.test(entry.path)
    if (!isValid) skipped.push({path: entry.path, why: 'its name is not UTF-8'})
    return isValid
  })
  return {files: valid.filter(entry => entry.kind === 'file'), links: valid.filter(entry => entry.kind === 'symlink'), skipped}
}

interface Again {
  readonly copied: ReadonlyMap<string, string>
  readonly changed: readonly LocalCopy[]
  readonly gone: readonly SkippedFile[]
  readonly sizes: ReadonlyMap<string, number>
  readonly bytes: number
  readonly rounds: number
}

/** Files that changed under way are looked at and copied once more. */
async function readAgain(changed: readonly LocalCopy[], input: PullInput, isSingle: boolean, deps: ReadDeps): Promise<Again> {
  if (changed.length === 0) return {copied: new Map(), changed: [], gone: [], sizes: new Map(), bytes: 0, rounds: 0}
  const listing = await listRemote(input.source, deps.agent, deps.signal)
  const now = new Map(listing.entries.map(entry => [entry.path, entry]))
  const copies: LocalCopy[] = []
  const gone: SkippedFile[] = []
  for (const {entry, local} of changed) {
    const current = now.get(isSingle ? '' : entry.path)
    if (current?.kind === 'file') copies.push({entry: {...current, path: entry.path}, local})
    else gone.push({path: entry.path, why: 'it went away on the instance, or cannot be read there'})
  }
  const result = await readRemote(copies, listing.base, isSingle, deps)
  const sizes = new Map(copies.map(({entry}) => [entry.path, entry.size]))
  return {copied: result.copied, changed: result.changed, gone, sizes, bytes: result.bytes, rounds: result.rounds + listing.rounds}
}

async function setTime(local: string, entry: RemoteEntry): Promise<void> {
  const seconds = Number(BigInt(entry.mtime_ns) / 1000n) / 1e6
  // Only the next comparison is slower without it.
  await utimes(local, seconds, seconds).catch(() => {})
}

function keepChanging(changed: readonly LocalCopy[], base: string): RunctlError {
  const paths = changed.map(({entry}) => entry.path)
  const what = `${showNames(paths)} in ${showName(base)}`
  return new RunctlError('verification_failed', `${what} changed on the instance while being copied; all other files are here`, {
    next: ['repeat the command when nothing writes there: what is here is not copied again'],
    details: {paths},
  })
}
