import {lstat, readlink, realpath, rename, rm, symlink} from 'node:fs/promises'
import path from 'node:path'

import {isInside} from './check-links.js'
import type {RemoteEntry} from './list-remote.js'
import {explainLocalError, type LocalDestination} from './local-destination.js'
import type {SkippedFile} from './project-file.js'

interface PulledLinks {
  readonly made: number
  readonly skipped: readonly SkippedFile[]
}

/** Makes the links, after all files are in place, so that nothing is written through one. What would lead out is taken away again. */
export async function pullLinks(entries: readonly RemoteEntry[], destination: LocalDestination): Promise<PulledLinks> {
  const links: {readonly entry: RemoteEntry; readonly local: string}[] = []
  const skipped: SkippedFile[] = []
  for (const entry of entries) {
    const local = await destination.resolve(entry.path)
    const target = entry.target ?? ''
    if (target === '' || path.isAbsolute(target) || !isInside(path.resolve(path.dirname(local), target), destination.root)) {
      skipped.push({path: entry.path, why: 'a link that leads out of the folder'})
    } else {
      await makeLink(local, target)
      links.push({entry, local})
    }
  }
  let made = 0
  for (const {entry, local} of links) {
    // Only now, with all links there, is it known where a chain of them ends.
    const end = await realpath(local).catch(() => null)
    if (end === null || isInside(end, destination.root)) {
      made++
      continue
    }
    await rm(local)
    skipped.push({path: entry.path, why: 'a link that leads out of the folder'})
  }
  return {made, skipped}
}

async function makeLink(local: string, target: string): Promise<void> {
  const stats = await lstat(local).catch(() => null)
  if (stats?.isSymbolicLink() && (await readlink(local)) === target) return
  const temporary = path.join(path.dirname(local), `.runctl-link-${process.pid}`)
  try {
    await rm(temporary, {force: true})
    await symlink(target, temporary)
    await rename(temporary, local)
  } catch (error) {
    await rm(temporary, {force: true})
    throw explainLocalError(error, local)
  }
}
