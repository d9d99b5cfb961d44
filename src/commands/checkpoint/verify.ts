import {Args, Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {checkpointSourceFlags} from '../../cli/checkpoint-command.js'
import {InspectCommand} from '../../cli/inspect-command.js'
import {notGood, verifyCheckpoints, type VerifiedCheckpoint} from '../../core/verify-checkpoints.js'
import {renderVerified} from '../../ui/verify-text.js'

export default class CheckpointVerify extends InspectCommand<readonly VerifiedCheckpoint[]> {
  static override summary = 'Read checkpoints where they are and compare them with every digest that is known.'
  static override description = 'Ends with exit status 12 if any is not good. Of those in S3 the tables are read, and the manifest is compared with what S3 tells of the objects.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> --instance-id INSTANCE',
    '<%= config.bin %> <%= command.id %> checkpoints/epoch_3.pt --run RUN',
    '<%= config.bin %> <%= command.id %> ./checkpoints',
    '<%= config.bin %> <%= command.id %> s3://BUCKET/runs/PROJECT/RUN/checkpoints/best.pt --full',
  ]
  static override args = {
    checkpoint: Args.string({multiple: true, ignoreStdin: true, description: 'Paths as `checkpoint list` shows them, files or folders on this machine, s3:// URIs. None: all of the instance or run.'}),
  }
  static override flags = {
    ...checkpointSourceFlags,
    full: Flags.boolean({default: false, summary: 'Read every byte of what is in S3, too.'}),
  }

  protected async execute(): Promise<Rendered<readonly VerifiedCheckpoint[]>> {
    const {args, flags} = await this.parse(CheckpointVerify)
    const targets = await this.targetsOf(args.checkpoint ?? [], flags)
    const value = await verifyCheckpoints({targets, full: flags.full}, this.inspectDeps)
    return {value, text: renderVerified(value, this.renderEnv), failures: notGood(value)}
  }
}
