import {Args} from '@oclif/core'

import {listResources, type ResourceRow} from '../../core/list-resources.js'
import {showStatus, type InstanceStatus} from '../../core/show-status.js'
import {renderInstanceList} from '../../ui/instance-text.js'
import {renderStatus} from '../../ui/status-text.js'
import type {Rendered} from '../base-command.js'
import {PlatformCommand, type VerbFactory} from '../platform-command.js'

export const statusCommand: VerbFactory = platform => {
  class Status extends PlatformCommand<InstanceStatus | readonly ResourceRow[]> {
    static override summary = 'Show an instance, what runs on it, its last checkpoint and its cost.'
    static override description = 'Without an id: all instances of the platform that are not terminated.'
    static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> INSTANCE']
    static override args = {instance: Args.string({ignoreStdin: true, description: 'The instance; all of them if left out.'})}

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<InstanceStatus | readonly ResourceRow[]>> {
      const {args} = await this.parse(Status)
      const deps = await this.deps()
      if (args.instance === undefined) {
        const rows = await listResources({states: []}, deps)
        return {value: rows, text: renderInstanceList(rows, this.renderEnv)}
      }
      const status = await showStatus(args.instance, deps)
      return {value: status, text: renderStatus(status, this.renderEnv)}
    }
  }
  return Status
}
