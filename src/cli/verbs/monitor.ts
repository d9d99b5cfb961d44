import {Flags} from '@oclif/core'

import type {RunStatus} from '../../agent/protocol.js'
import type {Checkpoint} from '../../model/checkpoint.js'
import {findRunningInstance} from '../../core/find-instance.js'
import {followRun} from '../../core/follow-run.js'
import {monitorRun, newestRun} from '../../core/monitor-run.js'
import {linesOf, LogText} from '../../ui/log-text.js'
import {renderMonitor} from '../../ui/monitor-text.js'
import {renderRun} from '../../ui/run-text.js'
import type {Rendered} from '../base-command.js'
import {logPrinter} from '../log-printer.js'
import {instanceIdArg, PlatformCommand, type VerbFactory} from '../platform-command.js'

export interface MonitorJson {
  readonly instance_id: string
  readonly run: RunStatus
  /** The last lines as safe text. */
  readonly log_lines: readonly string[]
  readonly checkpoints: readonly Checkpoint[]
}

export const monitorCommand: VerbFactory = platform => {
  class Monitor extends PlatformCommand<MonitorJson> {
    static override summary = 'Show the log, state and checkpoints of the newest run; --follow until it ends.'
    static override description = 'Ctrl-C stops watching; the training goes on.'
    static override examples = ['<%= config.bin %> <%= command.id %> INSTANCE', '<%= config.bin %> <%= command.id %> INSTANCE --follow']
    static override args = {instance: instanceIdArg}
    static override flags = {
      follow: Flags.boolean({char: 'f', default: false, summary: 'Print new lines as they come, until the run ends.'}),
      lines: Flags.integer({char: 'n', default: 20, min: 0, max: 10_000, summary: 'How many of the last lines.'}),
      run: Flags.string({summary: 'Another run than the newest one.'}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<MonitorJson>> {
      const {args, flags} = await this.parse(Monitor)
      const deps = await this.deps()
      let runId = flags.run ?? null
      if (flags.follow) {
        const instance = await findRunningInstance(args.instance, deps)
        // Settled here: a run that is begun meanwhile is not the one that was followed.
        runId ??= (await newestRun(instance.id, instance.platform, deps)).run_id
        this.footprint.note('run', {stillRunning: `${runId} on ${instance.id}`, next: [`${this.commandLine} ${instance.id} --follow`]})
        const printer = logPrinter({silent: this.jsonEnabled(), signal: this.signal})
        await followRun({instanceId: instance.id, runId, tailLines: flags.lines, timeoutMs: null}, {log: printer.write}, deps).finally(printer.end)
        this.footprint.forget('run')
      }
      const {checkpoints, instance_id, log, run} = await monitorRun({instanceId: args.instance, runId, lines: flags.lines}, deps)
      const text = new LogText()
      const value = {instance_id, run, log_lines: linesOf(text.push(log) + text.end()), checkpoints}
      return {value, text: flags.follow ? renderRun(run, this.renderEnv) : renderMonitor(value, this.renderEnv)}
    }
  }
  return Monitor
}
