import {Args} from '@oclif/core'
import path from 'node:path'

import type {Rendered} from '../../cli/base-command.js'
import {CheckpointCommand, checkpointSourceFlags} from '../../cli/checkpoint-command.js'
import {pickCheckpoint} from '../../core/list-checkpoints.js'
import type {Checkpoint} from '../../model/checkpoint.js'
import {renderCheckpoint} from '../../ui/checkpoint-text.js'

export default class CheckpointInfo extends CheckpointCommand<Checkpoint> {
  static override summary = 'Show one checkpoint: state, step, size, digest, where it is.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> checkpoints/checkpoint_epoch_2.json --instance-id INSTANCE',
    '<%= config.bin %> <%= command.id %> ./checkpoints/best.pt',
  ]
  static override args = {
    checkpoint: Args.string({required: true, ignoreStdin: true, description: 'Its path as `checkpoint list` shows it, or a file or folder on this machine.'}),
  }
  static override flags = checkpointSourceFlags

  protected async execute(): Promise<Rendered<Checkpoint>> {
    const {args, flags} = await this.parse(CheckpointInfo)
    const here = flags['instance-id'] === undefined && flags.run === undefined
    const wanted = here ? path.basename(args.checkpoint) : args.checkpoint
    const {listing} = await this.listing({folder: here ? path.dirname(args.checkpoint) : undefined, only: here ? wanted : undefined, ...flags})
    const checkpoint = pickCheckpoint(listing, wanted)
    return {value: checkpoint, text: renderCheckpoint(checkpoint, this.renderEnv)}
  }
}
