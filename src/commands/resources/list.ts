import {Flags} from '@oclif/core'

import {askFlag} from '../../cli/ask-flag.js'
import {RunctlCommand, type Rendered} from '../../cli/base-command.js'
import {listResources, type ResourceRow} from '../../core/list-resources.js'
import {listResourcesAtRisk} from '../../core/resources-at-risk.js'
import {INSTANCE_STATES} from '../../model/instance.js'
import {renderCleanup} from '../../ui/cleanup-text.js'
import {renderInstanceList} from '../../ui/instance-text.js'

export default class ResourcesList extends RunctlCommand<readonly ResourceRow[]> {
  static override summary = 'List instances, what they cost, and the work at risk on them.'
  static override description = 'Terminated ones are left out unless --state asks for them.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> --platform local',
    "<%= config.bin %> <%= command.id %> --output json | jq '.[] | {id: .id, cost: .estimated_cost}'",
  ]
  static override flags = {
    ask: askFlag,
    platform: Flags.string({summary: 'Only this platform. Default: all.'}),
    state: Flags.option({options: INSTANCE_STATES, multiple: true, summary: 'Only instances in this state. Repeatable.'})(),
  }

  protected async execute(): Promise<Rendered<readonly ResourceRow[]>> {
    const {flags} = await this.parse(ResourcesList)
    const all = flags.platform === undefined ? await this.allPlatforms() : [await this.platformDeps(flags.platform)]
    const list = flags.ask ? listResourcesAtRisk : listResources
    const rows = (await Promise.all(all.map(async deps => list({states: flags.state ?? []}, deps)))).flat()
    const text = [renderInstanceList(rows, this.renderEnv), renderCleanup(rows, this.renderEnv)].filter(part => part !== '').join('\n\n')
    return {value: rows, text}
  }
}
