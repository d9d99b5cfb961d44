import {Args, Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {CheckpointOriginCommand, originFlags} from '../../cli/checkpoint-origin-command.js'
import {cleanupWish} from '../../cli/cleanup-wish.js'
import {cleanUpCheckpoints, type CleanupResult} from '../../core/cleanup-checkpoints.js'
import {findCleanupPlaces} from '../../core/find-cleanup-places.js'
import {renderCleanup} from '../../ui/retention-text.js'

export default class CheckpointCleanup extends CheckpointOriginCommand<CleanupResult> {
  static override summary = 'Remove checkpoints that are not worth keeping: on instances, in a folder here, in a store.'
  static override description = `What one rule keeps stays, whatever the others say. Never removed: the newest complete one, what has a tag, what a run resumed from,
what an active run may write again, and all that is not complete (partial, corrupt, unverified). Each disk, and each project in a store, is cleaned up by itself.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --instance-id INSTANCE --keep-last 3 --dry-run',
    '<%= config.bin %> <%= command.id %> s3://BUCKET/PREFIX --keep-last 3 --keep-best 2 --metric eval_loss',
    '<%= config.bin %> <%= command.id %> --project my-project --where s3 --keep-every 1000',
    '<%= config.bin %> <%= command.id %> ./checkpoints --keep-best 1 --metric accuracy:max',
  ]
  static completions = {args: {source: 'folder'}}
  static override args = {source: Args.string({ignoreStdin: true, description: 'A folder on this machine, or a prefix in a store: s3://BUCKET/PREFIX.'})}
  static override flags = {
    ...originFlags,
    'keep-last': Flags.integer({min: 1, helpValue: 'N', summary: 'Keep the newest so many complete ones.'}),
    'keep-best': Flags.integer({min: 1, helpValue: 'K', summary: 'Keep the best so many by --metric; of equal ones the newer.', dependsOn: ['metric']}),
    metric: Flags.string({helpValue: 'NAME[:min|max]', summary: 'The metric that checkpoints tell. Which end is the better one goes by its name (accuracy: max, loss: min) unless it is said.', dependsOn: ['keep-best']}),
    'keep-every': Flags.integer({min: 1, helpValue: 'N', summary: 'Keep those whose step, else epoch, is a multiple of N.'}),
    where: Flags.option({options: ['instance', 's3', 'all'] as const, summary: 'Of a run or project: its copies on disks, in the store, or both (default). `instance` lets a tagged copy, or one that a run resumed from, go from a disk when a verified one is in the store.'})(),
    'dry-run': Flags.boolean({default: false, summary: 'Only show what would go and what would stay, with the reasons, and what that would save.'}),
  }

  protected async execute(): Promise<Rendered<CleanupResult>> {
    const {args, flags} = await this.parse(CheckpointCleanup)
    const {origin, policy, where} = cleanupWish(flags, args.source, this.commandLine)
    const settled = origin.kind === 'folder' ? {...origin, dir: await this.folderHere(origin.dir)} : origin
    const deps = {platforms: await this.platformsOf(origin), callAgentHere: this.callAgentHere}
    const places = await findCleanupPlaces({origin: settled, where, ...(await this.storeHints(flags))}, deps)
    const result = await cleanUpCheckpoints({policy, dryRun: flags['dry-run'], places}, {progress: this.progress})
    return {value: result, text: renderCleanup(result, this.renderEnv)}
  }
}
