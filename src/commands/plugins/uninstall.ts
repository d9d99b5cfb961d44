import {Args, Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {PluginsCommand} from '../../cli/plugins-command.js'
import type {PluginsRemoved} from '../../model/plugin-report.js'
import {renderRemoved} from '../../ui/plugins-text.js'

export default class PluginsUninstall extends PluginsCommand<PluginsRemoved> {
  static override aliases = ['plugins:unlink', 'plugins:remove']
  static override summary = 'Remove plugins, installed or linked ones.'
  static override description = 'Nothing of a plugin is loaded for it: it can be removed whatever is wrong with it. A linked one keeps its folder.'
  static override examples = ['<%= config.bin %> <%= command.id %> runctl-plugin-ssh']
  static override args = {plugin: Args.string({default: '.', multiple: true, ignoreStdin: true, description: 'Its name, or the folder that is linked; or several.'})}
  static override flags = {verbose: Flags.boolean({char: 'v', default: false, summary: 'Show what npm says.'})}

  protected async execute(): Promise<Rendered<PluginsRemoved>> {
    const {args, flags} = await this.parse(PluginsUninstall)
    const names = [args.plugin].flat()
    const before = await this.listed()
    await this.change({id: 'plugins:uninstall', argv: [...names, ...(flags.verbose ? ['--verbose'] : [])], what: `remove ${names.join(', ')}`, isVerbose: flags.verbose})
    const after = await this.listed()
    const removed = before.filter(({name}) => !after.some(one => one.name === name)).map(({name}) => name)
    return {value: {removed}, text: renderRemoved({removed})}
  }
}
