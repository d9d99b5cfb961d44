import {lstat, readFile} from 'node:fs/promises'
import {dirname, join, relative, resolve, sep} from 'node:path'

import ignore from 'ignore'

import type {InitResult} from '../model/config-answers.js'
import {RunctlError} from '../model/errors.js'
import {PULL_FOLDER} from '../model/pull-folder.js'
import {PROJECT_FILE_NAME, readProjectFile} from './config-files.js'
import {CONFIG_KEYS} from './keys.js'
import {projectFileTemplate} from './project-file-template.js'
import {PROJECT_NAME_PATTERN, PROJECT_NAME_RULE, projectNameOfFolder} from './project-name.js'
import {replaceFile} from './replace-file.js'
import {tomlString} from './toml-text.js'

export interface InitInput {
  readonly cwd: string
  /** The folder's name, made plain, where absent. */
  readonly name?: string
  readonly force: boolean
}

/** Writes `.runctl.toml` into `cwd`. Throws `bad_input` where there is one already and `force` is not given, or for a bad name. */
export async function initProject(input: InitInput): Promise<InitResult> {
  const cwd = resolve(input.cwd)
  const name = input.name ?? projectNameOfFolder(cwd)
  if (!PROJECT_NAME_PATTERN.test(name)) {
    throw new RunctlError('bad_input', `${tomlString(name)} is not a project name: ${PROJECT_NAME_RULE}`)
  }
  const file = join(cwd, PROJECT_FILE_NAME)
  const exists = await isThere(file)
  if (exists && !input.force) {
    throw new RunctlError('bad_input', `${file} exists already: nothing was changed`, {
      next: ['runctl config show', 'runctl init --force'],
      details: {file},
    })
  }
  const above = await readProjectFile(dirname(cwd))
  await replaceFile(file, projectFileTemplate(name))
  return {project_name: name, file, replaced: exists, gitignore: await extendGitignore(cwd), hides: above?.path ?? null}
}

/** What a training writes does not belong into git: it would be sent back to the instance with the code. */
async function extendGitignore(cwd: string): Promise<InitResult['gitignore']> {
  const repository = await repositoryAbove(cwd)
  if (repository === null) return null
  const file = join(cwd, '.gitignore')
  const added: string[] = []
  for (const folder of [CONFIG_KEYS['train.checkpoint_dir'].default, CONFIG_KEYS['train.output_dir'].default, PULL_FOLDER]) {
    if (!(await isIgnored(join(cwd, folder), cwd, repository))) added.push(`${folder}/`)
  }
  if (added.length > 0) {
    const text = await textOf(file)
    const newline = text.includes('\r\n') ? '\r\n' : '\n'
    const before = text === '' || text.endsWith('\n') ? text : `${text}${newline}`
    await replaceFile(file, `${before}${added.map(line => `${line}${newline}`).join('')}`)
  }
  return {file, added}
}

async function isIgnored(path: string, cwd: string, repository: string): Promise<boolean> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const inside = relative(folder, path).split(sep).join('/')
    if (ignore().add(await textOf(join(folder, '.gitignore'))).ignores(`${inside}/`)) return true
    if (folder === repository || folder === dirname(folder)) return false
  }
}

async function repositoryAbove(cwd: string): Promise<string | null> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (await isThere(join(folder, '.git'))) return folder
    if (folder === dirname(folder)) return null
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}
