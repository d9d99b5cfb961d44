import {Flags} from '@oclif/core'

import type {ResourceRow} from '../../core/list-resources.js'
import {waitAndShow} from '../../core/wait-and-show.js'
import {parseDuration} from '../../model/duration.js'
import {renderInstance} from '../../ui/instance-text.js'
import type {Rendered} from '../base-command.js'
import {durationFlag} from '../duration-flag.js'
import {instanceIdsArg, InstancesCommand, type OneOrSeveral} from '../instances-command.js'
import type {VerbFactory} from '../platform-command.js'

const STATES = ['running', 'stopped', 'terminated'] as const
const READY = {running: 'answers', stopped: 'has stopped', terminated: 'is terminated'} as const

export const waitCommand: VerbFactory = platform => {
  class Wait extends InstancesCommand<ResourceRow> {
    static override summary = 'Wait until an instance is running and a command on it answers.'
    static override examples = ['<%= config.bin %> <%= command.id %> INSTANCE', '<%= config.bin %> <%= command.id %> INSTANCE --for stopped --timeout 5m']
    static override args = {instance: instanceIdsArg}
    static override flags = {
      for: Flags.option({options: STATES, default: 'running' as const, summary: 'The state to wait for.'})(),
      timeout: durationFlag({summary: 'How long to wait.', default: parseDuration('10m'), defaultHelp: async () => '10m'}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<OneOrSeveral<ResourceRow>>> {
      const {args, flags} = await this.parse(Wait)
      return this.onEach(
        args.instance,
        ({deps, id, line}) => line(`Wait until ${id} ${READY[flags.for]}`, async () =>
          waitAndShow({instanceId: id, until: flags.for, timeoutMs: flags.timeout}, deps)),
        row => renderInstance(row, this.renderEnv),
      )
    }
  }
  return Wait
}
