import {Args, Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {checkpointSourceFlags} from '../../cli/checkpoint-command.js'
import {CheckpointListCommand} from '../../cli/checkpoint-list-command.js'
import type {Checkpoint} from '../../model/checkpoint.js'
import {renderPlacedList} from '../../ui/placed-list-text.js'

export default class CheckpointList extends CheckpointListCommand<readonly Checkpoint[]> {
  static override summary = 'List checkpoints, oldest first, and every place where each is.'
  static override description = `Of an instance: asked if it runs, else what its tags and the store say. Of a run or a project: wherever it is, on instances and in the store.
On an instance or in a folder each is read through and judged: complete, partial, corrupt, or unverified where the format cannot be judged. In a store its manifest says so; what has none is an upload that is not finished.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --instance-id INSTANCE',
    '<%= config.bin %> <%= command.id %> --run RUN',
    '<%= config.bin %> <%= command.id %> --project mnist --from s3://my-bucket/out',
    '<%= config.bin %> <%= command.id %> s3://my-bucket/out/mnist/',
    '<%= config.bin %> <%= command.id %> ./checkpoints',
  ]
  static completions = {args: {folder: 'folder'}}
  static override args = {folder: Args.string({ignoreStdin: true, description: 'A folder on this machine, or s3://BUCKET/PREFIX.'})}
  static override flags = {
    ...checkpointSourceFlags,
    project: Flags.string({summary: 'A project, on all instances and in the store; with --instance-id, the one of that instance. Default there: that of the newest run.'}),
    from: Flags.string({helpValue: 's3://…', summary: 'With --run or --project: where in a store to look, in place of all else. Default: train.output_s3, and what the tags of instances say.'}),
  }

  protected async execute(): Promise<Rendered<readonly Checkpoint[]>> {
    const {args, flags} = await this.parse(CheckpointList)
    const listing = await this.placedListing({folder: args.folder, ...flags})
    this.say(listing)
    return {value: listing.checkpoints, text: renderPlacedList(listing, this.renderEnv)}
  }
}
