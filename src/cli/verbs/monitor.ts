import {Flags} from '@oclif/core'

import type {RunStatus} from '../../agent/protocol.js'
import type {Checkpoint} from '../../model/checkpoint.js'
import {findRunningInstance} from '../../core/find-instance.js'
import {followRun} from '../../core/follow-run.js'
import type {PlatformDeps} from '../../core/platform-deps.js'
import {monitorRun, newestRun} from '../../core/monitor-run.js'
import {runWarnings} from '../../core/run-warnings.js'
import type {Instance} from '../../model/instance.js'
import type {LimitsState} from '../../model/limits.js'
import {pathForShell} from '../../model/quote-for-shell.js'
import type {SaveFit} from '../../model/save-fit.js'
import {linesOf, LogText} from '../../ui/log-text.js'
import {goOnLine} from '../../ui/go-on-text.js'
import {renderMonitor} from '../../ui/monitor-text.js'
import {renderRun} from '../../ui/run-text.js'
import type {Rendered} from '../base-command.js'
import {logPrinter} from '../log-printer.js'
import {instanceIdArg, PlatformCommand, type VerbFactory} from '../platform-command.js'
import {saveSettings} from '../save-settings.js'

export interface MonitorJson {
  readonly instance_id: string
  readonly run: RunStatus
  /** The last lines as safe text. */
  readonly log_lines: readonly string[]
  readonly checkpoints: readonly Checkpoint[]
  readonly save_fit: SaveFit | null
  /** When the machine stops itself; null: nothing does that. */
  readonly limits: LimitsState | null
}

export const monitorCommand: VerbFactory = platform => {
  class Monitor extends PlatformCommand<MonitorJson> {
    static override summary = 'Show the log, state and checkpoints of the newest run; --follow until it ends.'
    static override description = 'Ctrl-C stops watching; the training goes on.'
    static override examples = ['<%= config.bin %> <%= command.id %> INSTANCE', '<%= config.bin %> <%= command.id %> INSTANCE --follow']
    static completions = {args: {instance: 'instance:running'}}
    static override args = {instance: instanceIdArg}
    static override flags = {
      follow: Flags.boolean({char: 'f', default: false, summary: 'Print new lines as they come, until the run ends.'}),
      lines: Flags.integer({char: 'n', default: 20, min: 0, max: 10_000, summary: 'How many of the last lines, as far as one answer of the instance holds them; run logs has them all.'}),
      run: Flags.string({summary: 'Another run than the newest one.'}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<MonitorJson>> {
      const {args, flags} = await this.parse(Monitor)
      // Before anything is waited for: Ctrl-C says how to come back also while the run is being looked for.
      const leave = (what: string): void => this.footprint.note('run', {stillRunning: what, next: [`${this.commandLine} ${pathForShell(args.instance)} --follow`]})
      if (flags.follow) leave(`what runs on ${args.instance}`)
      const deps = await this.deps()
      const save = saveSettings(await this.lenientConfig())
      let runId = flags.run ?? null
      if (flags.follow) {
        const found = await this.findRun(args.instance, runId, deps)
        runId = found.runId
        leave(`${runId} on ${found.instance.id}`)
        const {instance} = found
        const printer = logPrinter({silent: this.jsonEnabled(), signal: this.signal})
        await followRun({instanceId: instance.id, runId, tailLines: flags.lines, timeoutMs: null}, {log: printer.write, run: runWarnings(instance, save, this.progress)}, deps).finally(printer.end)
        this.footprint.forget('run')
      }
      const {checkpoints, instance_id, limits, log, run, save_fit} = await monitorRun({instanceId: args.instance, runId, lines: flags.lines, save}, deps)
      const text = new LogText()
      const value = {instance_id, run, log_lines: linesOf(text.push(log) + text.end()), checkpoints, save_fit, limits}
      return {value, text: flags.follow ? [renderRun(run, this.renderEnv), goOnLine(run, instance_id, this.renderEnv)].filter(part => part !== '').join('\n\n') : renderMonitor(value, this.renderEnv)}
    }

    /** Settled before it is followed: a run that is begun meanwhile is not the one that was meant. */
    private async findRun(id: string, runId: string | null, deps: PlatformDeps): Promise<{readonly instance: Instance; readonly runId: string}> {
      try {
        const instance = await findRunningInstance(id, deps)
        return {instance, runId: runId ?? (await newestRun(instance.id, instance.platform, deps)).run_id}
      } catch (error) {
        // Where nothing is to be followed, nothing is left running.
        if (!this.signal.aborted) this.footprint.forget('run')
        throw error
      }
    }
  }
  return Monitor
}
