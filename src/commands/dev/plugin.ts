import path from 'node:path'
import {Args, Flags} from '@oclif/core'

import {PROVIDER_API_VERSION} from '../../cli/api-version.js'
import {RunctlCommand, type Rendered} from '../../cli/base-command.js'
import {makePlugin, PLUGIN_KINDS, type MadePlugin} from '../../core/make-plugin.js'
import {renderMadePlugin} from '../../ui/made-plugin-text.js'

export default class DevPlugin extends RunctlCommand<MadePlugin> {
  static override summary = 'Make the folder of a new plugin: a platform, a step or a command that works.'
  static override description = 'It needs no build, and what a platform needs to pass the contract of platforms is there. See docs/add-a-platform.md.'
  static override examples = ['<%= config.bin %> <%= command.id %> my-cloud', '<%= config.bin %> <%= command.id %> our-rules --kind step --kind command']
  static override args = {name: Args.string({required: true, ignoreStdin: true, description: 'Of the plugin, and of its platform: runctl-plugin-NAME is made.'})}
  static override flags = {
    kind: Flags.option({options: PLUGIN_KINDS, multiple: true, multipleNonGreedy: true, summary: 'What it adds. Repeatable. Default: a platform.'})(),
    dir: Flags.string({helpValue: 'FOLDER', summary: 'Where its folder is made. Default: this folder.'}),
  }

  protected async execute(): Promise<Rendered<MadePlugin>> {
    const {args, flags} = await this.parse(DevPlugin)
    const value = await makePlugin({
      name: args.name,
      kinds: flags.kind ?? ['platform'],
      parent: path.resolve(flags.dir ?? '.'),
      templates: path.join(this.config.root, 'templates', 'plugin'),
      version: this.config.version,
      apiVersion: PROVIDER_API_VERSION,
      taken: this.config.topics.map(({name}) => name),
    })
    return {value, text: renderMadePlugin(value)}
  }
}
