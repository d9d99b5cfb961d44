import {Flags} from '@oclif/core'

import {startInstance, type StartResult} from '../../core/start-instance.js'
import {parseDuration} from '../../model/duration.js'
import {renderInstance} from '../../ui/instance-text.js'
import type {Rendered} from '../base-command.js'
import {budgetFlag, budgetTerms} from '../budget-flag.js'
import {durationFlag} from '../duration-flag.js'
import {instanceIdsArg, InstancesCommand, type OneOrSeveral} from '../instances-command.js'
import type {VerbFactory} from '../platform-command.js'

export const startCommand: VerbFactory = platform => {
  class Start extends InstancesCommand<StartResult> {
    static override summary = 'Start a stopped instance; its disk is as it was.'
    static override examples = ['<%= config.bin %> <%= command.id %> INSTANCE --wait']
    static override args = {instance: instanceIdsArg}
    static override flags = {
      ...budgetFlag,
      wait: Flags.boolean({default: false, summary: 'Wait until the instance answers.'}),
      timeout: durationFlag({summary: 'How long to wait: with --wait until it answers, and before that for a stop that is under way.', default: parseDuration('10m'), defaultHelp: async () => '10m'}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<OneOrSeveral<StartResult>>> {
      const {args, flags} = await this.parse(Start)
      const budget = budgetTerms(await this.loadConfig(), flags, this.budgetHost)
      return this.onEach(
        args.instance,
        ({deps, id, line}) => line(`Start ${id}`, () => startInstance({instanceId: id, ...budget, wait: flags.wait, timeoutMs: flags.timeout}, deps)),
        result => renderInstance(result.instance, this.renderEnv),
      )
    }
  }
  return Start
}
