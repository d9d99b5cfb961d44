import {spawn} from 'node:child_process'
import {lstat} from 'node:fs/promises'
import path from 'node:path'

import {decodeName} from './decode-name.js'
import {join} from './nested-rules.js'
import type {SkippedFile} from './project-file.js'
import {showName} from './show-name.js'

const SLASH = 0x2f

export interface GitFiles {
  readonly tracked: Set<string>
  /** Neither tracked nor ignored. */
  readonly untracked: Set<string>
  readonly skipped: SkippedFile[]
}

/**
 * The files below `root` that git tracks or would add, those of submodules and nested repositories included. null where git does
 * not know the folder or is not installed; a string where git is there but failed, with its reason. `passOver` are folder names
 * that are never looked into for untracked files.
 */
export async function listGitFiles(root: string, passOver: readonly string[]): Promise<GitFiles | string | null> {
  const [staged, others] = await Promise.all([
    runGit(root, ['ls-files', '-z', '--stage']),
    runGit(root, ['ls-files', '-z', '--others', '--exclude-standard', ...passOver.map(name => `--exclude=${name}`)]),
  ])
  if (staged === null || others === null) return null
  const failed = [staged, others].find(one => one.exitCode !== 0)
  if (failed) return (await isBelowGit(root)) ? (failed.stderr.split('\n')[0] ?? '') : null

  const files: GitFiles = {tracked: new Set(), untracked: new Set(), skipped: []}
  const nested = new Set<string>()
  for (const record of splitRecords(staged.stdout)) {
    const tab = record.indexOf(0x09)
    const isSubmodule = record.subarray(0, 6).toString() === '160000'
    add(record.subarray(tab + 1), isSubmodule ? nested : files.tracked)
  }
  for (const record of splitRecords(others.stdout)) {
    const isRepository = record[record.length - 1] === SLASH
    add(isRepository ? record.subarray(0, -1) : record, isRepository ? nested : files.untracked)
  }
  for (const folder of nested) await addNested(root, folder, passOver, files)
  return files

  function add(bytes: Uint8Array, where: Set<string>): void {
    const {name, isValid} = decodeName(bytes)
    if (isValid) where.add(name)
    else files.skipped.push({path: name, why: 'its name is not UTF-8'})
  }
}

/** A submodule that was never fetched has no `.git` of its own: it is empty. */
async function addNested(root: string, folder: string, passOver: readonly string[], files: GitFiles): Promise<void> {
  if (!(await exists(path.join(root, folder, '.git')))) return
  const inside = await listGitFiles(path.join(root, folder), passOver)
  if (inside === null || typeof inside === 'string') {
    files.skipped.push({path: folder, why: `git cannot list this nested repository${inside ? ` (${showName(inside)})` : ''}`})
    return
  }
  for (const name of inside.tracked) files.tracked.add(join(folder, name))
  for (const name of inside.untracked) files.untracked.add(join(folder, name))
  files.skipped.push(...inside.skipped.map(one => ({...one, path: join(folder, one.path)})))
}

function* splitRecords(output: Buffer): Generator<Buffer> {
  for (let from = 0, end = output.indexOf(0); end >= 0; from = end + 1, end = output.indexOf(0, from)) {
    yield output.subarray(from, end)
  }
}

function runGit(cwd: string, args: readonly string[]): Promise<{exitCode: number; stdout: Buffer; stderr: string} | null> {
  return new Promise((resolve, reject) => {
    const git = spawn('git', args, {cwd, env: environmentOfItsOwn(), stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true})
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    git.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    git.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    git.on('error', error => ('code' in error && (error.code === 'ENOENT' || error.code === 'EACCES') ? resolve(null) : reject(error)))
    git.on('close', exitCode => resolve({exitCode: exitCode ?? 1, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString()}))
  })
}

const OF_ANOTHER_REPOSITORY = [
  'GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_PREFIX', 'GIT_COMMON_DIR', 'GIT_OBJECT_DIRECTORY', 'GIT_NAMESPACE',
]

/** Inside a git hook GIT_DIR, GIT_INDEX_FILE and others point to the repository that runs the hook. */
function environmentOfItsOwn(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {...process.env, GIT_OPTIONAL_LOCKS: '0'}
  for (const name of OF_ANOTHER_REPOSITORY) delete env[name]
  return env
}

async function isBelowGit(folder: string): Promise<boolean> {
  if (await exists(path.join(folder, '.git'))) return true
  const parent = path.dirname(folder)
  return parent !== folder && isBelowGit(parent)
}

const exists = (file: string): Promise<boolean> => lstat(file).then(() => true, () => false)
