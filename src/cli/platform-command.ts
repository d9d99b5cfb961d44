import {Args, type Command} from '@oclif/core'

import type {PlatformDeps} from '../core/platform-deps.js'
import {RunctlCommand} from './base-command.js'

/** A verb of one platform: `runctl <platform> <verb>`. */
export abstract class PlatformCommand<T> extends RunctlCommand<T> {
  protected abstract readonly platformName: string

  protected deps(): Promise<PlatformDeps> {
    return this.platformDeps(this.platformName)
  }
}

/** A verb for a platform of any name. */
export type VerbFactory = (platform: string) => Command.Class

/** The id that most verbs take. `ignoreStdin`: a missing one is an error, not something to read from a pipe. */
export const instanceIdArg = Args.string({required: true, ignoreStdin: true, description: 'The instance, e.g. as `create` printed it.'})
