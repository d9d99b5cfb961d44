import {Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {cleanupRule, KINDS} from '../../cli/cleanup-rule.js'
import {durationFlag} from '../../cli/duration-flag.js'
import {newRequestId} from '../../cli/new-request-id.js'
import {actFlags, ResourcePlacesCommand} from '../../cli/resource-places-command.js'
import {placeFlags} from '../../cli/resources-command.js'
import {cleanUp, type ResourceCleanup} from '../../core/clean-up.js'
import {parseDuration} from '../../model/duration.js'
import {renderCleanupPlan} from '../../ui/cleanup-plan-text.js'
import {stepFlags} from '../../cli/step-flags.js'

export default class ResourcesCleanup extends ResourcePlacesCommand<ResourceCleanup> {
  static override summary = 'Remove what nobody needs any more: long stopped instances, disks, snapshots and addresses that are attached to nothing.'
  static override description = `Only what runctl made and what is yours, by its tags; the rest is listed with the reason, and never touched. Without --yes it is the plan alone.
An instance whose disk holds the only copy of a checkpoint stays, with the commands that save it. Everything is looked at again right before it goes.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --older-than 30d --yes',
    '<%= config.bin %> <%= command.id %> --kind volume --all-regions',
    '<%= config.bin %> <%= command.id %> --start-to-save --yes',
  ]
  static override flags = {
    ...placeFlags,
    ...actFlags,
    ...stepFlags,
    'older-than': durationFlag({summary: 'Only instances that have been stopped for so long, and other things that were made so long ago. 0s: whatever their age.', default: parseDuration('7d'), defaultHelp: async () => '7d'}),
    kind: Flags.option({options: KINDS, multiple: true, multipleNonGreedy: true, summary: 'Only such things. Repeatable. Default: all.'})(),
    'include-running': Flags.boolean({default: false, summary: 'End instances that still run too, where they were never used and were created an hour ago or more.'}),
    'start-to-save': Flags.boolean({default: false, summary: 'Start an instance that holds only copies of checkpoints, copy them to runctl-checkpoints/ in this folder, verified, then terminate it.'}),
    grace: durationFlag({summary: 'How long a training may take to save. Default: stop.grace of the configuration (120s).'}),
    timeout: durationFlag({summary: 'How long to wait for the platform, for each instance.', default: parseDuration('10m'), defaultHelp: async () => '10m'}),
  }

  protected async execute(): Promise<Rendered<ResourceCleanup>> {
    const {flags} = await this.parse(ResourcesCleanup)
    const config = await this.lenientConfig()
    const {failures, result} = await cleanUp({
      rule: cleanupRule(flags, this.thisUser),
      act: flags.yes,
      defaultOutput: config.get('train.output_s3'),
      graceMs: flags.grace ?? config.get('stop.grace'),
      timeoutMs: flags.timeout,
      requestId: newRequestId(),
      cwd: process.cwd(),
    }, await this.resourcePlaces(flags))
    return {value: result, text: renderCleanupPlan(result, this.renderEnv, this.again({without: [{flag: 'dry-run', takesValue: false}], plus: ['--yes']})), failures: this.told(failures)}
  }
}
