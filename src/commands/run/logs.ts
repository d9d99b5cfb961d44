import {Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {logPrinter} from '../../cli/log-printer.js'
import {RunCommand, runIdArg} from '../../cli/run-command.js'
import {writeOut} from '../../cli/write-out.js'
import {readLog, type RunLogsJson} from '../../core/read-log.js'
import {RunctlError} from '../../model/errors.js'
import {linesOf, LogText} from '../../ui/log-text.js'

export default class RunLogs extends RunCommand<RunLogsJson> {
  static override summary = "Print a run's log, whole or its end."
  static override description = 'Under --json the last lines (--lines, 1000 unless told).'
  static override examples = ['<%= config.bin %> <%= command.id %> RUN', '<%= config.bin %> <%= command.id %> RUN --lines 100', '<%= config.bin %> <%= command.id %> RUN --raw > run.log']
  static override args = {run: runIdArg}
  static override flags = {
    lines: Flags.integer({char: 'n', min: 1, max: 100_000, summary: 'Only so many of the last lines.'}),
    raw: Flags.boolean({default: false, summary: 'The bytes as they are, for a file: escape sequences in them reach a terminal unchanged.'}),
  }

  protected async execute(): Promise<Rendered<RunLogsJson>> {
    const {args, flags} = await this.parse(RunLogs)
    if (flags.raw && this.jsonEnabled()) {
      throw new RunctlError('bad_input', '--raw prints bytes and JSON is a document: leave one of them out', {next: [`runctl run logs ${args.run} --raw --output text`]})
    }
    const {deps, run} = await this.findRun(args.run)
    const text = new LogText()
    let kept = ''
    const printer = logPrinter({silent: this.jsonEnabled(), signal: this.signal})
    const write = flags.raw
      ? (bytes: Uint8Array): Promise<void> => writeOut(bytes, this.signal)
      : this.jsonEnabled()
        ? (bytes: Uint8Array): void => void (kept += text.push(bytes))
        : printer.write
    const tailLines = flags.lines ?? (this.jsonEnabled() ? 1000 : null)
    const size = await readLog({instanceId: run.instance_id, runId: run.run_id, tailLines}, write, deps)
    if (!flags.raw) await printer.end()
    return {value: {run_id: run.run_id, log_path: run.log_path, size_bytes: size, lines: linesOf(kept + text.end())}, text: ''}
  }
}
