import {stat} from 'node:fs/promises'
import path from 'node:path'

import {RunctlError} from '../model/errors.js'

export interface CheckScriptInput {
  readonly script: string
  readonly cwd: string
  readonly projectRoot: string
  readonly syncCode: boolean
}

/**
 * The script's path relative to the project folder, `/` between parts. Nothing was sent yet: a wrong one costs nothing. `command` is what the
 * script stands behind: `runctl local train local-1a2b3c4d`.
 */
export async function checkScript(input: CheckScriptInput, command: string): Promise<string> {
  if (!input.syncCode) return input.script.split(path.sep).join('/')
  const absolute = path.resolve(input.cwd, input.script)
  const relative = path.relative(input.projectRoot, absolute)
  if (relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)) {
    throw new RunctlError('bad_input', `the script ${input.script} is outside the project folder ${input.projectRoot}, so it would not be sent`, {
      next: ['cd to the project folder, or put a .runctl.toml into the folder that holds both: runctl init'],
    })
  }
  const found = await stat(absolute).catch(() => null)
  if (!found?.isFile()) {
    const what = found ? 'is not a file' : 'does not exist'
    throw new RunctlError('not_found', `the script ${input.script} ${what} here (${absolute}); nothing was sent`, {
      next: [`${command} SCRIPT`],
      details: {script: input.script},
    })
  }
  return relative.split(path.sep).join('/')
}
