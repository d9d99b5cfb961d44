import {Args} from '@oclif/core'

import {findRun, type RunRow} from '../core/list-runs.js'
import type {PlatformDeps} from '../core/platform-deps.js'
import {RUN_ID_PATTERN} from '../model/run.js'
import {RunctlError} from '../model/errors.js'
import {RunctlCommand} from './base-command.js'

export const runIdArg = Args.string({required: true, ignoreStdin: true, description: 'The run, e.g. run-20261123-195501-3f9a.'})

/** A command on one run, wherever it is. */
export abstract class RunCommand<T> extends RunctlCommand<T> {
  protected async findRun(runId: string): Promise<{readonly deps: PlatformDeps; readonly run: RunRow}> {
    if (!RUN_ID_PATTERN.test(runId)) throw new RunctlError('bad_input', `${JSON.stringify(runId)} is not a run id`, {next: ['runctl run list']})
    return findRun(runId, await this.allPlatforms())
  }
}
