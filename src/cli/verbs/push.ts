import {Args} from '@oclif/core'

import {findRunningInstance} from '../../core/find-instance.js'
import {step} from '../../core/progress.js'
import {pushFiles} from '../../core/sync/push-files.js'
import type {PushReport} from '../../core/sync/reports.js'
import {transferWords} from '../../core/transfer-words.js'
import {renderPush} from '../../ui/transfer-text.js'
import type {Rendered} from '../base-command.js'
import {instanceIdArg, PlatformCommand, type VerbFactory} from '../platform-command.js'

export const pushCommand: VerbFactory = platform => {
  class Push extends PlatformCommand<PushReport> {
    static override summary = 'Copy a file or folder to an instance; what is there already is not sent.'
    static override examples = ['<%= config.bin %> <%= command.id %> INSTANCE ./weights.pt', '<%= config.bin %> <%= command.id %> INSTANCE ./configs projects/my-project/']
    static completions = {args: {instance: 'instance:running', source: 'file', destination: 'none'}}
    static override args = {
      instance: instanceIdArg,
      source: Args.string({required: true, ignoreStdin: true, description: 'A file or folder here.'}),
      destination: Args.string({ignoreStdin: true, description: 'Path on the instance, from its home folder; with a final slash a folder to put it into. Default: the same name in the home folder.'}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<PushReport>> {
      const {args} = await this.parse(Push)
      const deps = await this.deps()
      await findRunningInstance(args.instance, deps)
      const request = {source: args.source, destination: args.destination ?? null, cwd: process.cwd()}
      const report = await step(deps.progress, 'push', `Send ${args.source}`, () =>
        pushFiles(request, {agent: deps.agent(args.instance), cacheDir: deps.cacheDir, clock: deps.clock, signal: deps.signal, ...transferWords(deps)}))
      for (const message of report.warnings) deps.progress.emit({type: 'warning', message})
      return {value: report, text: renderPush(report, this.renderEnv)}
    }
  }
  return Push
}
