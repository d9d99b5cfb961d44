import {Args, Flags} from '@oclif/core'

import {finishRun} from '../../core/finish-run.js'
import {outcomeError} from '../../core/run-outcome.js'
import {train, type TrainResult} from '../../core/train.js'
import {RunctlError} from '../../model/errors.js'
import {parseDuration} from '../../model/duration.js'
import {pathForShell} from '../../model/quote-for-shell.js'
import {renderTrain} from '../../ui/train-text.js'
import type {Rendered} from '../base-command.js'
import {logPrinter} from '../log-printer.js'
import type {Platforms} from '../platforms.js'
import {instanceIdArg, PlatformCommand, type VerbFactory} from '../platform-command.js'
import {trainFlags, trainInput} from '../train-flags.js'

export interface TrainJson extends TrainResult {
  /** Whether the run was followed to its end. */
  readonly waited: boolean
}

const platformOwns = (platforms: Platforms, id: string): boolean => platforms.definitions.some(platform => platform.ownsInstanceId(id))

const READY_TIMEOUT_MS = parseDuration('10m')

export const trainCommand: VerbFactory = platform => {
  class Train extends PlatformCommand<TrainJson> {
    static override summary = 'Send the code and run a training script on an instance.'
    static override description = `Returns as soon as the script runs; with --wait it prints the log and returns when the script has ended.
The run belongs to the instance: Ctrl-C, a closed laptop or a lost network do not end it.
Everything after '--' reaches the script as it is.`
    static override examples = [
      '<%= config.bin %> <%= command.id %> INSTANCE training/train_with_checkpoints.py --sync-code --wait -- --epochs 3',
      '<%= config.bin %> <%= command.id %> INSTANCE train.py --resume latest',
    ]
    static override args = {
      instance: instanceIdArg,
      script: Args.string({required: true, ignoreStdin: true, description: 'A .py or .sh file, or an executable, in the project folder.'}),
    }
    static override flags = {
      ...trainFlags,
      wait: Flags.boolean({default: false, summary: 'Wait until the instance is ready, then follow the run to its end.', exclusive: ['detach']}),
      detach: Flags.boolean({default: false, summary: 'Return as soon as the script runs: what happens without --wait, said in so many words.'}),
    }

    protected readonly platformName = platform
    protected override readonly takesRest = true

    protected async execute(): Promise<Rendered<TrainJson>> {
      const {args, flags} = await this.parse(Train)
      if (flags.timeout !== undefined && !flags.wait) throw new RunctlError('bad_input', '--timeout limits the waiting, so it needs --wait')
      if (platformOwns(await this.platforms(), args.script)) {
        throw new RunctlError('bad_input', `${args.script} is an instance id: the instance comes first, then the script`, {
          next: [`${this.commandLine} ${args.script} ${pathForShell(args.instance)}`],
        })
      }
      const input = await trainInput(args.script, this.rest ?? [], flags, await this.loadConfig())
      const deps = await this.deps()
      const started = await train({...input, instanceId: args.instance, readyTimeoutMs: flags.wait ? READY_TIMEOUT_MS : null}, deps)
      if (!flags.wait) {
        // A run that has failed by now, most often while installing, must not look like one that goes on.
        const {platform: platformName, run: begun} = started
        const error = await outcomeError(begun, {platform: platformName, instanceId: args.instance}, deps.agent(args.instance), deps.signal)
        if (error) throw error
        return {value: {...started, waited: false}, text: renderTrain(started, this.renderEnv)}
      }
      const printer = logPrinter({silent: this.jsonEnabled(), signal: this.signal})
      await this.progress.pause()
      const run = await finishRun({
        instanceId: args.instance,
        runId: started.run.run_id,
        timeoutMs: flags.timeout ?? null,
        log: printer.write,
      }, deps).finally(printer.end)
      const value = {...started, run, waited: true}
      return {value, text: renderTrain(value, this.renderEnv)}
    }
  }
  return Train
}
