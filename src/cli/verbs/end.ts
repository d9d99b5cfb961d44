import {Flags, type Command} from '@oclif/core'

import {endInstance, type EndResult} from '../../core/end-instance.js'
import {parseDuration} from '../../model/duration.js'
import {renderEnd} from '../../ui/end-text.js'
import type {Rendered} from '../base-command.js'
import {durationFlag} from '../duration-flag.js'
import {newRequestId} from '../new-request-id.js'
import {instanceIdsArg, InstancesCommand, type OneOrSeveral} from '../instances-command.js'
import type {VerbFactory} from '../platform-command.js'
import {stepFlags} from '../step-flags.js'

const TEXTS = {
  stop: {
    verb: 'Stop',
    summary: 'Save a checkpoint, verify it, then stop the instance; its disk is kept.',
    description: 'The training is asked to save and has the grace to do so. If no good checkpoint exists then, nothing is stopped, unless --force.',
  },
  terminate: {
    verb: 'Terminate',
    summary: 'Save, then remove the instance and its disk for good.',
    description: 'Refused while complete checkpoints exist on this disk alone, unless --force: pull them first.',
  },
}

const endCommand = (kind: 'stop' | 'terminate', platform: string): Command.Class => {
  class End extends InstancesCommand<EndResult> {
    static override summary = TEXTS[kind].summary
    static override description = TEXTS[kind].description
    static override examples = ['<%= config.bin %> <%= command.id %> INSTANCE', '<%= config.bin %> <%= command.id %> INSTANCE --grace 30s', '<%= config.bin %> <%= command.id %> INSTANCE INSTANCE INSTANCE']
    static override args = {instance: instanceIdsArg}
    static override flags = {
      grace: durationFlag({summary: 'How long the training may take to save. Default: stop.grace of the configuration (120s).'}),
      force: Flags.boolean({default: false, summary: 'Go on even if nothing good was saved or a step failed.'}),
      timeout: durationFlag({summary: `How long to wait for the platform to ${kind} it.`, default: parseDuration('10m'), defaultHelp: async () => '10m'}),
      ...stepFlags,
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<OneOrSeveral<EndResult>>> {
      const {args, flags} = await this.parse(End)
      const graceMs = flags.grace ?? (await this.lenientConfig()).get('stop.grace')
      const {force, timeout: timeoutMs} = flags
      // One for all of them: what is asked of each is the same then, and can travel together.
      const requestId = newRequestId()
      return this.onEach(
        args.instance,
        ({deps, id, line}) => line(`${TEXTS[kind].verb} ${id}`, () => endInstance({instanceId: id, kind, graceMs, force, requestId, timeoutMs}, deps)),
        result => renderEnd(result, this.renderEnv),
      )
    }
  }
  return End
}

export const stopCommand: VerbFactory = platform => endCommand('stop', platform)
export const terminateCommand: VerbFactory = platform => endCommand('terminate', platform)
