import {Args, Flags} from '@oclif/core'

import {RunctlCommand, type Rendered} from '../../cli/base-command.js'
import {continueInput} from '../../cli/continue-input.js'
import {limitFlags} from '../../cli/limit-flags.js'
import {trainFlags} from '../../cli/train-flags.js'
import {trainOne, type TrainJson} from '../../cli/train-one.js'
import {renderTrain} from '../../ui/train-text.js'
import {stepFlags} from '../../cli/step-flags.js'

const {'checkpoint-dir': _dir, 'checkpoint-pattern': _pattern, 'output-dir': _output, 'project-name': _project, resume: _resume, ...flags} = trainFlags

export default class CheckpointResume extends RunctlCommand<TrainJson> {
  static override summary = 'Continue a run from its latest good checkpoint, without retyping it.'
  static override description = `Starts the same script with the same arguments, folders and output, on the instance where the run was or on another one.
How the run was begun is asked on the instance, else read from its run.json in the store. Arguments after '--' replace the run's own.
What was not kept must be given again: values of environment variables, --data, --python, patterns.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --instance-id INSTANCE --wait',
    '<%= config.bin %> <%= command.id %> --instance-id INSTANCE --run RUN --wait',
    '<%= config.bin %> <%= command.id %> s3://my-bucket/out/mnist/run-20261123-195501-3f9a07c1/checkpoints/epoch_3.pt --instance-id INSTANCE',
  ]
  static override args = {checkpoint: Args.string({ignoreStdin: true, description: 'Go on from this one: its path as `checkpoint list` shows it, or s3://…. Default: the latest good one.'})}
  static override flags = {
    'instance-id': Flags.string({required: true, summary: 'Where to go on; it must run.'}),
    run: Flags.string({summary: 'The run to continue. Default: the newest one of the instance, else the newest of the project in the store.'}),
    from: Flags.string({helpValue: 's3://…', summary: 'Where in a store to look for the run. Default: train.output_s3, and what the tags of instances say.'}),
    ...flags,
    ...limitFlags,
    ...stepFlags,
    wait: Flags.boolean({default: false, summary: 'Follow the run to its end.'}),
  }

  protected override readonly takesRest = true

  protected async execute(): Promise<Rendered<TrainJson>> {
    const {args, flags} = await this.parse(CheckpointResume)
    const id = flags['instance-id']
    const deps = await this.platformDeps((await this.platforms()).ownerOf(id))
    const how = await continueInput({checkpoint: args.checkpoint ?? null, rest: this.rest}, flags, await this.loadConfig(), deps)
    const result = await trainOne(id, how, {deps, silent: this.jsonEnabled()})
    return {value: result, text: renderTrain(result, this.renderEnv)}
  }
}
