import {Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {ResourcePlacesCommand} from '../../cli/resource-places-command.js'
import {placeFlags} from '../../cli/resources-command.js'
import {findInsights} from '../../core/find-insights.js'
import type {Insight} from '../../model/insight.js'
import {renderInsights} from '../../ui/insights-text.js'

export default class ResourcesInsights extends ResourcePlacesCommand<readonly Insight[]> {
  static override summary = 'What costs more than it must, and what would mend it: each with what was measured, the dollars, and the command.'
  static override description = `Idle and oversized instances, those that nothing stops, long stopped ones with disks that are paid for, spot savings missed, checkpoints in one place alone,
and disks, snapshots and addresses that are attached to nothing. Running instances that runctl made are asked, at most 8 seconds a question. Nothing is changed.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    "<%= config.bin %> <%= command.id %> --json | jq -r '.[] | select(.kind == \"idle\") | .command'",
  ]
  static override flags = {
    ...placeFlags,
    project: Flags.string({summary: 'Only what has this project.'}),
    owner: Flags.string({helpValue: '<name>', summary: 'Only what is theirs, by the owner tag. Default: everybody\'s.'}),
  }

  protected async execute(): Promise<Rendered<readonly Insight[]>> {
    const {flags} = await this.parse(ResourcesInsights)
    const insights = await findInsights({project: flags.project ?? null, owner: flags.owner ?? null}, await this.resourcePlaces(flags))
    return {value: insights, text: renderInsights(insights, this.renderEnv)}
  }
}
