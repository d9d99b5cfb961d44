import path from 'node:path'
import {Args, Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {PluginsCommand} from '../../cli/plugins-command.js'
import {pluginName} from '../../cli/plugins/plugin-spec.js'
import type {PluginReport} from '../../model/plugin-report.js'
import {renderPlugins} from '../../ui/plugins-text.js'

export default class PluginsLink extends PluginsCommand<readonly PluginReport[]> {
  static override summary = 'Use the plugin in a folder as it is there, and show what it contributes: for its development.'
  static override description = 'A change in the folder counts with the next command. Exit status 13: it is linked, but nothing of it can be used.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> ../my-plugin']
  static override args = {path: Args.string({default: '.', ignoreStdin: true, description: "The plugin's folder."})}
  static override flags = {
    install: Flags.boolean({allowNo: true, default: true, summary: 'Install its dependencies, where it has a lock file.'}),
    verbose: Flags.boolean({char: 'v', default: false, summary: 'Show what npm says.'}),
  }

  protected async execute(): Promise<Rendered<readonly PluginReport[]>> {
    const {args, flags} = await this.parse(PluginsLink)
    const folder = path.resolve(args.path)
    const name = await pluginName(folder)
    await this.change({
      id: 'plugins:link',
      argv: [folder, ...(flags.install ? [] : ['--no-install']), ...(flags.verbose ? ['--verbose'] : [])],
      what: `link ${folder}`,
      isVerbose: flags.verbose,
    })
    const plugins = await this.reportsAfter(plugin => plugin.name === name)
    return {value: plugins, text: renderPlugins(plugins, this.renderEnv)}
  }
}
