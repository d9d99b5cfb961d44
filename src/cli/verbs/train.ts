import {Args, Flags} from '@oclif/core'

import {RunctlError} from '../../model/errors.js'
import {pathForShell} from '../../model/quote-for-shell.js'
import {renderTrain} from '../../ui/train-text.js'
import type {Rendered} from '../base-command.js'
import {refuseIgnoredFlags} from '../ignored-flags.js'
import {limitFlags, withLimits} from '../limit-flags.js'
import {instanceIdsArg, InstancesCommand, type OneOrSeveral} from '../instances-command.js'
import type {VerbFactory} from '../platform-command.js'
import type {Platforms} from '../platforms.js'
import {saveSettings} from '../save-settings.js'
import {trainFlags, trainInput} from '../train-flags.js'
import {trainOne, type TrainJson} from '../train-one.js'
import {stepFlags} from '../step-flags.js'

export type {TrainJson} from '../train-one.js'

export const trainCommand: VerbFactory = platform => {
  class Train extends InstancesCommand<TrainJson> {
    static override summary = 'Send the code and run a training script on an instance.'
    static override description = `Returns as soon as the script runs; with --wait it prints the log and returns when the script has ended.
Several instances get the same code and arguments, all at once.
The run belongs to the instance: Ctrl-C, a closed laptop or a lost network do not end it.
Everything after '--' reaches the script as it is.`
    static override examples = [
      '<%= config.bin %> <%= command.id %> INSTANCE training/train_with_checkpoints.py --sync-code --wait -- --epochs 3',
      '<%= config.bin %> <%= command.id %> INSTANCE train.py --resume latest',
      '<%= config.bin %> <%= command.id %> INSTANCE train.py --resume s3://my-bucket/out/mnist/run-20261123-195501-3f9a07c1/checkpoints/epoch_3.pt',
      '<%= config.bin %> <%= command.id %> INSTANCE INSTANCE train.py -- --lr 0.1',
    ]
    static override args = {
      instance: instanceIdsArg,
      script: Args.string({required: true, ignoreStdin: true, description: 'A .py or .sh file, or an executable, in the project folder.'}),
    }
    static override flags = {
      ...trainFlags,
      ...limitFlags,
      ...stepFlags,
      wait: Flags.boolean({default: false, summary: 'Wait until the instance is ready, then follow the run to its end.', exclusive: ['detach']}),
      detach: Flags.boolean({default: false, summary: 'Return as soon as the script runs: what happens without --wait, said in so many words.'}),
    }

    protected readonly platformName = platform
    protected override readonly takesRest = true

    protected async execute(): Promise<Rendered<OneOrSeveral<TrainJson>>> {
      const {args, flags} = await this.parse(Train)
      if (flags.timeout !== undefined && !flags.wait) throw new RunctlError('bad_input', '--timeout limits the waiting, so it needs --wait', {next: [this.again({plus: ['--wait']})]})
      this.checkOrder(args.instance, args.script, await this.platforms())
      const config = await this.loadConfig()
      refuseIgnoredFlags(args.script, flags, config, change => this.again(change))
      const input = withLimits(await trainInput(args.script, this.rest ?? [], flags, config), flags, config)
      const how = {...input, wait: flags.wait, timeoutMs: flags.timeout ?? null, save: saveSettings(config)}
      const silent = this.jsonEnabled()
      return this.onEach(
        args.instance, ({deps, id, line, several}) => trainOne(id, how, {deps, line, silent, ...(several ? {label: id} : {})}),
        result => renderTrain(result, this.renderEnv),
      )
    }

    /** Instances first, then one script: what else stands there was meant otherwise. */
    private checkOrder(instances: readonly string[], script: string, platforms: Platforms): void {
      if (platforms.knows(script)) {
        const [first = ''] = instances.filter(word => !platforms.knows(word))
        throw new RunctlError('bad_input', `${script} is an instance id: the instance comes first, then the script`, {
          next: [`${this.commandLine} ${script} ${first === '' ? 'SCRIPT' : pathForShell(first)}`],
        })
      }
      // A single odd id is answered by the platform.
      const odd = instances.length > 1 ? instances.find(word => !platforms.knows(word)) : undefined
      if (odd === undefined) return
      throw new RunctlError('bad_input', `${JSON.stringify(odd)} is no instance id: the instances come first, then one script; what is meant for the script stands behind '--'`, {
        next: [`${this.commandLine} --help`],
      })
    }
  }
  return Train
}
