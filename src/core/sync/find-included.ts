import {lstat} from 'node:fs/promises'
import path from 'node:path'
import ignore from 'ignore'

import {RunctlError} from '../../model/errors.js'
import {join, type IgnoreTest} from './nested-rules.js'
import {walkFolder} from './walk-folder.js'

/**
 * Tells whether a path (relative, `/`) is matched by one of these patterns, which are written like lines of a .gitignore, and by none of
 * those that begin with `!`.
 */
export function matchPatterns(patterns: readonly string[]): (relative: string) => boolean {
  const wanted = ignore({ignorecase: false}).add(patterns.filter(pattern => !pattern.startsWith('!')))
  const unwanted = ignore({ignorecase: false}).add(patterns.filter(pattern => pattern.startsWith('!')).map(pattern => pattern.slice(1)))
  return relative => wanted.ignores(relative) && !unwanted.ignores(relative)
}

/**
 * The files below `root` that the patterns match, ignored or not. A pattern is searched from its first part with a wildcard on;
 * folders of `passOver` are not entered from above (`node_modules/x/*.js` finds what it says, `*.js` does not look there).
 */
export async function findIncluded(root: string, patterns: readonly string[], passOver: ReadonlySet<string>): Promise<Set<string>> {
  const found = new Set<string>()
  const matches = matchPatterns(patterns)
  const starts = new Set<string>()
  for (const pattern of patterns) {
    if (pattern.split('/').some(part => part === '..' || part === '.git')) {
      throw new RunctlError('bad_input', `the include pattern ${JSON.stringify(pattern)} leads out of the project or into .git`)
    }
    if (!pattern.startsWith('!')) starts.add(fixedPart(pattern))
  }
  for (const start of starts) {
    const stats = await lstat(path.join(root, start)).catch(() => null)
    if (stats?.isDirectory()) {
      const leaveOut = async (folder: string): Promise<IgnoreTest> => (name, isFolder) =>
        name === '.git' || (passOver.has(name) && (isFolder || folder !== start))
      for (const one of (await walkFolder(root, {start, leaveOut})).paths) if (matches(one)) found.add(one)
    } else if (stats && matches(start)) {
      found.add(start)
    }
  }
  return found
}

/** `data/small/*.csv` is looked for in `data/small`, `*.csv` everywhere. */
function fixedPart(pattern: string): string {
  const anchored = pattern.replace(/\/+$/, '').includes('/')
  if (!anchored) return ''
  let start = ''
  for (const part of pattern.replace(/^\//, '').replace(/\/+$/, '').split('/')) {
    if (/[*?[\]\\]/.test(part)) break
    start = join(start, part)
  }
  return start
}
