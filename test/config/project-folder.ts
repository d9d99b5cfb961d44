import {mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'

import {isRunctlError, type RunctlError} from '../../src/model/errors.js'
import type {ConfigProblem} from '../../src/config/problem.js'

/** A project and a user's config folder, both temporary. */
export class ProjectFolder {
  readonly base = realpathSync(mkdtempSync(join(tmpdir(), 'runctl-config-')))
  readonly cwd = join(this.base, 'my-project')
  readonly configDir = join(this.base, 'config')
  readonly projectFile = join(this.cwd, '.runctl.toml')
  readonly userFile = join(this.configDir, 'config.toml')
  env: Record<string, string | undefined> = {}

  constructor() {
    mkdirSync(this.cwd)
  }

  get input(): {cwd: string; configDir: string; env: Record<string, string | undefined>} {
    return {cwd: this.cwd, configDir: this.configDir, env: this.env}
  }

  write(path: string, text: string | Uint8Array): void {
    mkdirSync(dirname(path), {recursive: true})
    writeFileSync(path, text)
  }

  remove(): void {
    rmSync(this.base, {recursive: true, force: true})
  }
}

export async function failureOf(work: Promise<unknown>): Promise<RunctlError> {
  try {
    await work
  } catch (error) {
    if (isRunctlError(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}

export async function problemsOf(work: Promise<unknown>): Promise<readonly ConfigProblem[]> {
  return (await failureOf(work)).details['problems'] as readonly ConfigProblem[]
}
