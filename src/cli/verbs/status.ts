import {Args} from '@oclif/core'

import {listResources, type ResourceRow} from '../../core/list-resources.js'
import {listResourcesAtRisk} from '../../core/resources-at-risk.js'
import {showStatus, type InstanceStatus} from '../../core/show-status.js'
import {renderInstanceList} from '../../ui/instance-text.js'
import {renderStatus} from '../../ui/status-text.js'
import {askFlag} from '../ask-flag.js'
import type {Rendered} from '../base-command.js'
import {InstancesCommand, type OneOrSeveral} from '../instances-command.js'
import type {VerbFactory} from '../platform-command.js'
import {saveSettings} from '../save-settings.js'

export const statusCommand: VerbFactory = platform => {
  class Status extends InstancesCommand<InstanceStatus, readonly ResourceRow[]> {
    static override summary = 'Show an instance, what runs on it, its last checkpoint and its cost.'
    static override description = 'Without an id: all instances of the platform that are not terminated.'
    static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> INSTANCE']
    static override flags = {ask: askFlag}
    static override args = {instance: Args.string({multiple: true, ignoreStdin: true, description: 'The instance, or several; all of them if left out.'})}

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<OneOrSeveral<InstanceStatus> | readonly ResourceRow[]>> {
      const {args, flags} = await this.parse(Status)
      if (args.instance === undefined) {
        const list = flags.ask ? listResourcesAtRisk : listResources
        const rows = await list({states: []}, await this.deps())
        return {value: rows, text: renderInstanceList(rows, this.renderEnv)}
      }
      const settings = saveSettings(await this.lenientConfig())
      return this.onEach(args.instance, ({deps, id}) => showStatus(id, settings, deps), status => renderStatus(status, this.renderEnv))
    }
  }
  return Status
}
