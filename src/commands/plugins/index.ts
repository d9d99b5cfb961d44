import {Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {PluginsCommand} from '../../cli/plugins-command.js'
import type {PluginReport} from '../../model/plugin-report.js'
import {renderPlugins} from '../../ui/plugins-text.js'

export default class Plugins extends PluginsCommand<readonly PluginReport[]> {
  static override summary = 'Show the plugins, what each contributes, and what is wrong with it.'
  static override description = 'Each plugin is loaded in a process of its own, so that one that fails shows why and takes nothing along.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json', '<%= config.bin %> <%= command.id %> --core']
  static override flags = {
    core: Flags.boolean({default: false, summary: 'Also runctl itself and the plugins that it comes with.'}),
  }

  protected async execute(): Promise<Rendered<readonly PluginReport[]>> {
    const {flags} = await this.parse(Plugins)
    const plugins = [...(flags.core ? this.coreReports() : []), ...(await this.reports())]
    return {value: plugins, text: renderPlugins(plugins, this.renderEnv)}
  }
}
