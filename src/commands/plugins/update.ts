import {Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {PluginsCommand} from '../../cli/plugins-command.js'
import type {PluginUpdate} from '../../model/plugin-report.js'
import {renderUpdates} from '../../ui/plugins-text.js'

export default class PluginsUpdate extends PluginsCommand<readonly PluginUpdate[]> {
  static override summary = 'Update the installed plugins to the newest versions that they were asked for.'
  static override description = 'A linked plugin is what is in its folder. Where it fails nothing has changed.'
  static override examples = ['<%= config.bin %> <%= command.id %>']
  static override flags = {verbose: Flags.boolean({char: 'v', default: false, summary: 'Show what npm says.'})}

  protected async execute(): Promise<Rendered<readonly PluginUpdate[]>> {
    const {flags} = await this.parse(PluginsUpdate)
    const installed = (await this.listed()).filter(({type}) => type === 'user')
    const before = await this.versions()
    if (installed.length > 0) await this.change({id: 'plugins:update', argv: flags.verbose ? ['--verbose'] : [], what: 'update the plugins', isVerbose: flags.verbose})
    const after = await this.versions()
    const updates = installed.map(({name}) => ({name, from: before.get(name) ?? 'unknown', to: after.get(name) ?? 'unknown'}))
    return {value: updates, text: renderUpdates(updates)}
  }
}
