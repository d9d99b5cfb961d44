import type {Dirent} from 'node:fs'
import {readdir} from 'node:fs/promises'
import path from 'node:path'

import {mapConcurrently} from './map-concurrently.js'
import {join, type IgnoreTest} from './nested-rules.js'
import {decodeName} from './decode-name.js'
import type {SkippedFile} from './project-file.js'

export interface WalkOptions {
  /** Tells what to leave out in one folder (relative to the root); a folder that is left out is not entered. */
  readonly leaveOut: (folder: string) => Promise<IgnoreTest>
  /** Where to begin, relative to the root. */
  readonly start?: string
}

/** All files and links below a folder, relative to the root with `/`. Links are never followed. */
export async function walkFolder(root: string, options: WalkOptions): Promise<{paths: string[]; skipped: SkippedFile[]}> {
  const paths: string[] = []
  const skipped: SkippedFile[] = []
  let folders = [options.start ?? '']
  while (folders.length > 0) {
    const below = await mapConcurrently(folders, 16, folder => walkOne(folder))
    folders = below.flat()
  }
  return {paths, skipped}

  async function walkOne(folder: string): Promise<string[]> {
    let entries: Dirent<Buffer>[]
    try {
      entries = await readdir(path.join(root, folder), {withFileTypes: true, encoding: 'buffer'})
    } catch (error) {
      skipped.push({path: folder, why: `the folder cannot be read (${(error as NodeJS.ErrnoException).code})`})
      return []
    }
    const leaveOut = await options.leaveOut(folder)
    const below: string[] = []
    for (const entry of entries) {
      const {name, isValid} = decodeName(entry.name)
      if (!isValid) skipped.push({path: join(folder, name), why: 'its name is not UTF-8'})
      else if (leaveOut(name, entry.isDirectory())) continue
      else if (entry.isDirectory()) below.push(join(folder, name))
      else paths.push(join(folder, name))
    }
    return below
  }
}
