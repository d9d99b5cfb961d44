import path from 'node:path'
import {Args, Flags} from '@oclif/core'

import {RunctlCommand, type Rendered} from '../../cli/base-command.js'
import {installCompletion, planCompletion, type SetupPlace} from '../../cli/completion-setup.js'
import {RunctlError} from '../../model/errors.js'
import type {CompletionSetup} from '../../model/completion-setup.js'
import {renderCompletionSetup} from '../../ui/completion-text.js'

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
type Shell = (typeof SHELLS)[number]

export default class Autocomplete extends RunctlCommand<CompletionSetup> {
  static override summary = 'Set up completion by TAB: of commands, flags, instances, runs, checkpoints, types.'
  static override description = 'Says what is needed and whether it is there; --install does it.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --install',
    '<%= config.bin %> <%= command.id %> zsh --install',
    'eval "$(<%= config.bin %> <%= command.id %> bash --script)"',
  ]
  static override args = {shell: Args.string({ignoreStdin: true, options: [...SHELLS], description: 'Default: the one that SHELL names.'})}
  static override flags = {
    install: Flags.boolean({default: false, summary: 'Write what is needed; the second time nothing.', exclusive: ['script']}),
    script: Flags.boolean({default: false, summary: 'Print what the shell reads, for `eval` or for a file of your own.'}),
  }

  protected async execute(): Promise<Rendered<CompletionSetup>> {
    const {args, flags} = await this.parse(Autocomplete)
    const shell = (args.shell as Shell | undefined) ?? shellInUse(process.env['SHELL'])
    if (shell === 'powershell') return this.powershell(flags.install || flags.script)
    const place: SetupPlace = {dataDir: this.config.dataDir, env: process.env, isMac: process.platform === 'darwin'}
    const value = await (flags.install ? installCompletion(shell, place) : planCompletion(shell, place))
    return {value, text: flags.script ? (value.script ?? '') : renderCompletionSetup(value)}
  }

  /** oclif's own plugin makes its script: commands and flags. */
  private async powershell(wantsMore: boolean): Promise<Rendered<CompletionSetup>> {
    if (wantsMore) throw new RunctlError('bad_input', 'for powershell this command only says what to do', {next: ['runctl autocomplete powershell']})
    await this.config.runCommand('autocomplete:create', [])
    const line = 'Invoke-Expression -Command (runctl autocomplete script powershell)'
    const value: CompletionSetup = {shell: 'powershell', script: null, script_file: null, startup_file: null, line, installed: false, changed: []}
    return {value, text: renderCompletionSetup(value)}
  }
}

function shellInUse(program: string | undefined): Shell {
  const name = path.basename(program ?? '')
  const shell = SHELLS.find(one => one === name)
  if (shell) return shell
  throw new RunctlError('bad_input', `${name === '' ? 'SHELL says nothing of your shell' : `there is no completion for ${name}`}: name one`, {next: SHELLS.map(one => `runctl autocomplete ${one}`)})
}
