import type {Rendered} from '../../cli/base-command.js'
import {RunCommand, runIdArg} from '../../cli/run-command.js'
import {runLedger, type RunWithLedger} from '../../core/run-ledger.js'
import {renderRunWithLedger} from '../../ui/ledger-text.js'

export default class RunShow extends RunCommand<RunWithLedger> {
  static override summary = 'Show one training run, and what it cost.'
  static override examples = ['<%= config.bin %> <%= command.id %> RUN']
  static override args = {run: runIdArg}

  protected async execute(): Promise<Rendered<RunWithLedger>> {
    const {args} = await this.parse(RunShow)
    const {deps, instance, run} = await this.findRun(args.run)
    const ledger = await runLedger(run, instance, deps)
    return {value: {...run, ledger}, text: renderRunWithLedger(run, ledger, this.renderEnv)}
  }
}
