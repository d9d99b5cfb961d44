import {checkScript} from '../core/check-script.js'
import {runWorkflow, type WorkflowResult} from '../core/run-workflow.js'
import {renderWorkflow} from '../ui/workflow-text.js'
import {RunctlCommand, type Rendered} from './base-command.js'
import {refuseIgnoredFlags} from './ignored-flags.js'
import {logPrinter} from './log-printer.js'
import {workflowInput} from './workflow-flags.js'

/** The whole session in one command; `workflow run` and the one-shot form of a platform are this with other arguments. */
export abstract class WorkflowCommand extends RunctlCommand<WorkflowResult> {
  protected override readonly takesRest = true

  protected async runWorkflow(
    what: {readonly platform: string; readonly instanceId: string | null; readonly script: string},
    flags: Parameters<typeof workflowInput>[1],
  ): Promise<Rendered<WorkflowResult>> {
    const printer = logPrinter({silent: this.jsonEnabled(), signal: this.signal})
    const context = {config: await this.loadConfig(), version: this.config.version, log: printer.write, budgetHost: this.budgetHost}
    refuseIgnoredFlags(what.script, flags, context.config, change => this.again(change))
    const input = await workflowInput({...what, args: this.rest ?? []}, flags, context)
    await checkScript(input.train, `runctl workflow run ${what.instanceId ?? what.platform}`)
    const result = await runWorkflow(input, await this.platformDeps(what.platform)).finally(printer.end)
    return {value: result, text: renderWorkflow(result, this.renderEnv)}
  }
}
