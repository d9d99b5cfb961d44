import {Flags} from '@oclif/core'

import type {ProcessesAnswer} from '../../agent/protocol.js'
import {listProcesses} from '../../core/list-processes.js'
import {RunctlError} from '../../model/errors.js'
import {parseDuration} from '../../model/duration.js'
import {renderProcesses} from '../../ui/processes-text.js'
import type {Rendered} from '../base-command.js'
import {durationFlag} from '../duration-flag.js'
import {instanceIdArg, PlatformCommand, type VerbFactory} from '../platform-command.js'

const INTERVAL_MS = parseDuration('2s')
const CLEAR_SCREEN = '\u001B[2J\u001B[H'

export const processesCommand: VerbFactory = platform => {
  class Processes extends PlatformCommand<ProcessesAnswer> {
    static override summary = 'Show processes, memory, disk and GPUs of an instance.'
    static override examples = ['<%= config.bin %> <%= command.id %> INSTANCE', '<%= config.bin %> <%= command.id %> INSTANCE --watch']
    static completions = {args: {instance: 'instance:running'}}
    static override args = {instance: instanceIdArg}
    static override flags = {
      // No default: a flag that has one counts as given for `dependsOn`.
      watch: Flags.boolean({summary: 'Repeat until Ctrl-C.'}),
      interval: durationFlag({summary: 'Time between two looks. Default: 2s.', dependsOn: ['watch']}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<ProcessesAnswer>> {
      const {args, flags} = await this.parse(Processes)
      if (flags.watch && this.jsonEnabled()) throw new RunctlError('bad_input', '--watch repeats and JSON is one document: leave one of them out')
      const deps = await this.deps()
      for (;;) {
        const value = await listProcesses(args.instance, deps)
        const text = renderProcesses(value, this.renderEnv)
        if (!flags.watch) return {value, text}
        this.log((process.stdout.isTTY ? CLEAR_SCREEN : '') + text)
        await deps.clock.sleep(flags.interval ?? INTERVAL_MS, deps.signal)
      }
    }
  }
  return Processes
}
