import {Args} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {ConfigCommand} from '../../cli/config-command.js'
import type {ConfigValidateResult} from '../../model/config-answers.js'
import {renderConfigValidate} from '../../ui/config-text.js'

export default class ConfigValidate extends ConfigCommand<ConfigValidateResult> {
  static override summary = 'Check the configuration, or one file, and name everything that is wrong with it.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> ../other/.runctl.toml']
  static override args = {
    file: Args.string({ignoreStdin: true, description: 'A file to check; without it, all files and variables that count here.'}),
  }

  protected async execute(): Promise<Rendered<ConfigValidateResult>> {
    const {args} = await this.parse(ConfigValidate)
    const value = await this.validateConfiguration(args.file)
    return {value, text: renderConfigValidate(value)}
  }
}
