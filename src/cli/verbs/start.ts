import {Flags} from '@oclif/core'

import {startInstance, type StartResult} from '../../core/start-instance.js'
import {parseDuration} from '../../model/duration.js'
import {RunctlError} from '../../model/errors.js'
import {renderInstance} from '../../ui/instance-text.js'
import {limitPairs} from '../../ui/limits-text.js'
import type {Rendered} from '../base-command.js'
import {budgetFlag, budgetTerms} from '../budget-flag.js'
import {durationFlag} from '../duration-flag.js'
import {instanceIdsArg, InstancesCommand, type OneOrSeveral} from '../instances-command.js'
import {limitFlags, limitWish, typedLimits} from '../limit-flags.js'
import type {VerbFactory} from '../platform-command.js'
import type {CommandChange} from '../same-command.js'
import {stepFlags} from '../step-flags.js'

export const startCommand: VerbFactory = platform => {
  class Start extends InstancesCommand<StartResult> {
    static override summary = 'Start a stopped instance; its disk is as it was.'
    static override description = 'Limits go on counting where they were when it stopped. With --wait, --max-hours and its like set new ones, which count from now.'
    static override examples = ['<%= config.bin %> <%= command.id %> INSTANCE --wait', '<%= config.bin %> <%= command.id %> INSTANCE --wait --max-hours 8']
    static override args = {instance: instanceIdsArg}
    static override flags = {
      ...limitFlags,
      ...stepFlags,
      ...budgetFlag,
      wait: Flags.boolean({default: false, summary: 'Wait until the instance answers.'}),
      timeout: durationFlag({summary: 'How long to wait: with --wait until it answers, and before that for a stop that is under way.', default: parseDuration('10m'), defaultHelp: async () => '10m'}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<OneOrSeveral<StartResult>>> {
      const {args, flags} = await this.parse(Start)
      if (typedLimits(flags).length > 0 && !flags.wait) {
        throw new RunctlError('bad_input', 'limits are told to the instance once it answers, so they need --wait', {next: [this.again({plus: ['--wait']})]})
      }
      // A machine is started whatever is wrong in a file: what is misread there counts as unset.
      const config = await this.lenientConfig()
      const limits = limitWish(flags, config)
      const budget = budgetTerms(config, flags, {...this.budgetHost, again: change => this.again(withWait(change, flags.wait))})
      return this.onEach(
        args.instance,
        ({deps, id, line}) => line(`Start ${id}`, () => startInstance({instanceId: id, wait: flags.wait, timeoutMs: flags.timeout, limits, ...budget}, deps)),
        ({instance, limits: kept}) => renderInstance(instance, this.renderEnv, kept ? limitPairs(kept, instance.cost_per_hour, this.renderEnv) : undefined),
      )
    }
  }
  return Start
}

/** A limit is told to the instance once it answers. */
const withWait = ({plus = [], ...change}: CommandChange, waits: boolean): CommandChange =>
  ({...change, plus: waits || plus[0] !== '--max-hours' ? plus : ['--wait', ...plus]})
