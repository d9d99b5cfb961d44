import {Flags} from '@oclif/core'

import {resourceRow, type ResourceRow} from '../../core/list-resources.js'
import {waitForInstance} from '../../core/wait-for-instance.js'
import {parseDuration} from '../../model/duration.js'
import {renderInstance} from '../../ui/instance-text.js'
import type {Rendered} from '../base-command.js'
import {durationFlag} from '../duration-flag.js'
import {instanceIdArg, PlatformCommand, type VerbFactory} from '../platform-command.js'

const STATES = ['running', 'stopped', 'terminated'] as const

export const waitCommand: VerbFactory = platform => {
  class Wait extends PlatformCommand<ResourceRow> {
    static override summary = 'Wait until an instance is running and a command on it answers.'
    static override examples = ['<%= config.bin %> <%= command.id %> INSTANCE', '<%= config.bin %> <%= command.id %> INSTANCE --for stopped --timeout 5m']
    static override args = {instance: instanceIdArg}
    static override flags = {
      for: Flags.option({options: STATES, default: 'running' as const, summary: 'The state to wait for.'})(),
      timeout: durationFlag({summary: 'How long to wait.', default: parseDuration('10m'), defaultHelp: async () => '10m'}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<ResourceRow>> {
      const {args, flags} = await this.parse(Wait)
      const deps = await this.deps()
      const row = await resourceRow(await waitForInstance({instanceId: args.instance, until: flags.for, timeoutMs: flags.timeout}, deps), deps)
      return {value: row, text: renderInstance(row, this.renderEnv)}
    }
  }
  return Wait
}
