import {Args} from '@oclif/core'

import {RunctlCommand, type Rendered} from '../../cli/base-command.js'
import {rehearseFlags, rehearseInput} from '../../cli/rehearse-flags.js'
import type {RehearsalReport} from '../../core/rehearse/rehearsal-report.js'
import {rehearse} from '../../core/rehearse/rehearse.js'
import {EXIT_CODES} from '../../model/errors.js'
import {renderRehearsal} from '../../ui/rehearsal-text.js'

export default class CheckpointRehearse extends RunctlCommand<RehearsalReport> {
  static override summary = 'Fire drill: kill your own script at random moments here, resume it each time, and see what is lost.'
  static override description = `The script runs once without interruption on an instance on this machine, then again on others, while it is killed and goes on with --resume latest.
PASS: each time it went on from a checkpoint that verifies, no step was left out, and it came to the same end. Exit status 12 if not.
The instances are made for it and removed at the end; nothing else is touched. Everything after '--' reaches the script as it is.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> training/train_with_checkpoints.py -- --epochs 5',
    '<%= config.bin %> <%= command.id %> train.py --kills 20 --kinds kill,write --exact',
    '<%= config.bin %> <%= command.id %> train.py --seed 7',
  ]
  static override args = {script: Args.string({required: true, ignoreStdin: true, description: 'A .py or .sh file, or an executable, in the project folder.'})}
  static override flags = rehearseFlags

  protected override readonly takesRest = true

  protected async execute(): Promise<Rendered<RehearsalReport>> {
    const {args, flags} = await this.parse(CheckpointRehearse)
    const input = await rehearseInput(args.script, this.rest ?? [], flags, {config: await this.loadConfig(), version: this.config.version})
    const report = await rehearse(input, await this.platformDeps('local'))
    if (report.verdict === 'FAIL') process.exitCode = EXIT_CODES.verification_failed
    return {value: report, text: renderRehearsal(report, this.renderEnv)}
  }
}
