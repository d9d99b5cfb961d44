import type {Rendered} from '../../cli/base-command.js'
import {ConfigCommand} from '../../cli/config-command.js'
import type {ConfigShowResult} from '../../model/config-answers.js'
import {renderConfigShow} from '../../ui/config-text.js'

export default class ConfigShow extends ConfigCommand<ConfigShowResult> {
  static override summary = 'Show every configuration key, its value and where the value is from.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']

  protected async execute(): Promise<Rendered<ConfigShowResult>> {
    await this.parse(ConfigShow)
    const value = await this.describeConfiguration()
    return {value, text: renderConfigShow(value, this.renderEnv)}
  }
}
