import {Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {durationFlag} from '../../cli/duration-flag.js'
import {newRequestId} from '../../cli/new-request-id.js'
import {actFlags, ResourcePlacesCommand} from '../../cli/resource-places-command.js'
import {placeFlags} from '../../cli/resources-command.js'
import {stopAll, type StopAllItem} from '../../core/stop-all.js'
import {parseDuration} from '../../model/duration.js'
import {renderStopAll} from '../../ui/stop-all-text.js'
import {stepFlags} from '../../cli/step-flags.js'

export default class ResourcesStopAll extends ResourcePlacesCommand<readonly StopAllItem[]> {
  static override summary = 'Stop all of your running instances that runctl made, each with its save; their disks are kept.'
  static override description = `Without --yes it is the plan alone. Each training is asked to save and has the grace to do so; an instance on which nothing good was saved runs on, and is named
with the command to go on. What cannot be stopped (a one-time spot instance) stays too.`
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --yes', '<%= config.bin %> <%= command.id %> --platform aws --project my-project --all-regions --yes']
  static override flags = {
    ...placeFlags,
    ...actFlags,
    ...stepFlags,
    force: Flags.boolean({default: false, summary: 'Stop even where nothing good was saved or a step failed.'}),
    grace: durationFlag({summary: 'How long a training may take to save. Default: stop.grace of the configuration (120s).'}),
    timeout: durationFlag({summary: 'How long to wait for the platform, for each instance.', default: parseDuration('10m'), defaultHelp: async () => '10m'}),
  }

  protected async execute(): Promise<Rendered<readonly StopAllItem[]>> {
    const {flags} = await this.parse(ResourcesStopAll)
    const {failures, result} = await stopAll({
      act: flags.yes,
      project: flags.project ?? null,
      owner: flags.owner ?? this.thisUser,
      graceMs: flags.grace ?? (await this.lenientConfig()).get('stop.grace'),
      force: flags.force,
      timeoutMs: flags.timeout,
      // One for all of them: what is asked of each is the same then, and can travel together.
      requestId: newRequestId(),
    }, await this.resourcePlaces(flags))
    return {value: result, text: renderStopAll(result, this.renderEnv, this.again({without: [{flag: 'dry-run', takesValue: false}], plus: ['--yes']})), failures: this.told(failures)}
  }
}
