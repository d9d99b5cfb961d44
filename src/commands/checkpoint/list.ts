import {Args, Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {CheckpointCommand, checkpointSourceFlags} from '../../cli/checkpoint-command.js'
import type {CheckpointListing} from '../../core/list-checkpoints.js'
import type {Checkpoint} from '../../model/checkpoint.js'
import {renderCheckpointList} from '../../ui/checkpoint-text.js'

export default class CheckpointList extends CheckpointCommand<readonly Checkpoint[]> {
  static override summary = 'List the checkpoints of an instance, a run or a folder, oldest first.'
  static override description = 'Each is read through and judged: complete, partial, corrupt, or unverified where the format cannot be judged.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> --instance-id INSTANCE',
    '<%= config.bin %> <%= command.id %> --run RUN',
    '<%= config.bin %> <%= command.id %> ./checkpoints',
  ]
  static override args = {folder: Args.string({ignoreStdin: true, description: 'A folder on this machine.'})}
  static override flags = {
    ...checkpointSourceFlags,
    project: Flags.string({summary: 'Of an instance: the project whose checkpoints to list. Default: that of the newest run.', dependsOn: ['instance-id']}),
  }

  protected async execute(): Promise<Rendered<readonly Checkpoint[]>> {
    const {args, flags} = await this.parse(CheckpointList)
    const {listing} = await this.listing({folder: args.folder, ...flags})
    this.say(listing)
    return {value: listing.checkpoints, text: renderCheckpointList(listing.checkpoints, this.renderEnv)}
  }

  private say(listing: CheckpointListing): void {
    if (listing.incomplete_because) this.progress.emit({type: 'note', message: listing.incomplete_because})
    for (const {path, why} of listing.latest_good_skipped) this.progress.emit({type: 'warning', message: `${path} cannot be resumed from: ${why}`})
    if (listing.latest_good) this.progress.emit({type: 'note', message: `latest good: ${listing.latest_good.path}`})
  }
}
