import type {Rendered} from '../../cli/base-command.js'
import {RunCommand, runIdArg} from '../../cli/run-command.js'
import type {RunRow} from '../../core/list-runs.js'
import {renderRun} from '../../ui/run-text.js'

export default class RunShow extends RunCommand<RunRow> {
  static override summary = 'Show one training run.'
  static override examples = ['<%= config.bin %> <%= command.id %> RUN']
  static override args = {run: runIdArg}

  protected async execute(): Promise<Rendered<RunRow>> {
    const {args} = await this.parse(RunShow)
    const {run} = await this.findRun(args.run)
    return {value: run, text: renderRun(run, this.renderEnv)}
  }
}
