import {stat} from 'node:fs/promises'
import {Args} from '@oclif/core'

import type {WorkflowResult} from '../../core/run-workflow.js'
import {RunctlError} from '../../model/errors.js'
import {nearestName} from '../../model/nearest-name.js'
import type {Rendered} from '../base-command.js'
import type {VerbFactory} from '../platform-command.js'
import {WorkflowCommand} from '../workflow-command.js'
import {workflowFlags} from '../workflow-flags.js'

export const oneShotCommand: VerbFactory = platform => {
  class OneShot extends WorkflowCommand {
    static override summary = `Create an instance on ${platform}, train on it, verify the checkpoints.`
    static override description = `The short form of \`workflow run ${platform} SCRIPT\`. Everything after '--' reaches the script as it is.`
    static override examples = ['<%= config.bin %> <%= command.id %> training/train_with_checkpoints.py -- --epochs 3']
    static override args = {script: Args.string({required: true, ignoreStdin: true, description: 'A .py or .sh file, or an executable, in the project folder.'})}
    static override flags = workflowFlags

    protected async execute(): Promise<Rendered<WorkflowResult>> {
      await this.refuseMistypedVerb()
      const {args, flags} = await this.parse(OneShot)
      return this.runWorkflow({platform, instanceId: null, script: args.script}, flags)
    }

    /** `local strat` is meant as a verb and arrives here as a script. */
    private async refuseMistypedVerb(): Promise<void> {
      const [word = ''] = this.argv
      const verbs = this.config.commandIDs.filter(id => id.startsWith(`${platform}:`)).map(id => id.slice(platform.length + 1))
      const nearest = /^[a-z]+$/.test(word) ? nearestName(word, verbs) : null
      if (nearest === null || (await stat(word).catch(() => null))) return
      throw new RunctlError('bad_input', `${platform} has no command ${word}, and there is no script of that name here`, {
        next: [`runctl ${platform} ${nearest}`, `runctl ${platform} --help`],
      })
    }
  }
  return OneShot
}
