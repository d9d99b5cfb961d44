import {listGitFiles} from './list-git-files.js'
import {join, NestedRules, type IgnoreTest} from './nested-rules.js'
import type {SkippedFile} from './project-file.js'
import {showName} from './show-name.js'
import {walkFolder} from './walk-folder.js'

/** Never sent unless git tracks them or a pattern asks for them; `.git` not even then. */
const BUILT_IN = ['__pycache__', '.venv', 'venv', 'node_modules', '.ipynb_checkpoints', '.mypy_cache', '.pytest_cache', '.DS_Store']
export const PASS_OVER: ReadonlySet<string> = new Set(['.git', ...BUILT_IN])

export interface CandidateOptions {
  readonly root: string
  /** By git, or where it does not know the folder by the .gitignore files. */
  readonly gitRules: boolean
  /** Those of .runctlignore, for a walk to keep out of what they ignore; null where every file goes, `.git` too. */
  readonly ownRules: NestedRules | null
  readonly isExcluded: (name: string) => boolean
}

export interface Candidates {
  readonly found: Iterable<string>
  readonly tracked: ReadonlySet<string>
  readonly skipped: SkippedFile[]
}

/** What git would track, or what a walk finds. What .runctlignore leaves out of git's answer is for the caller to drop. */
export async function findCandidates(options: CandidateOptions, warnings: string[]): Promise<Candidates> {
  const {root, gitRules, ownRules, isExcluded} = options
  const git = gitRules ? await listGitFiles(root, BUILT_IN) : null
  if (typeof git === 'string') {
    warnings.push(`git cannot list ${showName(root)} (${showName(git)}), so runctl reads the ignore files itself`)
  }
  // A folder that the repository around it ignores is a project all the same.
  if (git !== null && typeof git !== 'string' && git.tracked.size + git.untracked.size > 0) {
    return {found: new Set([...git.tracked, ...git.untracked]), tracked: git.tracked, skipped: git.skipped}
  }
  const gitignore = gitRules ? new NestedRules(root, '.gitignore') : null
  const leaveOut = async (folder: string): Promise<IgnoreTest> => {
    const tests: IgnoreTest[] = [name => isExcluded(join(folder, name))]
    if (ownRules) tests.push(name => name === '.git', await ownRules.testIn(folder))
    if (gitignore) tests.push(name => PASS_OVER.has(name), await gitignore.testIn(folder))
    return (name, isFolder) => tests.some(test => test(name, isFolder))
  }
  const {paths, skipped} = await walkFolder(root, {leaveOut})
  return {found: paths, tracked: new Set(), skipped}
}
