import {realpath, stat} from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

import {RunctlError} from '../../model/errors.js'
import {checkLinks, toSlashes} from './check-links.js'
import {findCandidates, PASS_OVER} from './find-candidates.js'
import {findIncluded, matchPatterns} from './find-included.js'
import {mapConcurrently} from './map-concurrently.js'
import {join, NestedRules, parentOf} from './nested-rules.js'
import {readProjectFile, type ProjectFile, type SkippedFile} from './project-file.js'
import {showName, showNames} from './show-name.js'
import {warnOfFiles} from './warn-of-files.js'

export interface ListOptions {
  /** Patterns of files that go although they are ignored, written like lines of a .gitignore: `data/small/*.csv`, `configs/**`. */
  readonly include?: readonly string[]
  /** Patterns of files that do not go, on top of the ignore files. */
  readonly exclude?: readonly string[]
  /** Folders relative to the root that never go, but for what git tracks in them. Ones outside the root are passed over. */
  readonly alwaysExclude?: readonly string[]
  /** `all`: .gitignore and .runctlignore; `runctlignore`: that alone; `none`: every file goes, `.git` too. */
  readonly rules?: 'all' | 'none' | 'runctlignore'
  /** The user's home folder; it is never a project. */
  readonly homeDir?: string
}

export interface ProjectListing {
  /** Absolute, without links. */
  readonly root: string
  /** Sorted by path. */
  readonly files: readonly ProjectFile[]
  readonly warnings: readonly string[]
  /** What could not go, and why. Ignored files are not listed. */
  readonly skipped: readonly SkippedFile[]
}

/** The files of a folder that belong to the project. Throws `not_found`, or `bad_input` for a root or a link that must not be sent. */
export async function listProjectFiles(givenRoot: string, options: ListOptions = {}): Promise<ProjectListing> {
  const root = await checkRoot(givenRoot, options.homeDir ?? os.homedir())
  const rules = options.rules ?? 'all'
  const include = options.include ?? []
  const warnings: string[] = []
  const isExcluded = belowAny((options.alwaysExclude ?? []).map(one => toSlashes(path.relative(root, path.resolve(root, one)))))
  const ownRules = rules === 'none' ? null : new NestedRules(root, '.runctlignore')
  const {found, tracked, skipped} = await findCandidates({root, gitRules: rules === 'all', ownRules, isExcluded}, warnings)
  const wanted = ownRules ? await dropIgnored([...found], ownRules, matchPatterns(options.exclude ?? [])) : [...found]
  const included = include.length > 0 ? await findIncluded(root, include, PASS_OVER) : new Set<string>()
  const names = [...new Set([...wanted, ...included])].filter(name => tracked.has(name) || !isExcluded(name))
  for (const pattern of include) {
    const matches = matchPatterns([pattern])
    if (pattern.startsWith('!') || names.some(matches)) continue
    const isElsewhere = [...included].some(matches)
    const why = isElsewhere ? 'matches only files in the checkpoint or output folder, which are never synced' : 'matches no file'
    warnings.push(`the include pattern ${JSON.stringify(pattern)} ${why}`)
  }

  const files: ProjectFile[] = []
  for (const one of await mapConcurrently(names, 32, name => readProjectFile(root, name))) {
    if (one && 'why' in one) skipped.push(one)
    else if (one) files.push(one)
  }
  const kept = dropBelowLinks(files)
  const advice = rules === 'none'
    ? 'put what it points to in the place of {path}'
    : 'add a line {path} to .runctlignore, or put what it points to in its place'
  const sorted = [...(await checkLinks(kept, root, path.resolve(givenRoot), advice))].sort((a, b) => (a.path < b.path ? -1 : 1))
  if (skipped.length > 0) warnings.push(`not sent: ${showNames(skipped.map(one => `${one.path} (${one.why})`))}`)
  if (rules !== 'none') warnings.push(...(await warnOfFiles(sorted)))
  return {root, files: sorted, warnings, skipped}
}

async function checkRoot(givenRoot: string, homeDir: string): Promise<string> {
  const root = await realpath(givenRoot).catch(() => null)
  if (root === null || !(await stat(root)).isDirectory()) {
    throw new RunctlError('not_found', `${showName(givenRoot)} ${root === null ? 'does not exist' : 'is not a folder'}; nothing was sent`)
  }
  const home = await realpath(homeDir).catch(() => homeDir)
  if (root === home || root === path.parse(root).root) {
    const what = root === home ? 'your home folder' : 'the root of the file system'
    throw new RunctlError('bad_input', `${showName(root)} is ${what}, not a project; nothing was sent`, {
      next: ['cd to the project folder and run the command there'],
    })
  }
  return root
}

/** What .runctlignore (tracked files too) and the caller's patterns leave over; `.git` never goes. */
async function dropIgnored(names: string[], ignored: NestedRules, isExcluded: (name: string) => boolean): Promise<string[]> {
  const kept: string[] = []
  for (const [folder, inFolder] of groupByFolder(names)) {
    const test = await ignored.testIn(folder)
    for (const name of inFolder) {
      const whole = join(folder, name)
      if (!test(name, false) && !isExcluded(whole) && !`/${whole}/`.includes('/.git/')) kept.push(whole)
    }
  }
  return kept
}

function groupByFolder(names: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const name of names) {
    const folder = parentOf(name)
    const group = groups.get(folder)
    const base = folder === '' ? name : name.slice(folder.length + 1)
    if (group) group.push(base)
    else groups.set(folder, [base])
  }
  return groups
}

function belowAny(folders: readonly string[]): (name: string) => boolean {
  const inside = folders.filter(one => one !== '' && one !== '..' && !one.startsWith('../') && !path.isAbsolute(one))
  return name => inside.some(folder => name === folder || name.startsWith(`${folder}/`))
}

/** git still tracks what was below a folder that has become a link. */
function dropBelowLinks(files: readonly ProjectFile[]): ProjectFile[] {
  const links = new Set(files.filter(file => file.kind === 'symlink').map(file => file.path))
  if (links.size === 0) return [...files]
  return files.filter(file => {
    for (let folder = parentOf(file.path); folder !== ''; folder = parentOf(folder)) if (links.has(folder)) return false
    return true
  })
}
