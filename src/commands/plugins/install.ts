import {Args, Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {PluginsCommand} from '../../cli/plugins-command.js'
import {installSpec} from '../../cli/plugins/plugin-spec.js'
import type {PluginReport} from '../../model/plugin-report.js'
import {renderPlugins} from '../../ui/plugins-text.js'

export default class PluginsInstall extends PluginsCommand<readonly PluginReport[]> {
  static override aliases = ['plugins:add']
  static override summary = 'Install plugins, and show what they contribute.'
  static override description = `By name or name@version from the registry of npm packages, from a file of \`npm pack\` or a folder on this machine, or from a git repository.
Where it fails nothing has changed. Exit status 13: it is installed, but nothing of it can be used.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> runctl-plugin-ssh',
    '<%= config.bin %> <%= command.id %> ./runctl-plugin-ssh-1.0.0.tgz',
    '<%= config.bin %> <%= command.id %> ../my-plugin',
    '<%= config.bin %> <%= command.id %> https://github.com/owner/repository',
  ]
  static override args = {plugin: Args.string({required: true, multiple: true, ignoreStdin: true, description: 'A name, a path or a URL; or several.'})}
  static override flags = {
    force: Flags.boolean({char: 'f', default: false, summary: 'Fetch it anew, whatever is kept of it on this machine.'}),
    verbose: Flags.boolean({char: 'v', default: false, summary: 'Show what npm says.'}),
  }

  protected async execute(): Promise<Rendered<readonly PluginReport[]>> {
    const {args, flags} = await this.parse(PluginsInstall)
    const specs = await Promise.all([args.plugin].flat().map(spec => installSpec(spec, process.cwd())))
    const before = JSON.stringify(await this.listed())
    for (const spec of specs) {
      await this.change({id: 'plugins:install', argv: [...(flags.force ? ['--force'] : []), ...(flags.verbose ? ['--verbose'] : []), spec], what: `install ${spec}`, isVerbose: flags.verbose})
    }
    const plugins = await this.reportsAfter(plugin => !before.includes(JSON.stringify(plugin)) || specs.some(spec => isNamed(plugin.name, spec) || plugin.url === spec))
    return {value: plugins, text: renderPlugins(plugins, this.renderEnv)}
  }
}

const isNamed = (name: string, spec: string): boolean => spec === name || spec.startsWith(`${name}@`)
