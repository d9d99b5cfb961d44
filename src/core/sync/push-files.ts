import {realpath, stat} from 'node:fs/promises'
import path from 'node:path'

import type {SyncTarget} from '../../agent/protocol.js'
import {isRunctlError, RunctlError} from '../../model/errors.js'
import type {Clock} from '../clock.js'
import {retryOnChange} from './file-changed.js'
import {hashFiles, type HashedEntry} from './hash-files.js'
import {listProjectFiles} from './list-project-files.js'
import {makeManifest} from './manifest.js'
import {readProjectFile} from './project-file.js'
import type {PushReport} from './reports.js'
import {sendTree, type SendCounts, type SendDeps} from './send-tree.js'
import {showName} from './show-name.js'
import {blobsOf, warnOfCalls} from './sync-files.js'

export interface PushInput {
  /** A file or folder on this machine, relative to `cwd` or absolute. */
  readonly source: string
  /**
   * On the instance: absolute, or relative to the home folder; null: the base name of the source, in the home folder. It is the new name,
   * but with a slash at its end the folder to put the source into; a file also goes into a folder that exists.
   */
  readonly destination: string | null
  readonly cwd: string
}

export interface PushDeps extends SendDeps {
  readonly cacheDir: string
  readonly clock: Pick<Clock, 'now'>
  /** Told before what it warns of begins. */
  readonly onWarning?: (message: string) => void
}

/**
 * Sends a file, or all that is in a folder, and removes nothing there. What is there already is not sent again. Throws `not_found`
 * where there is no such source, `bad_input` for a link that leads out of the folder, and what {@link sendTree} throws.
 */
export async function pushFiles(input: PushInput, deps: PushDeps): Promise<PushReport> {
  const given = path.resolve(input.cwd, input.source)
  const source = await realpath(given).catch(() => null)
  if (source === null) throw new RunctlError('not_found', `${showName(input.source)} does not exist here (${showName(given)})`)
  const isFolder = (await stat(source)).isDirectory()
  const place = await resolvePlace(input.destination, path.basename(given), isFolder, deps)
  const counts: SendCounts = {rounds: 0, wireBytes: 0, sent: new Map()}
  return retryOnChange(async changed => {
    const {files, warnings} = isFolder ? await readFolder(given, deps, changed) : await readOne(source, place.name, deps, changed)
    const manifest = makeManifest(files)
    const target: SyncTarget = {kind: 'path', path: isFolder ? place.whole : place.folder}
    const blobs = blobsOf(files)
    if (changed === null) for (const warning of warnOfCalls([...blobs.values()], deps)) deps.onWarning?.(warning)
    const answer = await sendTree({target, manifest, base: null, blobs}, null, counts, deps)
    return {
      source: given,
      destination: place.whole,
      files_total: manifest.entries.length,
      files_sent: manifest.entries.filter(entry => entry.sha256 !== undefined && counts.sent.has(entry.sha256)).length,
      bytes_sent: [...counts.sent].reduce((sum, [sha256, bytes]) => sum + (blobs.has(sha256) ? bytes : 0), 0),
      wire_bytes: counts.wireBytes,
      files_written: answer.files_written,
      rounds: counts.rounds,
      warnings,
    }
  })
}

interface Read {
  readonly files: readonly HashedEntry[]
  readonly warnings: readonly string[]
}

async function readFolder(folder: string, deps: PushDeps, changed: string | null): Promise<Read> {
  const {root, files, warnings} = await listProjectFiles(folder, {rules: 'none'})
  return {files: await hashFiles(root, files, hashDeps(deps), freshOf(changed)), warnings}
}

async function readOne(source: string, name: string, deps: PushDeps, changed: string | null): Promise<Read> {
  const file = await readProjectFile(path.dirname(source), path.basename(source))
  if (file === null || 'why' in file) {
    throw new RunctlError('bad_input', `${showName(source)} cannot be sent: ${file?.why ?? 'it is gone'}`)
  }
  return {files: await hashFiles(source, [{...file, path: name}], hashDeps(deps), freshOf(changed)), warnings: []}
}

function hashDeps({cacheDir, clock, signal}: PushDeps): {cacheDir: string; now: () => Date; signal?: AbortSignal} {
  return {cacheDir, now: () => clock.now(), ...(signal ? {signal} : {})}
}

const freshOf = (changed: string | null): Set<string> => new Set(changed === null ? [] : [changed])

interface Place {
  readonly folder: string
  readonly name: string
  readonly whole: string
}

async function resolvePlace(destination: string | null, base: string, isFolder: boolean, deps: SendDeps): Promise<Place> {
  if (destination?.includes('\0') || base === '') throw new RunctlError('bad_input', `${showName(destination ?? base)} is not a path`)
  const given = path.posix.normalize((destination ?? base).replace(/^~(?=\/|$)/, '.') || '.')
  const whole = given === '/' ? given : given.replace(/\/+$/, '')
  const saysFolder = given.endsWith('/') || ['.', '..'].includes(path.posix.basename(whole))
  const isInto = saysFolder || (!isFolder && destination !== null && (await isRemoteFolder(whole, deps)))
  const folder = isInto ? whole : path.posix.dirname(whole)
  const name = isInto ? base : path.posix.basename(whole)
  return {folder, name, whole: path.posix.join(folder, name)}
}

async function isRemoteFolder(remote: string, {agent, signal}: SendDeps): Promise<boolean> {
  try {
    return (await agent.call('list-files', {path: remote, max_bytes: 0}, signal ? {signal} : {})).kind === 'folder'
  } catch (error) {
    if (isRunctlError(error) && error.code === 'not_found') return false
    throw error
  }
}
