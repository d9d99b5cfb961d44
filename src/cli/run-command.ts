import {Args} from '@oclif/core'

import {findRun, type RunRow} from '../core/list-runs.js'
import type {PlatformDeps} from '../core/platform-deps.js'
import type {Instance} from '../model/instance.js'
import {RunctlCommand} from './base-command.js'

export const runIdArg = Args.string({required: true, ignoreStdin: true, description: 'The run, e.g. run-20261123-195501-3f9a.'})

/** A command on one run, wherever it is. */
export abstract class RunCommand<T> extends RunctlCommand<T> {
  protected async findRun(runId: string): Promise<{readonly deps: PlatformDeps; readonly instance: Instance; readonly run: RunRow}> {
    return findRun(runId, await this.allPlatforms())
  }
}
