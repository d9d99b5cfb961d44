import {Args, Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {checkpointSourceFlags} from '../../cli/checkpoint-command.js'
import {InspectCommand} from '../../cli/inspect-command.js'
import type {CheckpointInfo} from '../../core/inspect-checkpoint.js'
import {renderCheckpointInfo} from '../../ui/checkpoint-info-text.js'

/** Under --json tensors are named unless told otherwise: who parses it can pass over them. */
const TENSORS_IN_JSON = 200

export default class CheckpointInfoCommand extends InspectCommand<CheckpointInfo> {
  static override summary = 'Show one checkpoint: state, step, metrics, digest, where it is, and which tensors are inside.'
  static override description = 'Nothing is loaded or unpickled: tensors are told from headers and tables. Of one in S3 only those are read.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> checkpoints/checkpoint_epoch_2.json --instance-id INSTANCE',
    '<%= config.bin %> <%= command.id %> ./checkpoints/best.pt --tensors 20',
    '<%= config.bin %> <%= command.id %> s3://BUCKET/runs/PROJECT/RUN/checkpoints/best.pt',
  ]
  static override args = {
    checkpoint: Args.string({required: true, ignoreStdin: true, description: 'Its path as `checkpoint list` shows it, a file or folder on this machine, or an s3:// URI.'}),
  }
  static override flags = {
    ...checkpointSourceFlags,
    tensors: Flags.integer({min: 0, max: 100_000, summary: `So many tensors by name. Default: none, and ${TENSORS_IN_JSON} under --json.`}),
  }

  protected async execute(): Promise<Rendered<CheckpointInfo>> {
    const {args, flags} = await this.parse(CheckpointInfoCommand)
    const tensors = flags.tensors ?? (this.jsonEnabled() ? TENSORS_IN_JSON : 0)
    const value = await this.look(args.checkpoint, flags, {full: false, maxTensors: tensors})
    return {value, text: renderCheckpointInfo(value, tensors, this.renderEnv)}
  }
}
