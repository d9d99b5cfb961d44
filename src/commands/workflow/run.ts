import {Args} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {WorkflowCommand} from '../../cli/workflow-command.js'
import {workflowFlags} from '../../cli/workflow-flags.js'
import type {WorkflowResult} from '../../core/run-workflow.js'
import {RunctlError} from '../../model/errors.js'

export default class WorkflowRun extends WorkflowCommand {
  static override aliases = ['workflow:train']
  static override summary = 'From nothing to verified checkpoints in one command.'
  static override description = `Given a platform it creates an instance there; given an instance it starts it if it is stopped.
Then it sends the code, trains, prints the log, waits for the end, verifies the checkpoints, and reports what it did, what it cost and how to go on.
Everything after '--' reaches the script as it is.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> local training/train_with_checkpoints.py -- --epochs 3',
    '<%= config.bin %> <%= command.id %> INSTANCE training/train_with_checkpoints.py --then stop -- --epochs 2',
  ]
  static override args = {
    target: Args.string({required: true, ignoreStdin: true, description: 'An instance id, or the name of a platform.'}),
    script: Args.string({required: true, ignoreStdin: true, description: 'A .py or .sh file, or an executable, in the project folder.'}),
  }
  static override flags = workflowFlags

  protected async execute(): Promise<Rendered<WorkflowResult>> {
    const {args, flags} = await this.parse(WorkflowRun)
    const platforms = await this.platforms()
    const isPlatform = platforms.has(args.target)
    for (const flag of ['spot', 'spot-fallback', 'type'] as const) {
      if (!isPlatform && flags[flag] !== undefined) throw new RunctlError('bad_input', `--${flag} is for an instance that is created; ${args.target} exists`)
    }
    return this.runWorkflow({
      platform: isPlatform ? args.target : platforms.ownerOf(args.target),
      instanceId: isPlatform ? null : args.target,
      script: args.script,
    }, flags)
  }
}
