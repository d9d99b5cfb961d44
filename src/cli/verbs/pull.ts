import {Args, Flags} from '@oclif/core'

import {findRunningInstance} from '../../core/find-instance.js'
import {pullCheckpoints, pullPath} from '../../core/pull-checkpoints.js'
import type {PullReport} from '../../core/sync/reports.js'
import {RunctlError} from '../../model/errors.js'
import {renderPull} from '../../ui/transfer-text.js'
import type {Rendered} from '../base-command.js'
import {instanceIdArg, PlatformCommand, type VerbFactory} from '../platform-command.js'

export const pullCommand: VerbFactory = platform => {
  class Pull extends PlatformCommand<PullReport> {
    static override summary = 'Copy a file or folder from an instance to this machine, verified; what is here already is not fetched.'
    static override description = 'Interrupted, it goes on where it was when it is run again.'
    static override examples = [
      '<%= config.bin %> <%= command.id %> INSTANCE projects/my-project/outputs ./outputs',
      '<%= config.bin %> <%= command.id %> INSTANCE --checkpoints',
      '<%= config.bin %> <%= command.id %> INSTANCE --checkpoints --project my-project ./my-checkpoints',
    ]
    static completions = {args: {instance: 'instance:running', source: 'none', destination: 'file'}}
    static override args = {
      instance: instanceIdArg,
      source: Args.string({ignoreStdin: true, description: 'Path on the instance, from its home folder or absolute. Left out with --checkpoints.'}),
      destination: Args.string({ignoreStdin: true, description: 'Where to put it here. Default: the same name in this folder.'}),
    }
    static override flags = {
      // No default: a flag that has one counts as given for `dependsOn`.
      checkpoints: Flags.boolean({summary: 'Instead of a source: the checkpoint folder of the newest run. Default destination: runctl-checkpoints/INSTANCE/PROJECT in this folder.'}),
      project: Flags.string({summary: 'With --checkpoints: those of this project.', dependsOn: ['checkpoints']}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<PullReport>> {
      const {args, flags} = await this.parse(Pull)
      if (flags.checkpoints ? args.destination !== undefined : args.source === undefined) {
        throw new RunctlError('bad_input', 'give either a source or --checkpoints', {next: [`${this.commandLine} ${args.instance} --checkpoints`]})
      }
      // With --checkpoints there is no source, so what follows the instance is the destination.
      const [source, destination] = flags.checkpoints ? [undefined, args.source] : [args.source, args.destination]
      const deps = await this.deps()
      await findRunningInstance(args.instance, deps)
      const place = {instanceId: args.instance, destination: destination ?? null, cwd: process.cwd()}
      const report = source === undefined
        ? await pullCheckpoints({...place, project: flags.project ?? null}, deps)
        : await pullPath({...place, source}, deps)
      return {value: report, text: renderPull(report, this.renderEnv)}
    }
  }
  return Pull
}
