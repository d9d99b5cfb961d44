import {stat} from 'node:fs/promises'
import path from 'node:path'

import {RunctlError} from '../model/errors.js'

export interface CheckScriptInput {
  readonly script: string
  readonly cwd: string
  readonly projectRoot: string
  readonly syncCode: boolean
  readonly instanceId: string
}

/** The script's path relative to the project folder, `/` between parts. Nothing was sent yet: a wrong one costs nothing. */
export async function checkScript(input: CheckScriptInput, platform: string): Promise<string> {
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
      next: [`runctl ${platform} train ${input.instanceId} SCRIPT, with a path relative to ${input.cwd}`],
      details: {script: input.script},
    })
  }
  return relative.split(path.sep).join('/')
}
