import {realpath} from 'node:fs/promises'
import path from 'node:path'

import {RunctlError} from '../../model/errors.js'
import type {ProjectFile} from './project-file.js'
import {showName} from './show-name.js'

/**
 * Links as they can be sent: an absolute one that stays inside the root becomes relative, so that it holds on the instance too. One
 * that leaves the root, as it is written or in truth, is refused with `bad_input`. `root` is a real path; `advice` says how to go on.
 */
export async function checkLinks(files: readonly ProjectFile[], root: string, givenRoot: string, advice: string): Promise<ProjectFile[]> {
  const checked: ProjectFile[] = []
  for (const file of files) checked.push(file.target === undefined ? file : await checkLink(file, file.target, root, givenRoot, advice))
  return checked
}

async function checkLink(file: ProjectFile, target: string, root: string, givenRoot: string, advice: string): Promise<ProjectFile> {
  const from = path.dirname(file.absolutePath)
  const written = path.resolve(from, target)
  const inRoot = [written, path.join(root, path.relative(givenRoot, written))].find(candidate => isInside(candidate, root))
  // Through other links `..` may lead elsewhere than the path says, so the link itself is followed too.
  const followed = await realpath(file.absolutePath).catch(() => root)
  if (inRoot === undefined || !isInside(await realTarget(inRoot), root) || !isInside(followed, root)) {
    const link = `${showName(file.path)} -> ${showName(target)}`
    throw new RunctlError('bad_input', `the link ${link} leads out of ${showName(givenRoot)}, so it would not work on the instance`, {
      next: [advice.replace('{path}', showName(file.path))],
      details: {path: file.path, target},
    })
  }
  if (!path.isAbsolute(target)) return {...file, target: toSlashes(target)}
  const relative = toSlashes(path.relative(from, inRoot)) || '.'
  return {...file, target: relative, size: Buffer.byteLength(relative)}
}

/** Where the path ends up; of what does not exist, as far as it does. */
async function realTarget(target: string): Promise<string> {
  try {
    return await realpath(target)
  } catch (error) {
    const parent = path.dirname(target)
    const {code} = error as NodeJS.ErrnoException
    // A circle of links leads nowhere, so not out either.
    if (code === 'ELOOP' || parent === target) return target
    return path.join(await realTarget(parent), path.basename(target))
  }
}

export function isInside(candidate: string, root: string): boolean {
  const relative = path.relative(root, candidate)
  return relative === '' || (relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative))
}

export function toSlashes(text: string): string {
  return path.sep === '/' ? text : text.replaceAll(path.sep, '/')
}
