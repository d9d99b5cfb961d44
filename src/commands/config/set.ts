import {Args, Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {ConfigCommand} from '../../cli/config-command.js'
import type {ConfigSetResult} from '../../model/config-answers.js'
import {renderConfigSet} from '../../ui/config-text.js'

export default class ConfigSet extends ConfigCommand<ConfigSetResult> {
  static override summary = "Write one value into the project's configuration file; comments and order stay as they are."
  static override examples = [
    '<%= config.bin %> <%= command.id %> stop.grace 5m',
    '<%= config.bin %> <%= command.id %> train.checkpoint_patterns "*.pt,last/*.bin"',
    '<%= config.bin %> <%= command.id %> train.env.OMP_NUM_THREADS 8',
    '<%= config.bin %> <%= command.id %> output.format text --user',
  ]
  static override args = {
    key: Args.string({required: true, ignoreStdin: true, description: 'The key, e.g. stop.grace.'}),
    value: Args.string({required: true, ignoreStdin: true, description: 'The value; elements of a list are separated by commas.'}),
  }
  static override flags = {
    user: Flags.boolean({default: false, summary: "Write the user's file, which counts for all projects, instead of the project's."}),
  }

  protected async execute(): Promise<Rendered<ConfigSetResult>> {
    const {args, flags} = await this.parse(ConfigSet)
    const target = flags.user ? 'user' : 'project'
    const value = await this.setConfigValue({...args, target})
    return {value, text: renderConfigSet(value)}
  }
}
