import {Args} from '@oclif/core'

import {commandScript, execCommand, type ExecResult} from '../../core/exec-command.js'
import {RunctlError} from '../../model/errors.js'
import {parseDuration} from '../../model/duration.js'
import {escapeControl} from '../../ui/escape-control.js'
import type {Rendered} from '../base-command.js'
import {durationFlag} from '../duration-flag.js'
import {instanceIdArg, PlatformCommand, type VerbFactory} from '../platform-command.js'

export const execCommandFor: VerbFactory = platform => {
  class Exec extends PlatformCommand<ExecResult> {
    static override summary = 'Run a command on an instance and wait for it.'
    static override description = `What follows '--' is one command with its arguments, passed exactly. A single argument before '--' is a shell script.
The exit status is that of the command. Output is shown when the command has ended; for long work use train.`
    static override examples = ['<%= config.bin %> <%= command.id %> INSTANCE -- nvidia-smi', `<%= config.bin %> <%= command.id %> INSTANCE 'df -h | tail -1'`]
    static completions = {args: {instance: 'instance:running', script: 'none'}}
    static override args = {instance: instanceIdArg, script: Args.string({ignoreStdin: true, description: 'A shell script.'})}
    static override flags = {
      timeout: durationFlag({summary: 'When to end it.', default: parseDuration('10m'), defaultHelp: async () => '10m'}),
    }

    protected readonly platformName = platform
    protected override readonly takesRest = true

    protected async execute(): Promise<Rendered<ExecResult>> {
      const {args, flags} = await this.parse(Exec)
      const words = args.script === undefined ? (this.rest ?? []) : [args.script]
      if (words.length === 0 || (args.script !== undefined && this.rest !== null)) {
        throw new RunctlError('bad_input', `give one script, or a command after '--'`, {next: [`${this.commandLine} ${args.instance} -- COMMAND`]})
      }
      const script = args.script ?? commandScript(words)
      const result = await execCommand({instanceId: args.instance, script, timeoutMs: flags.timeout}, await this.deps())
      if (!this.jsonEnabled() && result.stderr !== '') process.stderr.write(escapeControl(result.stderr))
      process.exitCode = result.exit_code
      return {value: result, text: escapeControl(result.stdout)}
    }
  }
  return Exec
}
