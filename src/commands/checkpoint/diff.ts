import {Args, Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {InspectCommand} from '../../cli/inspect-command.js'
import {diffCheckpoints, type CheckpointDiff as Diff} from '../../core/diff-checkpoints.js'
import {renderCheckpointDiff} from '../../ui/checkpoint-diff-text.js'

const WHERE = 'A file or folder on this machine, an s3:// URI, or INSTANCE:path.'

export default class CheckpointDiff extends InspectCommand<Diff> {
  static override summary = 'Compare two checkpoints: step, epoch, metrics, and tensors by name, shape, dtype and content.'
  static override description = 'Content is compared by the checksums that the files have; where they have none, --full reads all bytes. The exit status is 0 whether or not they differ.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> ./checkpoints/epoch_1.pt ./checkpoints/epoch_2.pt',
    '<%= config.bin %> <%= command.id %> INSTANCE:checkpoints/best.pt s3://BUCKET/runs/PROJECT/RUN/checkpoints/best.pt --full',
  ]
  static override args = {
    a: Args.string({required: true, ignoreStdin: true, description: WHERE}),
    b: Args.string({required: true, ignoreStdin: true, description: WHERE}),
  }
  static override flags = {full: Flags.boolean({default: false, summary: 'Read every byte of both.'})}

  protected async execute(): Promise<Rendered<Diff>> {
    const {args, flags} = await this.parse(CheckpointDiff)
    const [a, b] = await Promise.all([this.addressOf(args.a), this.addressOf(args.b)])
    const value = await diffCheckpoints({a, b, full: flags.full}, this.inspectDeps)
    return {value, text: renderCheckpointDiff(value, this.renderEnv)}
  }
}
