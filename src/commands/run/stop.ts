import {Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {durationFlag} from '../../cli/duration-flag.js'
import {newRequestId} from '../../cli/new-request-id.js'
import {RunCommand, runIdArg} from '../../cli/run-command.js'
import {stopRun, type StopRunResult} from '../../core/stop-run.js'
import {renderReports} from '../../ui/end-text.js'

export default class RunStop extends RunCommand<StopRunResult> {
  static override summary = 'Save and end one training run; its instance goes on.'
  static override examples = ['<%= config.bin %> <%= command.id %> RUN', '<%= config.bin %> <%= command.id %> RUN --grace 30s']
  static completions = {args: {run: 'run:active'}}
  static override args = {run: runIdArg}
  static override flags = {
    grace: durationFlag({summary: 'How long the training may take to save. Default: stop.grace of the configuration (120s).'}),
    force: Flags.boolean({default: false, summary: 'End it even if nothing good was saved.'}),
  }

  protected async execute(): Promise<Rendered<StopRunResult>> {
    const {args, flags} = await this.parse(RunStop)
    const graceMs = flags.grace ?? (await this.lenientConfig()).get('stop.grace')
    const {deps, run} = await this.findRun(args.run)
    const answer = await stopRun({run, graceMs, force: flags.force, requestId: newRequestId()}, deps)
    return {value: answer, text: renderReports(answer.reports, this.renderEnv)}
  }
}
