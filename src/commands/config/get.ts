import {Args} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {ConfigCommand} from '../../cli/config-command.js'
import type {ConfigSetting} from '../../model/config-answers.js'
import {renderConfigGet} from '../../ui/config-text.js'

export default class ConfigGet extends ConfigCommand<ConfigSetting> {
  static override summary = 'Print the value of one configuration key.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> stop.grace',
    '<%= config.bin %> <%= command.id %> train.env.OMP_NUM_THREADS',
  ]
  static override args = {
    key: Args.string({required: true, ignoreStdin: true, description: 'The key, e.g. stop.grace.'}),
  }

  protected async execute(): Promise<Rendered<ConfigSetting>> {
    const {args} = await this.parse(ConfigGet)
    const value = await this.getSetting(args.key)
    return {value, text: renderConfigGet(value)}
  }
}
