import {Args, Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {CheckpointOriginCommand, originFlags} from '../../cli/checkpoint-origin-command.js'
import {pullWish} from '../../cli/pull-wish.js'
import {pullCheckpoint, type CheckpointPullResult} from '../../core/pull-checkpoint.js'
import {renderCheckpointPull} from '../../ui/checkpoint-pull-text.js'

export default class CheckpointPull extends CheckpointOriginCommand<CheckpointPullResult> {
  static override summary = 'Copy checkpoints to this machine, verified; what is here already is not fetched.'
  static override description = `Interrupted, it goes on where it was when it is run again. Nothing gets its final name before all of it is here and verified.
A run is looked for on running instances first, then in the store.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --instance-id INSTANCE',
    '<%= config.bin %> <%= command.id %> checkpoints/best.pt ./best.pt --run RUN',
    '<%= config.bin %> <%= command.id %> latest ./models/ --project my-project',
    '<%= config.bin %> <%= command.id %> s3://BUCKET/PREFIX ./all --all',
  ]
  static completions = {args: {destination: 'folder'}}
  static override args = {
    checkpoint: Args.string({ignoreStdin: true, description: '`latest` (the default: the newest good one), a path as `checkpoint list` shows it, or its end; or s3://… of one or of a prefix.'}),
    destination: Args.string({ignoreStdin: true, description: 'Its new name here; with a / at its end the folder to put it into. Default: below runctl-checkpoints/INSTANCE/PROJECT, from a store RUN/PROJECT, in this folder.'}),
  }
  static override flags = {
    ...originFlags,
    all: Flags.boolean({default: false, summary: 'Every complete one. The destination is a folder then.'}),
  }

  protected async execute(): Promise<Rendered<CheckpointPullResult>> {
    const {args, flags} = await this.parse(CheckpointPull)
    const {destination, origin, wanted} = pullWish(flags, args, this.commandLine)
    const input = {origin, wanted, destination, cwd: process.cwd(), ...(await this.storeHints(flags))}
    const result = await pullCheckpoint(input, await this.platformsOf(origin))
    return {value: result, text: renderCheckpointPull(result, this.renderEnv)}
  }
}
