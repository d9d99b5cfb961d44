import {extendLimits, type ExtendResult} from '../../core/extend-limits.js'
import {RunctlError} from '../../model/errors.js'
import {renderExtend} from '../../ui/extend-text.js'
import type {Rendered} from '../base-command.js'
import {instanceIdsArg, InstancesCommand, type OneOrSeveral} from '../instances-command.js'
import {hoursFlag, idleFlag, limitWish, usdFlag} from '../limit-flags.js'
import type {VerbFactory} from '../platform-command.js'

export const extendCommand: VerbFactory = platform => {
  class Extend extends InstancesCommand<ExtendResult> {
    static override summary = 'Give an instance more time before it stops itself.'
    static override description = `Hours and dollars are added to the limits that it has; where it has none, they are set and count from now. 'none' takes a limit away.
What runs goes on undisturbed.`
    static override examples = [
      '<%= config.bin %> <%= command.id %> INSTANCE --hours 2',
      '<%= config.bin %> <%= command.id %> INSTANCE --cost 5 --idle 1h',
      '<%= config.bin %> <%= command.id %> INSTANCE --hours none',
    ]
    static completions = {args: {instance: 'instance:running'}}
    static override args = {instance: instanceIdsArg}
    static override flags = {
      hours: hoursFlag({helpValue: '<hours>|none', summary: 'So many hours of running more.'}),
      cost: usdFlag({helpValue: '<USD>|none', summary: 'So many US dollars more.'}),
      idle: idleFlag({helpValue: '<duration>|none', summary: 'How long it may be idle from now on.'}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<OneOrSeveral<ExtendResult>>> {
      const {args, flags} = await this.parse(Extend)
      const {overrun_s: overrunS, set: change} = limitWish({'max-hours': flags.hours, 'max-cost': flags.cost, idle: flags.idle}, await this.lenientConfig())
      if (Object.keys(change).length === 0) {
        throw new RunctlError('bad_input', 'say by how much: --hours, --cost or --idle', {next: [this.again({plus: ['--hours', '2']})]})
      }
      return this.onEach(
        args.instance,
        ({deps, id, line}) => line(`Extend ${id}`, () => extendLimits({instanceId: id, change, overrunS}, deps)),
        result => renderExtend(result, this.renderEnv),
      )
    }
  }
  return Extend
}
