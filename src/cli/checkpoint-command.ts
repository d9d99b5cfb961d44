import {stat} from 'node:fs/promises'
import path from 'node:path'
import {Flags} from '@oclif/core'

import {callLocalAgent} from '../agent/local-agent.js'
import {findRun} from '../core/list-runs.js'
import {listCheckpoints, type CheckpointListing} from '../core/list-checkpoints.js'
import {RunctlError} from '../model/errors.js'
import {pathForShell} from '../model/quote-for-shell.js'
import {RunctlCommand} from './base-command.js'

export const checkpointSourceFlags = {
  'instance-id': Flags.string({summary: 'An instance.', exclusive: ['run']}),
  run: Flags.string({summary: 'A run: only the checkpoints that it wrote.', exclusive: ['instance-id']}),
}

export interface CheckpointSource {
  readonly 'instance-id'?: string | undefined
  readonly run?: string | undefined
  readonly folder?: string | undefined
  readonly project?: string | undefined
  /** In a folder here: only the checkpoint of this name. */
  readonly only?: string | undefined
}

/** A command over the checkpoints of an instance, a run, or a folder on this machine. */
export abstract class CheckpointCommand<T> extends RunctlCommand<T> {
  protected async listing(source: CheckpointSource): Promise<{readonly listing: CheckpointListing}> {
    const instanceId = source['instance-id']
    const given = [instanceId, source.run, source.folder].filter(value => value !== undefined)
    if (given.length !== 1) {
      throw new RunctlError('bad_input', given.length === 0 ? 'say whose checkpoints: an instance, a run or a folder' : 'give one of an instance, a run and a folder, not several', {
        next: ['runctl checkpoint list --instance-id INSTANCE', 'runctl checkpoint list --run RUN', 'runctl checkpoint list ./checkpoints'],
      })
    }
    if (source.folder !== undefined) return {listing: await this.inFolder(source.folder, source.only)}
    if (instanceId !== undefined) {
      const deps = await this.platformDeps((await this.platforms()).ownerOf(instanceId))
      const request = source.project === undefined ? {} : {project: source.project}
      return {listing: await listCheckpoints({instanceId, request}, deps)}
    }
    const runId = source.run ?? ''
    const {deps, run} = await findRun(runId, await this.allPlatforms())
    return {listing: await listCheckpoints({instanceId: run.instance_id, request: {run_id: runId}}, deps)}
  }

  /** The agent judges here too: one implementation of what a good checkpoint is. */
  private async inFolder(folder: string, only: string | undefined): Promise<CheckpointListing> {
    const dir = path.resolve(folder)
    const found = await stat(dir).catch(() => null)
    if (!found?.isDirectory()) {
      throw new RunctlError('not_found', found ? `${folder} is a file; runctl checkpoint info looks at one` : `there is no folder ${folder} here`, {
        next: [found ? `runctl checkpoint info ${pathForShell(folder)}` : 'runctl checkpoint list --instance-id INSTANCE'],
      })
    }
    const answer = await callLocalAgent('checkpoints', {dir, ...(only === undefined ? {} : {path: only})}, this.signal, this.checkpointFormats)
    return {...answer, incomplete_because: null}
  }
}
