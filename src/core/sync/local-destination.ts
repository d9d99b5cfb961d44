import {lstat, mkdir, realpath} from 'node:fs/promises'
import path from 'node:path'

import {RunctlError} from '../../model/errors.js'
import {isInside} from './check-links.js'
import {showName} from './show-name.js'

/** A folder on this machine that files are written into, and nothing outside it, whatever the names and the links in it say. */
export class LocalDestination {
  private readonly checked = new Set<string>()

  private constructor(readonly root: string) {}

  /** Makes the folder if need be. A link in the way to it is the user's own and is followed. */
  static async open(folder: string): Promise<LocalDestination> {
    await mkdir(folder, {recursive: true}).catch((error: unknown) => {
      throw explainLocalError(error, folder)
    })
    return new LocalDestination(await realpath(folder))
  }

  /** The absolute path for a relative one from the instance; its folder exists then. `bad_input` if it would leave the destination. */
  async resolve(relative: string): Promise<string> {
    const parts = relative.split('/')
    if (!isPlain(parts)) throw leaves(relative)
    let folder = this.root
    for (const part of parts.slice(0, -1)) {
      folder = path.join(folder, part)
      if (!this.checked.has(folder)) await this.enter(folder, relative)
    }
    return path.join(folder, parts.at(-1) ?? '')
  }

  private async enter(folder: string, relative: string): Promise<void> {
    const stats = await lstat(folder).catch(() => null)
    if (stats?.isSymbolicLink()) {
      const target = await realpath(folder).catch(() => null)
      if (target === null || !isInside(target, this.root)) throw leaves(relative, folder)
    } else if (stats && !stats.isDirectory()) {
      throw new RunctlError('bad_input', `${showName(folder)} is a file here, but a folder on the instance; it was left alone`, {
        next: ['give another destination'],
      })
    } else if (!stats) {
      await mkdir(folder).catch((error: unknown) => {
        throw explainLocalError(error, folder)
      })
    }
    this.checked.add(folder)
  }
}

function isPlain(parts: readonly string[]): boolean {
  const isOdd = process.platform === 'win32' ? (part: string) => /[\\:]/.test(part) : () => false
  return parts.every(part => part !== '' && part !== '.' && part !== '..' && !part.includes('\0') && !isOdd(part))
}

function leaves(relative: string, link?: string): RunctlError {
  const why = link === undefined ? '' : `: ${showName(link)} is a link that leads out of it`
  return new RunctlError('bad_input', `${showName(relative)} would be written outside the destination${why}`, {
    next: link === undefined ? [] : ['give another destination, or remove the link'],
    details: {path: relative},
  })
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'a file is in the way',
  EISDIR: 'a folder is in the way',
  ENAMETOOLONG: 'the name is too long for this file system',
  ENOSPC: 'the disk of this machine is full',
  ENOTDIR: 'a file is in the way',
  ENOTEMPTY: 'a folder is in the way',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
}

/** `bad_input` for what a user can mend; anything else as it is. */
export function explainLocalError(error: unknown, file: string): unknown {
  const reason = REASONS[(error as NodeJS.ErrnoException).code ?? '']
  return reason ? new RunctlError('bad_input', `cannot write ${showName(file)}: ${reason}`, {details: {path: file}, cause: error}) : error
}
