import path from 'node:path'
import {stat} from 'node:fs/promises'
import {Flags} from '@oclif/core'

import {callLocalAgent} from '../agent/local-agent.js'
import type {CheckpointOrigin} from '../core/checkpoint-origin.js'
import type {LocalAgent} from '../core/local-agent-port.js'
import type {PlatformDeps} from '../core/platform-deps.js'
import type {StoreHints} from '../core/store-roots.js'
import {RunctlError} from '../model/errors.js'
import {pathForShell} from '../model/quote-for-shell.js'
import {RunctlCommand} from './base-command.js'

export const originFlags = {
  'instance-id': Flags.string({summary: 'What is on the disk of this instance.', exclusive: ['run']}),
  run: Flags.string({summary: 'What this run wrote.', exclusive: ['instance-id', 'project']}),
  project: Flags.string({summary: 'All of this project; with --instance-id, of this project on it (default: that of its newest run).'}),
  from: Flags.string({helpValue: 's3://…', summary: 'With --run or --project: where in a store to look, in place of all else. Default: train.output_s3, and what the tags of instances say.', exclusive: ['instance-id']}),
}

/** A command over checkpoints wherever they are: on instances, in a store, in a folder here. */
export abstract class CheckpointOriginCommand<T> extends RunctlCommand<T> {
  protected readonly callAgentHere: LocalAgent = (verb, request) => callLocalAgent(verb, request, this.signal)

  /** The platforms that must be asked about it. */
  protected async platformsOf(origin: CheckpointOrigin): Promise<readonly PlatformDeps[]> {
    switch (origin.kind) {
      case 'folder':
        return []
      case 'instance':
        return [await this.platformDeps((await this.platforms()).ownerOf(origin.instanceId))]
      case 'project':
      case 'run':
      case 'store':
        return this.allPlatforms()
    }
  }

  protected async storeHints({from}: {readonly from?: string | undefined}): Promise<StoreHints> {
    return {from: from ?? null, configuredOutput: (await this.lenientConfig()).get('train.output_s3')}
  }

  /** The folder as an absolute path. Rejects with `not_found`. */
  protected async folderHere(folder: string): Promise<string> {
    const found = await stat(folder).catch(() => null)
    if (found?.isDirectory()) return path.resolve(folder)
    throw new RunctlError('not_found', found ? `${folder} is a file, not a folder of checkpoints` : `there is no folder ${folder} here`, {
      next: [found ? `${this.commandLine} ${pathForShell(path.dirname(folder))}` : `${this.commandLine} --instance-id INSTANCE`],
    })
  }
}
