import {Args, Flags} from '@oclif/core'
import path from 'node:path'

import type {Rendered} from '../../cli/base-command.js'
import {CheckpointOriginCommand, originFlags} from '../../cli/checkpoint-origin-command.js'
import {readOrigin} from '../../core/checkpoint-origin.js'
import {isStoreUri} from '../../core/store-place.js'
import {tagCheckpoint, type TagResult} from '../../core/tag-checkpoint.js'
import {renderTags} from '../../ui/checkpoint-pull-text.js'

export default class CheckpointTag extends CheckpointOriginCommand<TagResult> {
  static override summary = 'Give a checkpoint names, or take them away. A clean-up keeps what has one.'
  static override description = 'A tag names the content: written anew, the checkpoint has it no more. On an instance its verified copies in the store get it too.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> checkpoints/epoch_3.pt gold --instance-id INSTANCE',
    '<%= config.bin %> <%= command.id %> best.pt gold paper --run RUN',
    '<%= config.bin %> <%= command.id %> ./checkpoints/best.pt gold --remove',
  ]
  static override args = {
    checkpoint: Args.string({required: true, ignoreStdin: true, description: 'Its path as `checkpoint list` shows it, or the end of that; s3://… of one in a store; or a file or folder on this machine.'}),
    names: Args.string({required: true, multiple: true, ignoreStdin: true, description: 'Letters, digits, ".", "_" and "-".'}),
  }
  static override flags = {
    ...originFlags,
    remove: Flags.boolean({default: false, summary: 'Take these names away.'}),
  }

  protected async execute(): Promise<Rendered<TagResult>> {
    const {args, flags} = await this.parse(CheckpointTag)
    const named = flags['instance-id'] !== undefined || flags.run !== undefined || flags.project !== undefined
    const here = named || isStoreUri(args.checkpoint) ? undefined : await this.folderHere(path.dirname(args.checkpoint))
    const origin = readOrigin(flags, here ?? (isStoreUri(args.checkpoint) ? args.checkpoint : undefined), [`${this.commandLine} ${args.checkpoint} gold --run RUN`])
    const names = args.names as unknown as readonly string[]
    const change = flags.remove ? {add: [], remove: names} : {add: names, remove: []}
    const wanted = here === undefined ? args.checkpoint : path.basename(args.checkpoint)
    const deps = {platforms: await this.platformsOf(origin), callAgentHere: this.callAgentHere}
    const result = await tagCheckpoint({origin, wanted, ...change, ...(await this.storeHints(flags))}, deps)
    return {value: result, text: renderTags(result, this.renderEnv)}
  }
}
